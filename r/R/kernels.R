# The arithmetic that every layer is made of: products, sums, maxima, exp, log and tanh of whole arrays.
# Layers call these and nothing else that rounds differently from machine to machine (a BLAS, a sum, a libm),
# so that the arithmetic can be exchanged in one place. It is native: what this machine is fastest at; or, where
# with_arithmetic() says so, exact: slower, and the same bits in R, NumPy and PyTorch on every machine; or r: what base
# R does on the reference BLAS (python/EXACT.md). Twin: python/twinnet/kernels.py.

#' The ways in which the kernels can calculate
#'
#' `"native"`, what this machine is fastest at; `"exact"`, the same bits in R, NumPy and PyTorch on every machine;
#' `"r"`, what base R does on the reference BLAS.
#'
#' @export
ARITHMETICS <- c("native", "exact", "r")

# A kernel of doubles as one of float32 arrays too: it calculates in doubles and rounds its result once.
in_float64 <- function(kernel) {
  force(kernel)
  function(x, ...) {
    if (dtype_of(x) == "float64") {
      return(kernel(x, ...))
    }
    as_dtype(do.call(kernel, lapply(list(x, ...), unclass)), "float32")
  }
}

EXACT <- list(
  matmul = in_float64(exact_matmul),
  matmul_tn = in_float64(exact_matmul_tn),
  matmul_nt = in_float64(exact_matmul_nt),
  array_sum = in_float64(exact_array_sum),
  sum_of_products = in_float64(exact_sum_of_products),
  column_sums = in_float64(exact_column_sums),
  row_sums = in_float64(exact_row_sums),
  row_maxima = in_float64(exact_row_maxima),
  array_exp = in_float64(exact_exp),
  array_log = in_float64(exact_log),
  array_log1p = in_float64(exact_log1p),
  array_tanh = in_float64(exact_tanh)
)
R_OWN <- list(
  matmul = in_float64(r_matmul),
  matmul_tn = in_float64(r_matmul_tn),
  matmul_nt = in_float64(r_matmul_nt),
  array_sum = in_float64(r_array_sum),
  sum_of_products = in_float64(r_sum_of_products),
  column_sums = in_float64(r_column_sums),
  row_sums = in_float64(r_row_sums),
  row_maxima = in_float64(r_row_maxima),
  array_exp = in_float64(r_exp),
  array_log = in_float64(r_log),
  array_log1p = in_float64(r_log1p),
  array_tanh = in_float64(r_tanh)
)
arithmetic <- new.env() # what is on, of the whole process: NULL for the kernels below
arithmetic$kernels <- NULL
arithmetic$setting <- NULL # that of the with_arithmetic() around, if there is one
arithmetic$checked <- character()

#' Work something out while the kernels calculate in a stated way
#'
#' @param setting One of [ARITHMETICS].
#' @param expr What is to be worked out.
#' @return The value of `expr`. Stops if there is no such setting, or if this machine's arithmetic is not what the
#'   setting needs, and names the fault.
#' @examples
#' with_arithmetic("exact", matmul(diag(2), matrix(1:4 / 10, 2)))
#' @export
with_arithmetic <- function(setting, expr) {
  if (!is.null(arithmetic$setting) && identical(arithmetic$setting, setting)) {
    return(expr) # it is on already
  }
  check_choice(setting, "arithmetic", ARITHMETICS)
  before <- mget(c("kernels", "setting"), arithmetic)
  # a BLAS multiplies NaN too; but by default R looks for them in both matrices before each product, which takes up to
  # a fifth of its time
  products <- options(matprod = if (setting == "native") "blas" else "default")
  on.exit({
    list2env(before, arithmetic)
    options(products)
  })
  arithmetic$kernels <- kernels_of(setting)
  arithmetic$setting <- setting
  expr
}

#' How the kernels calculate now
#'
#' @return One of [ARITHMETICS].
#' @export
arithmetic_setting <- function() {
  if (is.null(arithmetic$setting)) "native" else arithmetic$setting
}

# The kernels of a setting, once it is sure that they work here.
kernels_of <- function(setting) {
  if (!(setting %in% arithmetic$checked)) {
    switch(setting, exact = exact_check(`+`, `*`, `%*%`), r = r_check(sum, r_matmul))
    arithmetic$checked <- c(arithmetic$checked, setting)
  }
  switch(setting, exact = EXACT, r = R_OWN)
}

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
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$matmul(a, b))
  }
  in_dtype_of(a %*% b, a)
}

#' @rdname matmul
#' @export
matmul_tn <- function(a, b) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$matmul_tn(a, b))
  }
  in_dtype_of(crossprod(a, b), a)
}

#' @rdname matmul
#' @export
matmul_nt <- function(a, b) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$matmul_nt(a, b))
  }
  in_dtype_of(tcrossprod(a, b), a)
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
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$array_sum(x))
  }
  sum(x)
}

#' @rdname sums
#' @export
sum_of_products <- function(a, b) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$sum_of_products(a, b))
  }
  in_dtype_of(sum(unclass(a) * unclass(b)), a)
}

#' @rdname sums
#' @export
column_sums <- function(x) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$column_sums(x))
  }
  in_dtype_of(.colSums(x, nrow(x), ncol(x)), x)
}

#' @rdname sums
#' @export
row_sums <- function(x) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$row_sums(x))
  }
  in_dtype_of(.rowSums(x, nrow(x), ncol(x)), x)
}

#' @rdname sums
#' @export
row_maxima <- function(x) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$row_maxima(x))
  }
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
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$array_exp(x))
  }
  exp(x)
}

#' @rdname array_exp
#' @export
array_log <- function(x) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$array_log(x))
  }
  log(x)
}

#' @rdname array_exp
#' @export
array_log1p <- function(x) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$array_log1p(x))
  }
  log1p(x)
}

#' @rdname array_exp
#' @export
array_tanh <- function(x) {
  if (!is.null(arithmetic$kernels)) {
    return(arithmetic$kernels$array_tanh(x))
  }
  tanh(x)
}
