# The arithmetic of idiomatic R: the kernels as base R's own functions calculate them, in R and, bit by bit, in NumPy.
# R's sum(), colSums() and rowSums() add one number after the other, in the order of memory, in the 80 bits of an x87
# register, and round the total once. %*%, crossprod() and tcrossprod() on the reference BLAS add the products of one
# element in the order of the inner index, each product and each sum rounded to 64 bits. exp(), log(), log1p() and
# tanh() are the C library's. In R this is what the course's code does as it stands, where R runs on the reference BLAS;
# here the products are taken from any BLAS's hands. NumPy has the 80 bits as longdouble, the order of the products in
# einsum, and the C library by Python's math: R and Python of one machine then agree in every bit, those of two machines
# only if their C libraries do. Sources: R 4.2.2, src/main/summary.c (rsum) and array.c (do_colsum, simple_matprod);
# LAPACK 3.11, BLAS/SRC/dgemm.f. Twin: python/twinnet/base_r.py.

#' Products of matrices, as %*% calculates them on the reference BLAS
#'
#' The terms of an element are added in the order of the inner index: `r_matmul(a, b)` is `a b`, `r_matmul_tn(a, b)` is
#' `a' b`, `r_matmul_nt(a, b)` is `a b'`.
#'
#' @param a,b Matrices whose inner dimensions agree.
#' @return A matrix.
#' @name r_matmul
NULL

#' @rdname r_matmul
#' @export
r_matmul <- function(a, b) {
  # a factor with a NaN makes R leave the BLAS for three loops of its own, whose order is that of the reference BLAS
  product <- rbind(a, rep(NaN, ncol(a))) %*% b
  product[seq_len(nrow(a)), , drop = FALSE]
}

#' @rdname r_matmul
#' @export
r_matmul_tn <- function(a, b) {
  r_matmul(t(a), b)
}

#' @rdname r_matmul
#' @export
r_matmul_nt <- function(a, b) {
  r_matmul(a, t(b))
}

#' Sums and maxima by base R: sum(), colSums(), rowSums()
#'
#' @param x An array; a matrix where columns or rows are asked for.
#' @param a,b Arrays of one shape.
#' @return A number, or a vector of one number a column or row.
#' @name r_sums
NULL

#' @rdname r_sums
#' @export
r_array_sum <- function(x) {
  sum(x)
}

#' @rdname r_sums
#' @export
r_sum_of_products <- function(a, b) {
  sum(a * b)
}

#' @rdname r_sums
#' @export
r_column_sums <- function(x) {
  colSums(x)
}

#' @rdname r_sums
#' @export
r_row_sums <- function(x) {
  rowSums(x)
}

#' @rdname r_sums
#' @export
r_row_maxima <- function(x) {
  apply(x, 1, max)
}

#' Exponential, natural logarithms and hyperbolic tangent by base R
#'
#' @param x An array.
#' @return An array of the shape of `x`.
#' @name r_exp
NULL

#' @rdname r_exp
#' @export
r_exp <- function(x) {
  exp(x)
}

#' @rdname r_exp
#' @export
r_log <- function(x) {
  log(x)
}

#' @rdname r_exp
#' @export
r_log1p <- function(x) {
  log1p(x)
}

#' @rdname r_exp
#' @export
r_tanh <- function(x) {
  tanh(x)
}

#' Whether this machine calculates as R does on most machines; it takes a millisecond
#'
#' @param accumulate The sum of a vector of doubles, one after the other, in the longest type there is, rounded to a
#'   double: a function.
#' @param matmul Product of two matrices, whose order is asked for: a function.
#' @return NULL, invisibly. Stops where it does not, and names the fault.
#' @export
r_check <- function(accumulate, matmul) {
  a <- fill_by_row(sin(1:407), c(37, 11))
  b <- fill_by_row(cos(1:55), c(11, 5))
  ordered <- matrix(0, 37, 5)
  for (k in 1:11) {
    ordered <- ordered + outer(a[, k], b[k, ])
  }
  sound <- c(
    "long sums have not the 64 significant bits of an x87 register" =
      accumulate(c(1, 2^-63, -1)) == 2^-63 && accumulate(c(1, 2^-64, -1)) == 0,
    "products of matrices do not add in the order of the inner index, each step rounded" =
      all(matmul(a, b) == ordered)
  )
  if (!all(sound)) {
    stop("R's arithmetic is not to be had on this machine: ", names(sound)[!sound][[1]], ".", call. = FALSE)
  }
  invisible(NULL)
}
