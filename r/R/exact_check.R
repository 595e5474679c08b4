# Whether this machine's arithmetic is what the exact kernels are proven for; where it is not, they are refused.
# Asked once, at the first use; it takes less than a millisecond. Twin: python/twinnet/exact_check.py.

#' Whether this machine's arithmetic is sound
#'
#' @param add,multiply Sum and product of two vectors, element by element: functions.
#' @param matmul Product of two matrices: a function.
#' @return NULL, invisibly. Stops where the arithmetic is not what the exact kernels are proven for; names the fault.
#' @export
exact_check <- function(add, multiply, matmul) {
  one <- rep(1, 64) # 64 numbers: a processor adds several at a time
  u <- 2^-53
  small <- 2^-1060
  sound <- c(
    "sums are not rounded to the nearest number" =
      all_equal(add(one, u * one), 1) &&
        all_equal(add((1 + 2 * u) * one, u * one), 1 + 4 * u) &&
        all_equal(add(-one, 1.5 * u * one), 1.5 * u - 1),
    "sums are rounded twice, as by arithmetic in extended precision" =
      all_equal(add(one, (u + 2^-78) * one), 1 + 2 * u),
    "numbers below 2^-1022 are flushed to zero" =
      all_equal(multiply(2^-1000 * one, 2^-60 * one), small) &&
        all_equal(multiply(small * one, 2^60 * one), 2^-1000),
    "products are not rounded to the nearest number" =
      all_equal(multiply((1 + 2^-30) * one, (1 + 2^-30) * one), 1 + 2^-29),
    "the BLAS rounds where it need not: its product of whole numbers that fit is not exact" =
      matmul_is_exact(matmul)
  )
  if (!all(sound)) {
    stop("There is no exact arithmetic on this machine: ", names(sound)[!sound][[1]], ".", call. = FALSE)
  }
  invisible(NULL)
}

# Whether every element is `value`.
all_equal <- function(x, value) {
  all(x == value)
}

# Whether products of matrices of whole numbers are exact, where every sum of terms stays below 2^53.
matmul_is_exact <- function(matmul) {
  numbers <- 2^22 - (0:39)
  a <- matrix(numbers, 40, 192)
  expected <- 192 * outer(numbers, numbers)
  product <- matmul(a, t(a))
  signs <- rep(c(1, -1), 96)
  all(product == expected) && all(matmul(a * rep(signs, each = 40), t(a)) == 0)
}
