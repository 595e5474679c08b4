# Sums, and maxima, to the same 64 bits on every machine: a tree of additions in a stated order.
# The last half of the numbers is added to the first, element by element, until one is left; of an odd number the one in
# the middle waits. Every addition is of two numbers that IEEE arithmetic rounds in one way, so no order is left open.
# The error is at most ceil(log2 n) 2^-53 times the sum of the absolute values, where adding one after the other has
# n - 1 in the place of the logarithm (Higham 1993). Twin: python/twinnet/exact_sums.py.

#' Sums and maxima, the same bits on every machine
#'
#' `exact_array_sum(x)` is the sum of all elements, `exact_sum_of_products(a, b)` that of `a * b`, the first index
#' running fastest, and 0 if there are none; `exact_column_sums(x)` and `exact_row_sums(x)` give one sum for each column
#' or row of a matrix that has at least one row or column, `exact_row_maxima(x)` the largest element of each row (NA
#' where the row has a NaN; 0, and not -0, of zeros of both signs).
#'
#' @param x An array; a matrix where columns or rows are asked for.
#' @param a,b Arrays of one shape.
#' @return A number, or a vector of one number a column or row.
#' @references Higham (1993), The accuracy of floating point summation, SIAM Journal on Scientific Computing 14.
#' @name exact_sums
NULL

#' @rdname exact_sums
#' @export
exact_array_sum <- function(x) {
  if (length(x) > 0) tree_sum(x, 1) else 0
}

#' @rdname exact_sums
#' @export
exact_sum_of_products <- function(a, b) {
  exact_array_sum(a * b)
}

#' @rdname exact_sums
#' @export
exact_column_sums <- function(x) {
  tree_sum(t(x), ncol(x))
}

#' @rdname exact_sums
#' @export
exact_row_sums <- function(x) {
  tree_sum(x, nrow(x))
}

#' @rdname exact_sums
#' @export
exact_row_maxima <- function(x) {
  x[seq_len(nrow(x)) + nrow(x) * (max.col(x, "first") - 1L)] + 0
}

# Sum over the columns of `x`, of which each has `size` numbers: the last half is added to the first until one is left.
tree_sum <- function(x, size) {
  dim(x) <- NULL
  n <- length(x) / size
  while (n > 1) {
    half <- seq_len(size * (n %/% 2))
    middle <- if (n %% 2 > 0) x[length(half) + seq_len(size)]
    n <- n - n %/% 2
    x <- c(x[half] + x[size * n + half], middle)
  }
  x
}
