# Pooling: one number for each window of an image, its maximum or its mean, forward and backward.
# Max pooling is the course's (lessons B and C), in PyTorch's ways: of equal maxima the first, row by row, gets the
# gradient; a NaN is the maximum wherever it is seen, and the last one gets it. A window stands only where all of it
# lies in the image. Shapes: x (n, c, h, w), out (n, c, oh, ow) with oh = floor((h - size) / stride) + 1.
# Twin: python/twinnet/pooling.py.

#' Largest number in each window
#'
#' @param x Images: an array (n, c, h, w).
#' @param size Of the window, (vertical, horizontal) or one number for both.
#' @param stride Step of the window; NULL for its size, so that windows neither overlap nor leave gaps.
#' @return A list: `out`, an array (n, c, oh, ow); `cache`, what [max_pool2d_backward()] needs. Stops if `x` is not an
#'   array of images, `size` is not that of a window in it, or `stride` is less than 1.
#' @export
max_pool2d_forward <- function(x, size, stride = NULL) {
  x <- check_image_batch(x, "x")
  pool <- check_pool(size, stride, x)
  n <- nrow(x)
  columns <- pool_columns(dim(x), pool)
  counts <- dim(columns)[1:3]
  seen <- image_table(x)[, columns]
  dim(seen) <- c(n * prod(counts), prod(pool[["size"]])) # one row a window
  winner <- max.col(seen, "first")
  if (anyNA(winner)) {
    rows <- which(is.na(winner))
    winner[rows] <- max.col(is.na(seen[rows, , drop = FALSE]) * 1, "last")
  }
  # where in x it is: from the window's corner a distance that is the same in every window
  corner <- n * (columns[, , , 1] - 1L)
  distance <- n * (columns[1, 1, 1, ] - columns[[1]])
  at <- rep.int(corner, rep.int(n, length(corner))) + seq_len(n) + distance[winner]
  out <- x[at]
  dim(out) <- c(n, counts)
  list(out = out, cache = c(pool, list(winner = winner, at = at, shape = dim(x))))
}

#' Gradient of max pooling: the gradient of a window's output is that of its maximum
#'
#' @param d_out Gradient of the loss with respect to the output: an array (n, c, oh, ow).
#' @param cache From [max_pool2d_forward()].
#' @return `d_x`, an array (n, c, h, w).
#' @export
max_pool2d_backward <- function(d_out, cache) {
  at <- cache[["at"]]
  d_x <- as_dtype(array(0, cache[["shape"]]), dtype_of(d_out))
  if (all(cache[["stride"]] >= cache[["size"]])) {
    d_x[at] <- d_out
  } else { # windows overlap: a number may be the maximum of several
    for (position in backward_order(cache[["size"]])) {
      wins <- cache[["winner"]] == position
      d_x[at[wins]] <- d_x[at[wins]] + d_out[wins]
    }
  }
  d_x
}

#' Mean of each window
#'
#' @inheritParams max_pool2d_forward
#' @return A list: `out`, an array (n, c, oh, ow); `cache`, what [average_pool2d_backward()] needs. Stops as
#'   [max_pool2d_forward()].
#' @export
average_pool2d_forward <- function(x, size, stride = NULL) {
  x <- check_image_batch(x, "x")
  pool <- check_pool(size, stride, x)
  columns <- pool_columns(dim(x), pool)
  table <- image_table(x)
  out <- 0
  for (position in seq_len(prod(pool[["size"]]))) {
    out <- out + table[, columns[, , , position], drop = FALSE]
  }
  out <- out / prod(pool[["size"]])
  dim(out) <- c(nrow(x), dim(columns)[1:3])
  list(out = out, cache = c(pool, list(shape = dim(x))))
}

#' Gradient of average pooling: every number in a window gets an equal share
#'
#' @param d_out Gradient of the loss with respect to the output: an array (n, c, oh, ow).
#' @param cache From [average_pool2d_forward()].
#' @return `d_x`, an array (n, c, h, w).
#' @export
average_pool2d_backward <- function(d_out, cache) {
  columns <- pool_columns(cache[["shape"]], cache)
  share <- image_table(d_out) / prod(cache[["size"]])
  d_x <- as_dtype(matrix(0, nrow(d_out), prod(cache[["shape"]][-1])), dtype_of(d_out))
  for (position in backward_order(cache[["size"]])) {
    window <- columns[, , , position]
    d_x[, window] <- d_x[, window] + share
  }
  dim(d_x) <- cache[["shape"]]
  d_x
}

#' Mean of each channel of each image
#'
#' @param x Images: an array (n, c, h, w).
#' @return A list: `out`, an array (n, c, 1, 1); `cache`, what [global_average_pool2d_backward()] needs. Stops if `x` is
#'   not an array of images.
#' @export
global_average_pool2d_forward <- function(x) {
  shape <- dim(check_image_batch(x, "x"))
  dim(x) <- c(shape[[1]] * shape[[2]], shape[[3]] * shape[[4]])
  out <- row_sums(x) / ncol(x)
  dim(out) <- c(shape[1:2], 1, 1)
  list(out = out, cache = list(shape = shape))
}

#' Gradient of the mean of each channel: every pixel gets an equal share
#'
#' @param d_out Gradient of the loss with respect to the output: an array (n, c, 1, 1).
#' @param cache From [global_average_pool2d_forward()].
#' @return `d_x`, an array (n, c, h, w).
#' @export
global_average_pool2d_backward <- function(d_out, cache) {
  shape <- cache[["shape"]]
  share <- d_out / (shape[[3]] * shape[[4]])
  d_x <- array(share, shape) # recycled: the image's and the channel's index run fastest
  oldClass(d_x) <- oldClass(share)
  d_x
}

# What a pool sees, as columns of the table of images: (c, oh, ow, positions in the window row by row).
pool_columns <- function(shape, pool) {
  columns <- aperm(window_columns(shape, pool[["size"]], pool[["stride"]]), c(1, 2, 3, 5, 4)) # (c, oh, ow, kw, kh)
  dim(columns) <- c(dim(columns)[1:3], prod(pool[["size"]]))
  columns
}

# Positions in a window in the order in which NumPy, which goes from place to place, comes to a pixel that several
# windows see: so that it is the same sum to the last bit.
backward_order <- function(size) {
  positions <- fill_by_row(seq_len(prod(size)), size)
  as.vector(t(positions[rev(seq_len(size[[1]])), , drop = FALSE]))
}

# Size and stride of a pool as pairs, if they are sound.
check_pool <- function(size, stride, x) {
  pair <- check_pair(size, "size", 1)
  check_window_size(pair, dim(x)[3:4], "size", size, "images")
  list(size = pair, stride = if (is.null(stride)) pair else check_pair(stride, "stride", 1))
}
