# The convolution of images with kernels, forward and backward.
# out[i, o, p, q] = b[o] + sum_cuv x[i, c, p sh + u, q sw + v] w[o, c, u, v] (indices from 0), the kernels not flipped:
# what machine learning calls a convolution is a cross-correlation (course: lessons B and C; PyTorch's nn.Conv2d).
# Shapes: x (n, c, h, w), w (o, c, kh, kw), b (o), out (n, o, oh, ow) with
# oh = floor((h + 2 padding - kh) / stride) + 1.
# Each row of the output is an affine layer, whose samples are the patches that the kernels see from the places in that
# row (Chellapilla, Puri and Simard 2006). Row by row, because the patches of one row stay in the processor's cache.
# Twin: python/twinnet/conv2d.py.

#' Output of a convolution
#'
#' @param x Images: an array (n, c, h, w).
#' @param w Kernels, one for each channel of the output: an array (o, c, kh, kw).
#' @param b Biases: a vector of o.
#' @param stride Step of the kernels, (vertical, horizontal) or one number for both, at least 1.
#' @param padding Zeros added on each side, (vertical, horizontal) or one number for both, at least 0.
#' @return A list: `out`, an array (n, o, oh, ow); `cache`, what [conv2d_backward()] needs; it holds kh x kw times as
#'   many numbers as `x`. Stops if an argument has a wrong shape, or the kernels are larger than the padded images.
#' @export
conv2d_forward <- function(x, w, b, stride = 1, padding = 0) {
  stride <- check_pair(stride, "stride", 1)
  padding <- check_pair(padding, "padding", 0)
  x <- pad_images(check_image_batch(x, "x"), padding)
  check_kernels(w, b, x)
  n <- nrow(x)
  o <- nrow(w)
  counts <- window_counts(dim(x)[3:4], dim(w)[3:4], stride)
  across <- counts[[2]]
  kernels <- kernel_rows(w)
  columns <- aperm(window_columns(dim(x), dim(w)[3:4], stride), c(3, 1, 4, 5, 2)) # (ow, c, kh, kw, oh)
  places <- aperm(pixel_columns(c(n, o, counts)), c(3, 1, 2)) # (ow, o, oh)
  table <- matrix(x, n, prod(dim(x)[-1])) # copied: an array that shares its numbers with x is gathered half as fast
  biases <- rep(b, each = n * across)
  patches <- vector("list", counts[[1]])
  out <- matrix(0, n, length(places))
  for (row in seq_along(patches)) {
    seen <- table[, columns[, , , , row]]
    dim(seen) <- c(n * across, ncol(kernels))
    oldClass(seen) <- oldClass(x)
    patches[[row]] <- seen
    out[, places[, , row]] <- matmul_nt(seen, kernels) + biases
  }
  dim(out) <- c(n, o, counts)
  oldClass(out) <- oldClass(x)
  cache <- list(patches = patches, w = w, shape = dim(x), stride = stride, padding = padding)
  list(out = out, cache = cache)
}

#' Gradients of a convolution
#'
#' @param d_out Gradient of the loss with respect to the layer's output: an array (n, o, oh, ow).
#' @param cache From [conv2d_forward()].
#' @param input_gradient Whether `d_x` is wanted; the first layer's is not, and costs more than the rest.
#' @return A list: `d_x` (n, c, h, w) or NULL, `d_w` (o, c, kh, kw), `d_b` (o).
#' @export
conv2d_backward <- function(d_out, cache, input_gradient = TRUE) {
  w <- cache[["w"]]
  shape <- cache[["shape"]]
  n <- nrow(d_out)
  across <- dim(d_out)[[4]]
  kernels <- lapply(seq_len(dim(w)[[4]]), function(j) kernel_rows(w[, , , j, drop = FALSE])) # column by column
  d_kernels <- 0
  d_b <- 0
  d_x <- matrix(0, n, prod(shape[-1]))
  columns <- aperm(window_columns(shape, dim(w)[3:4], cache[["stride"]]), c(3, 1, 4, 5, 2)) # (ow, c, kh, kw, oh)
  places <- aperm(pixel_columns(dim(d_out)), c(3, 1, 2)) # (ow, o, oh)
  d_table <- image_table(d_out)
  for (row in seq_along(cache[["patches"]])) {
    d_row <- d_table[, places[, , row]]
    dim(d_row) <- c(n * across, nrow(w))
    d_kernels <- d_kernels + matmul_tn(d_row, cache[["patches"]][[row]])
    d_b <- d_b + column_sums(d_row)
    if (input_gradient) {
      for (j in seq_along(kernels)) {
        d_seen <- matmul(d_row, kernels[[j]])
        dim(d_seen) <- NULL
        window <- columns[, , , j, row]
        d_x[, window] <- d_x[, window] + d_seen
      }
    }
  }
  dim(d_kernels) <- dim(w)
  dim(d_x) <- shape
  oldClass(d_x) <- oldClass(d_out)
  list(d_x = if (input_gradient) crop_images(d_x, cache[["padding"]]), d_w = d_kernels, d_b = d_b)
}

# Kernels as a matrix (o, c kh kw), the channel running fastest along a row, as in window_columns().
kernel_rows <- function(w) {
  dim(w) <- c(nrow(w), prod(dim(w)[-1]))
  w
}

# Stops unless the kernels and biases fit the padded images.
check_kernels <- function(w, b, x) {
  channels <- ncol(x)
  must_be <- sprintf("an array of kernels (out_channels, %.0f, height, width), as `x` has channels", channels)
  ok <- is.numeric(w) && length(dim(w)) == 4 && ncol(w) == channels
  check_argument(ok, "w", w, must_be)
  check_window_size(dim(w)[3:4], dim(x)[3:4], "w", w, "padded images")
  ok <- is.numeric(b) && length(dim(b)) < 2 && length(b) == nrow(w)
  check_argument(ok, "b", b, sprintf("a vector with one number for each of the %.0f kernels", nrow(w)))
}
