# The convolution of images with kernels, forward and backward.
# out[i, o, p, q] = b[o] + sum_cuv x[i, c, p sh + u, q sw + v] w[o, c, u, v] (indices from 0), the kernels not flipped:
# what machine learning calls a convolution is a cross-correlation (course: lessons B and C; PyTorch's nn.Conv2d).
# Shapes: x (n, c, h, w), w (o, c, kh, kw), b (o), out (n, o, oh, ow) with
# oh = floor((h + 2 padding - kh) / stride) + 1.
# Each row of the output is an affine layer, whose samples are the patches that the kernels see from the places in that
# row (Chellapilla, Puri and Simard 2006). Backward, each row of the images gets its gradient from the rows of the
# output that saw it. Row by row, because what one row needs stays in the processor's cache.
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
  counts <- window_counts(dim(x)[3:4], dim(w)[3:4], stride)
  samples <- n * counts[[2]]
  kernels <- kernel_rows(w)
  columns <- aperm(window_columns(dim(x), dim(w)[3:4], stride), c(3, 1, 5, 4, 2)) # (ow, c, kw, kh, oh)
  places <- row_places(nrow(w), counts)
  table <- image_table(x)
  biases <- rep.int(b, rep.int(samples, length(b)))
  patches <- vector("list", counts[[1]])
  out <- matrix(0, n, length(places))
  for (row in seq_along(patches)) {
    seen <- table[, columns[, , , , row]]
    dim(seen) <- c(samples, ncol(kernels))
    patches[[row]] <- seen
    out[, places[, , row]] <- matmul_nt(seen, kernels) + biases
  }
  dim(out) <- c(n, nrow(w), counts)
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
  stride <- cache[["stride"]]
  n <- nrow(d_out)
  down <- dim(d_out)[[3]]
  samples <- n * dim(d_out)[[4]]
  places <- row_places(nrow(w), dim(d_out)[3:4])
  d_table <- image_table(d_out)
  d_kernels <- 0
  d_b <- 0
  for (row in seq_len(down)) {
    d_row <- d_table[, places[, , row]]
    dim(d_row) <- c(samples, nrow(w))
    d_kernels <- d_kernels + matmul_tn(d_row, cache[["patches"]][[row]])
    d_b <- d_b + column_sums(d_row)
  }
  dim(d_kernels) <- dim(w)[c(1, 2, 4, 3)]
  d_w <- aperm(d_kernels, c(1, 2, 4, 3))
  if (!input_gradient) {
    return(list(d_x = NULL, d_w = d_w, d_b = d_b))
  }
  shape <- cache[["shape"]]
  kernels <- aperm(w, c(1, 3, 2, 4)) # (o, kh, c, kw)
  columns <- aperm(window_columns(shape, c(1, dim(w)[[4]]), c(1, stride[[2]])), c(3, 1, 5, 2, 4)) # (ow, c, kw, h, 1)
  d_x <- matrix(0, n, prod(shape[-1]))
  for (row in seq_len(shape[[3]])) {
    saw <- rows_that_saw(row, down, dim(w)[[3]], stride[[1]])
    if (length(saw[["rows"]]) == 0) {
      next
    }
    d_rows <- d_table[, places[, , saw[["rows"]]]]
    dim(d_rows) <- c(samples, nrow(w) * length(saw[["rows"]]))
    seen_with <- kernels[, saw[["heights"]], , ]
    dim(seen_with) <- c(ncol(d_rows), dim(w)[[2]] * dim(w)[[4]])
    d_patches <- matmul(d_rows, seen_with)
    dim(d_patches) <- c(samples * dim(w)[[2]], dim(w)[[4]])
    for (j in seq_len(dim(w)[[4]])) {
      window <- columns[, , j, row, 1]
      d_x[, window] <- d_x[, window] + d_patches[, j]
    }
  }
  dim(d_x) <- shape
  oldClass(d_x) <- oldClass(d_out)
  list(d_x = crop_images(d_x, cache[["padding"]]), d_w = d_w, d_b = d_b)
}

# Kernels as a matrix (o, c kw kh), the channel running fastest along a row.
kernel_rows <- function(w) {
  rows <- aperm(w, c(1, 2, 4, 3))
  dim(rows) <- c(nrow(w), prod(dim(w)[-1]))
  rows
}

# The columns, in a table of images of `channels` channels and this height and width, row by row: (w, channels, h).
row_places <- function(channels, extent) {
  aperm(pixel_columns(c(1, channels, extent)), c(3, 1, 2))
}

# Rows of the output whose kernels saw a row of the images, and with which of the kernel's rows each did.
rows_that_saw <- function(row, down, height, stride) {
  first <- max(0, (row - 1 - height) %/% stride + 1)
  last <- min((row - 1) %/% stride, down - 1)
  rows <- first + seq_len(last - first + 1)
  list(rows = rows, heights = row - stride * (rows - 1))
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
