# Reshaping in a stated order: the one place where R's columns-first and NumPy's rows-first memory meet.
# Twin: python/twinnet/arrays.py.

#' An array filled from a vector, in a stated order
#'
#' `fill_by_column()` lets the first index run fastest, as [matrix()] does; `fill_by_row()` the last index, as
#' NumPy's `reshape` and PyTorch's `view` do.
#'
#' @param values A vector of n elements.
#' @param shape Sizes whose product is n.
#' @return An array of that shape.
#' @export
fill_by_column <- function(values, shape) {
  dim(values) <- shape
  values
}

#' @rdname fill_by_column
#' @export
fill_by_row <- function(values, shape) {
  aperm(fill_by_column(values, rev(shape)))
}
