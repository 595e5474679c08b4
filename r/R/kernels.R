# The arithmetic that every layer is made of: products, sums, maxima, exp, log and tanh of whole arrays.
# Layers call these and nothing else that rounds differently from machine to machine (a BLAS, a sum, a libm),
# so that the arithmetic can be exchanged in one place. Twin: python/twinnet/kernels.py.

#' Products of matrices
#'
#' `matmul(a, b)` is `a b`, `matmul_tn(a, b)` is `a' b`, `matmul_nt(a, b)` is `a b'`.
#'
#' @param a,b Matrices whose inner dimensions agree.
#' @return A matrix.
#' @name matmul
NULL

#' @rdname matmul
#' @export
matmul <- function(a, b) {
  as_dtype(a %*% b, dtype_of(a))
}

#' @rdname matmul
#' @export
matmul_tn <- function(a, b) {
  as_dtype(crossprod(a, b), dtype_of(a))
}

#' @rdname matmul
#' @export
matmul_nt <- function(a, b) {
  as_dtype(tcrossprod(a, b), dtype_of(a))
}

#' Sums and maxima
#'
#' `array_sum(x)` is the sum of all elements, `sum_of_products(a, b)` that of `a * b`; `column_sums(x)` and
#' `row_sums(x)` give one sum for each column or row of a matrix, `row_maxima(x)` the largest element of each row (NA
#' where the row has a NaN).
#'
#' @param x An array; a matrix where columns or rows are asked for.
#' @param a,b Arrays of one shape.
#' @return A number, or a vector of one number a column or row.
#' @name sums
NULL

#' @rdname sums
#' @export
array_sum <- function(x) {
  sum(x)
}

#' @rdname sums
#' @export
sum_of_products <- function(a, b) {
  as_dtype(sum(unclass(a) * unclass(b)), dtype_of(a))
}

#' @rdname sums
#' @export
column_sums <- function(x) {
  as_dtype(.colSums(x, nrow(x), ncol(x)), dtype_of(x))
}

#' @rdname sums
#' @export
row_sums <- function(x) {
  as_dtype(.rowSums(x, nrow(x), ncol(x)), dtype_of(x))
}

#' @rdname sums
#' @export
row_maxima <- function(x) {
  maxima <- x[, 1]
  for (j in seq_len(ncol(x))[-1]) { # one pass a column; apply(x, 1, max) would call R once a row
    maxima <- pmax.int(maxima, x[, j])
  }
  oldClass(maxima) <- oldClass(x)
  maxima
}

#' Exponential, natural logarithm and hyperbolic tangent of each element
#'
#' `array_log1p(x)` is log(1 + x), exact also where x is far below 1.
#'
#' @param x An array.
#' @return An array of the shape of `x`.
#' @name array_exp
NULL

#' @rdname array_exp
#' @export
array_exp <- function(x) {
  exp(x)
}

#' @rdname array_exp
#' @export
array_log <- function(x) {
  log(x)
}

#' @rdname array_exp
#' @export
array_log1p <- function(x) {
  log1p(x)
}

#' @rdname array_exp
#' @export
array_tanh <- function(x) {
  tanh(x)
}
