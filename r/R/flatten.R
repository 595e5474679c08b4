# From images to the rows of a table (flatten), and from rows to images (unflatten).
# The columns are in PyTorch's order (nn.Flatten, nn.Unflatten), the last index running fastest: channel by channel, row
# by row. So a weight of the affine layer that follows means the same in R, in NumPy and in PyTorch.
# Twin: python/twinnet/flatten.py.

#' Each sample's numbers as one row
#'
#' @param x Samples of any shape, an array (n, ...): images are (n, c, h, w).
#' @return A list: `out`, a matrix (n, product of the other sizes); `cache`, what [flatten_backward()] needs. Stops if
#'   `x` is not an array of numbers with at least two dimensions.
#' @export
flatten_forward <- function(x) {
  ok <- is.numeric(x) && length(dim(x)) >= 2
  check_argument(ok, "x", x, "an array of numbers with at least two dimensions, one sample each along the first")
  shape <- dim(x)
  out <- last_index_first(x)
  dim(out) <- c(shape[[1]], prod(shape[-1]))
  list(out = out, cache = list(shape = shape))
}

#' Gradient of flattening: the rows in the samples' shape
#'
#' @param d_out Gradient of the loss with respect to the output: a matrix (n, d).
#' @param cache From [flatten_forward()].
#' @return `d_x`, an array of the shape of x.
#' @export
flatten_backward <- function(d_out, cache) {
  shape <- cache[["shape"]]
  dim(d_out) <- c(shape[[1]], rev(shape[-1]))
  last_index_first(d_out)
}

#' Each row's numbers as a sample of some shape
#'
#' @param x Samples, one row each: a matrix (n, product of the sizes).
#' @param shape Sizes of a sample: of an image channels, height, width.
#' @return A list: `out`, an array (n, shape); `cache`, what [unflatten_backward()] needs. Stops if `x` is not a matrix
#'   of as many columns.
#' @export
unflatten_forward <- function(x, shape) {
  ok <- is.numeric(x) && length(dim(x)) == 2 && ncol(x) == prod(shape)
  sizes <- paste(shape, collapse = " x ")
  must_be <- sprintf("an array of numbers (n, %.0f): a row holds the %s numbers of a sample", prod(shape), sizes)
  check_argument(ok, "x", x, must_be)
  dim(x) <- c(nrow(x), rev(shape))
  list(out = last_index_first(x), cache = list())
}

#' Gradient of unflattening: the samples as rows
#'
#' @param d_out Gradient of the loss with respect to the output: an array (n, ...).
#' @param cache From [unflatten_forward()].
#' @return `d_x`, a matrix (n, product of the other sizes).
#' @export
unflatten_backward <- function(d_out, cache) {
  flatten_forward(d_out)[["out"]]
}

# The same array with all indices but the first in reverse: R's memory has the first of them run fastest.
last_index_first <- function(x) {
  aperm(x, c(1, rev(seq_along(dim(x))[-1])))
}
