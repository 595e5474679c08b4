# The matrix product to the same 64 bits on every machine: error-free splitting (Ozaki et al. 2012).
# Each row of one factor and each column of the other is cut into three slices of so few bits each that a whole product
# of two slices is exact: every term and every partial sum is a multiple of one unit and at most 2^53 units. A BLAS may
# then add in any order, on any number of threads, with or without fused operations. Rounding happens only where the
# three groups of slice products are added, in one order:
#   a b = high + (middle + low),  high = a1 b1,  middle = a1 b2 + a2 b1,  low = a1 b3 + a2 b2 + a3 b1.
# With K the inner dimension, beta = floor((53 - ceil(log2 3K)) / 2) and d = 2^-(beta + 1), the error of element (i, j)
# is at most 2^-53 |(a b)_ij| + (2^-51 d + 5 d^3) K A_i B_j, where A_i is twice the largest number in row i of a,
# B_j likewise for column j of b, but not less than about 1e-146. A row with a NaN, an infinity or a number beyond about
# 1e150 gives NaN. Products of at most 4096 terms are too small for that to pay: their terms are rounded, and added by the
# tree of exact_sums.R. python/EXACT.md proves it all. Twin: python/twinnet/exact_product.py.

UNIT <- 2^-53
POWERS_OF_TWO <- 2^(0:52)
TERMS_OF_A_TREE <- 2^12
NUMBERS_IN_CACHE <- 2^15

#' Products of matrices, the same bits on every machine
#'
#' `exact_matmul(a, b)` is `a b`, `exact_matmul_tn(a, b)` is `a' b`, `exact_matmul_nt(a, b)` is `a b'`.
#'
#' @param a,b Matrices whose inner dimensions agree.
#' @return A matrix.
#' @references Ozaki, Ogita, Oishi and Rump (2012), Numerical Algorithms 59.
#' @name exact_matmul
NULL

#' @rdname exact_matmul
#' @export
exact_matmul <- function(a, b) {
  product_of_rows(a, t(b))
}

#' @rdname exact_matmul
#' @export
exact_matmul_tn <- function(a, b) {
  product_of_rows(t(a), t(b))
}

#' @rdname exact_matmul
#' @export
exact_matmul_nt <- function(a, b) {
  product_of_rows(a, b)
}

#' What the slicing of rows of `k` numbers is done with
#'
#' @param k Inner dimension of the product, at least 1.
#' @return Five numbers: the power of two below which the largest number of a row counts as this; `2^52 + 1`, times the
#'   power of two with which numbers that could make the product overflow overflow here; and three that, times the power
#'   of two below a row's largest number, lifted, are what rounds to the slices.
#' @export
slice_constants <- function(k) {
  bits <- (53 - ceil_log2(3 * k)) %/% 2
  limit <- (1023 - ceil_log2(k)) %/% 2 # 2^limit is beyond what a row may hold
  lift <- 2^(972 - limit)
  shift <- 1.5 * 2^(53 - bits) / lift
  finer <- 2^-(bits + 1)
  c(2^(2 * bits - 537), (2^52 + 1) * lift, shift, shift * finer, shift * finer * finer)
}

# The smallest power to which 2 must be raised to be at least `number`.
ceil_log2 <- function(number) {
  sum(POWERS_OF_TWO < number)
}

# Products of each row of `a` (n, k) with each row of `b` (m, k): a matrix (n, m).
product_of_rows <- function(a, b) {
  n <- nrow(a)
  m <- nrow(b)
  terms <- n * m * ncol(a)
  if (terms == 0) {
    matrix(0, n, m)
  } else if (terms <= TERMS_OF_A_TREE) {
    product <- tree_sum(a[rep.int(seq_len(n), m), ] * b[rep(seq_len(m), each = n), ], n * m) + 0
    dim(product) <- c(n, m)
    product
  } else if (n >= m) {
    multiply_rows(a, b)
  } else {
    t(multiply_rows(b, a))
  }
}

# The same, worked out for as many rows of `a` at a time as the processor's cache holds.
multiply_rows <- function(a, b) {
  n <- nrow(a)
  step <- max(1, NUMBERS_IN_CACHE %/% max(dim(b)))
  cut <- slices(b)
  if (n <= step) {
    return(multiply_slices(slices(a), cut))
  }
  product <- matrix(0, n, nrow(b))
  for (start in seq(1, n, step)) {
    rows <- start:min(start + step - 1, n)
    product[rows, ] <- multiply_slices(slices(a[rows, , drop = FALSE]), cut)
  }
  product
}

# The product from the slices of its factors; nothing is rounded but the last two sums.
multiply_slices <- function(a, b) {
  low <- tcrossprod(a[[1]], b[[3]]) + tcrossprod(a[[2]], b[[2]]) + tcrossprod(a[[3]], b[[1]])
  middle <- tcrossprod(a[[1]], b[[2]]) + tcrossprod(a[[2]], b[[1]])
  tcrossprod(a[[1]], b[[1]]) + (middle + (low + 0)) # a BLAS may leave -0, which is to be 0
}

# The three slices of a matrix.
slices <- function(x) {
  constants <- slice_constants(ncol(x))
  lifted <- pmax.int(largest_of_rows(x), constants[[1]]) * constants[[2]]
  power <- lifted - lifted * (1 - UNIT) # the power of two below (Rump, Ogita and Oishi 2008), lifted
  shift <- power * constants[[3]]
  first <- (x + shift) - shift
  rest <- x - first
  shift <- power * constants[[4]]
  second <- (rest + shift) - shift
  rest <- rest - second
  shift <- power * constants[[5]]
  list(first, second, (rest + shift) - shift)
}

# The largest size of a number in each row; NA where the row has a NaN.
largest_of_rows <- function(x) {
  sizes <- abs(x)
  n <- nrow(x)
  sizes[seq_len(n) + n * (max.col(sizes, "first") - 1L)]
}
