# exp, log and what is built on them, to the same 64 bits on every machine.
# A libm's exp differs from another's in one result of twenty; these are the algorithms of fdlibm (Sun Microsystems
# 1993), done on whole arrays with IEEE operations alone: + - * /, comparisons, and exact products with powers of two.
# Largest errors, in units of the last place: exp 0.9, log 0.9, log1p 1.9, tanh 2.5 (python/EXACT.md says how they were
# measured). Twin: python/twinnet/exact_functions.py.

NUMBERS_AT_A_TIME <- 2^13

LARGE <- 2^54 # from here on 1 + x is x
ROUND <- 1.5 * 2^52 # x + ROUND - ROUND is x rounded to a whole number
INV_LN2 <- 0x1.71547652b82fep+0
LN2_HIGH <- 0x1.62e42fee00000p-1 # times any exponent exact
LN2_LOW <- 0x1.a39ef35793c76p-33
SQRT_HALF <- 0x1.6a09e667f3bcdp-1
EXP_SERIES <- c(
  0x1.555555555553ep-3,
  -0x1.6c16c16bebd93p-9,
  0x1.1566aaf25de2cp-14,
  -0x1.bbd41c5d26bf1p-20,
  0x1.6376972bea4d0p-25
)
LOG_SERIES <- c(
  0x1.5555555555593p-1,
  0x1.999999997fa04p-2,
  0x1.2492494229359p-2,
  0x1.c71c51d8e78afp-3,
  0x1.7466496cb03dep-3,
  0x1.39a09d078c69fp-3,
  0x1.2f112df3e5244p-3
)
# 2^-1075 (which is 0), 2^-1074, ..., 2^1023, by doubling: a libm's power need not be exact.
POWERS <- c(0, Reduce(function(power, k) power * 2, seq_len(2097), 2^-1074, accumulate = TRUE))
POWERS_ZERO <- 1076L # place of 2^0

#' Exponential, natural logarithm and hyperbolic tangent of each element, the same bits on every machine
#'
#' `exact_exp(x)` is infinite from 709.78 on and 0 below -745.13; `exact_log1p(x)` is log(1 + x), exact also where x is
#' far below 1.
#'
#' @param x An array.
#' @return An array of the shape of `x`.
#' @references fdlibm (Sun Microsystems 1993), e_exp.c, e_log.c.
#' @name exact_exp
NULL

#' @rdname exact_exp
#' @export
exact_exp <- function(x) {
  piece_by_piece(exp_of_piece, x)
}

#' @rdname exact_exp
#' @export
exact_log <- function(x) {
  piece_by_piece(log_of_piece, x)
}

#' @rdname exact_exp
#' @export
exact_log1p <- function(x) {
  piece_by_piece(log1p_of_piece, x)
}

#' @rdname exact_exp
#' @export
exact_tanh <- function(x) {
  piece_by_piece(tanh_of_piece, x)
}

# A function of each element, of as many elements at a time as the processor's cache holds.
piece_by_piece <- function(f, x) {
  n <- length(x)
  if (n <= NUMBERS_AT_A_TIME) {
    return(f(x))
  }
  out <- x
  for (start in seq(1, n, NUMBERS_AT_A_TIME)) {
    piece <- start:min(start + NUMBERS_AT_A_TIME - 1, n)
    out[piece] <- f(x[piece])
  }
  out
}

# exp(x) = 2^k exp(r) with r at most ln(2) / 2 in size.
exp_of_piece <- function(x) {
  usual <- isTRUE(min(x) > -700 && max(x) < 700)
  reduced <- reduced_expm1(if (usual) x else pmin.int(pmax.int(x, -746), 710))
  out <- times_power(reduced[["e"]] + 1, reduced[["k"]])
  dim(out) <- dim(x)
  out
}

# log(x) = k ln(2) + log(1 + f) with 1 + f between sqrt(1/2) and sqrt(2).
log_of_piece <- function(x) {
  largest <- max(x)
  if (!isTRUE(min(x) > 0 && largest < Inf)) {
    return(log_at_edges(x))
  }
  place <- as.integer(log(x) * INV_LN2 + (POWERS_ZERO + 0.5)) # by this machine's log: it need only be near
  if (largest > 2^1023) {
    place <- pmin.int(place, length(POWERS))
  }
  m <- x / POWERS[place]
  k <- place - POWERS_ZERO
  if (min(m) < SQRT_HALF || max(m) >= 2 * SQRT_HALF) { # next to a border k may be that of the other side
    change <- (m >= 2 * SQRT_HALF) - (m < SQRT_HALF)
    m <- m / POWERS[change + POWERS_ZERO]
    k <- k + change
  }
  out <- log_of_parts(m - 1, k)
  dim(out) <- dim(x)
  out
}

# The logarithm where some numbers have none that is a number.
log_at_edges <- function(x) {
  sound <- is.finite(x) & x > 0
  out <- x
  out[] <- NaN
  if (any(sound)) {
    out[sound] <- log_of_piece(x[sound])
  }
  out[which(x == 0)] <- -Inf
  out[which(x == Inf)] <- Inf
  out
}

# log(1 + x) = log(u) + (x - (u - 1)) / u where u is 1 + x rounded (Hewlett-Packard 1982).
log1p_of_piece <- function(x) {
  u <- 1 + x
  lost <- (pmin.int(x, LARGE) - (pmin.int(u, LARGE) - 1)) / pmax.int(u, UNIT)
  log_of_piece(u) + lost
}

# tanh(x) = -e / (2 + e) with e = exp(-2x) - 1, for x above 0; it is odd.
tanh_of_piece <- function(x) {
  reduced <- reduced_expm1(-2 * pmin.int(abs(x), 22))
  power <- times_power(1, reduced[["k"]])
  e <- power * reduced[["e"]] + (power - 1)
  sign(-x) * (e / (2 + e))
}

# Whole numbers k, and exp(r) - 1 where x = k ln(2) + r with r at most ln(2) / 2 in size.
reduced_expm1 <- function(x) {
  k <- x * INV_LN2 + ROUND - ROUND
  low <- k * LN2_LOW
  high <- x - k * LN2_HIGH
  r <- high - low
  t <- r * r
  c <- r - t * horner(t, EXP_SERIES)
  list(k = k, e = high - (low - r * c / (2 - c)))
}

# k ln(2) + log(1 + f).
log_of_parts <- function(f, k) {
  s <- f / (2 + f)
  z <- s * s
  half <- 0.5 * f * f
  k * LN2_HIGH - ((half - (s * (half + z * horner(z, LOG_SERIES)) + k * LN2_LOW)) - f)
}

# series[1] + t (series[2] + t (series[3] + ...)).
horner <- function(t, series) {
  total <- t * series[[length(series)]]
  for (coefficient in series[(length(series) - 1):2]) {
    total <- (total + coefficient) * t
  }
  total + series[[1]]
}

# 2^k x for whole numbers k; in two steps where 2^k is not a normal number, so that the result is rounded once.
times_power <- function(x, k) {
  if (isTRUE(min(k) > -1000 && max(k) < 1000)) {
    return(x * POWERS[as.integer(k) + POWERS_ZERO])
  }
  half <- floor(k / 2)
  x * POWERS[half + POWERS_ZERO] * POWERS[k - half + POWERS_ZERO]
}
