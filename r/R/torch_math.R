# The float32 logarithm, sine and cosine inside PyTorch's normal random numbers, in double arithmetic.
# With AVX2 PyTorch uses its own avx_mathfun.h, whose algorithms are Cephes' (Moshier, 1992; Pommier, 2007;
# Garberoglio, 2012) with the multiply-adds that its compiler fuses. Without AVX2 it uses glibc's logf, sinf
# and cosf, which are Arm's optimized routines (github.com/ARM-software/optimized-routines, math/logf.c,
# math/sinf.c and their data): double polynomials rounded once at the end. Twin:
# python/twinnet/torch_math.py.

CEPHES_LOG <- c(
  7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1
)
CEPHES_LN2 <- c(-2.12194440e-4, 0.693359375) # ln(2) is their sum
CEPHES_PI_4 <- c(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8) # so is -pi/4
CEPHES_SIN <- c(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
CEPHES_COS <- c(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SQRTHF <- 0.707106781186547524
FOUR_OVER_PI <- 1.27323954473516

# 1/c and log(c) for a c near the middle of each of 16 intervals that cover [0.699, 1.398).
GLIBC_LOG_INVERSE <- c(
  0x1.661ec79f8f3bep+0, 0x1.571ed4aaf883dp+0, 0x1.49539f0f010bp+0, 0x1.3c995b0b80385p+0,
  0x1.30d190c8864a5p+0, 0x1.25e227b0b8eap+0, 0x1.1bb4a4a1a343fp+0, 0x1.12358f08ae5bap+0,
  0x1.0953f419900a7p+0, 0x1p+0, 0x1.e608cfd9a47acp-1, 0x1.ca4b31f026aap-1,
  0x1.b2036576afce6p-1, 0x1.9c2d163a1aa2dp-1, 0x1.886e6037841edp-1, 0x1.767dcf5534862p-1
)
GLIBC_LOG_VALUE <- c(
  -0x1.57bf7808caadep-2, -0x1.2bef0a7c06ddbp-2, -0x1.01eae7f513a67p-2, -0x1.b31d8a68224e9p-3,
  -0x1.6574f0ac07758p-3, -0x1.1aa2bc79c81p-3, -0x1.a4e76ce8c0e5ep-4, -0x1.1973c5a611cccp-4,
  -0x1.252f438e10c1ep-5, 0x0p+0, 0x1.aa5aa5df25984p-5, 0x1.c5e53aa362eb4p-4,
  0x1.526e57720db08p-3, 0x1.bc2860d22477p-3, 0x1.1058bc8a07ee1p-2, 0x1.4043057b6ee09p-2
)
GLIBC_LOG <- c(-0x1.00ea348b88334p-2, 0x1.5575b0be00b6ap-2, -0x1.ffffef20a4123p-2)
GLIBC_LN2 <- 0x1.62e42fefa39efp-1
GLIBC_PI_2 <- 0x1.921fb54442d18p+0
GLIBC_QUARTERS <- 0x1.45f306dc9c883p+23 # 2^24 * 2/pi
GLIBC_SIN <- c(-0x1.555545995a603p-3, 0x1.1107605230bc4p-7, -0x1.994eb3774cf24p-13)
GLIBC_COS <- c(-0x1.ffffffd0c621cp-2, 0x1.55553e1068f19p-5, -0x1.6c087e89a359dp-10, 0x1.99343027bf8c3p-16)

#' The float32 logarithm, sine and cosine inside PyTorch's normal random numbers
#'
#' The functions named `avx2` are those of PyTorch's own avx_mathfun.h, used where the processor has AVX2:
#' Cephes' polynomials in float32. Those named `glibc` are the C library's, which PyTorch uses elsewhere.
#'
#' @param x float32 values: for the logarithms of at least 2^-126; for sine and cosine from 0 to 8192
#'   (`avx2`) or from 0 to 119 (`glibc`).
#' @return float32 values: the logarithm; or a list of `sine` and `cosine`.
#' @source PyTorch's `aten/src/ATen/native/cpu/avx_mathfun.h`; Arm's optimized routines, `math/logf.c` and
#'   `math/sinf.c`.
#' @export
logf_avx2 <- function(x) {
  parts <- binary_parts(x) # x = mantissa * 2^exponent, mantissa in [0.5, 1)
  mantissa <- parts[["mantissa"]]
  low <- mantissa < f32_round(SQRTHF)
  power <- parts[["exponent"]] - low
  r <- ifelse(low, mantissa + mantissa, mantissa) - 1
  r2 <- f32_round(r * r)
  coefficients <- f32_round(CEPHES_LOG)
  ln2 <- f32_round(CEPHES_LN2)
  y <- rep(coefficients[[1]], length(r))
  for (coefficient in coefficients[-1]) {
    y <- fma32(y, r, coefficient)
  }
  y <- f32_round(y * r)
  y <- fma32(y, r2, f32_round(power * ln2[[1]]))
  y <- fma32(-0.5, r2, y)
  fma32(power, ln2[[2]], f32_round(r + y))
}

#' @rdname logf_avx2
#' @export
sincosf_avx2 <- function(x) {
  octant <- floor(f32_round(x * f32_round(FOUR_OVER_PI))) + 1
  octant <- octant - octant %% 2 # the nearest even number of eighths of a turn; r is what is left
  r <- x
  for (part in f32_round(CEPHES_PI_4)) {
    r <- fma32(octant, part, r)
  }
  r2 <- f32_round(r * r)

  coefficients <- f32_round(CEPHES_COS)
  cosine <- fma32(fma32(coefficients[[1]], r2, coefficients[[2]]), r2, coefficients[[3]])
  cosine <- f32_round(1 + fma32(f32_round(cosine * r2), r2, -0.5 * r2))
  coefficients <- f32_round(CEPHES_SIN)
  sine <- fma32(fma32(coefficients[[1]], r2, coefficients[[2]]), r2, coefficients[[3]])
  sine <- fma32(f32_round(sine * r2), r, r)
  turn_quarters(sine, cosine, octant / 2)
}

#' @rdname logf_avx2
#' @export
logf_glibc <- function(x) {
  parts <- binary_parts(x) # x = mantissa * 2^exponent, mantissa in [0.5, 1)
  mantissa <- parts[["mantissa"]]
  low <- mantissa < 0.69921875
  power <- parts[["exponent"]] - low
  z <- ifelse(low, mantissa + mantissa, mantissa)
  interval <- floor(9.625 + ifelse(z < 1, 32 * (z - 1), 16 * (z - 1))) + 1
  r <- z * GLIBC_LOG_INVERSE[interval] - 1
  r2 <- r * r
  y0 <- GLIBC_LOG_VALUE[interval] + power * GLIBC_LN2
  y <- GLIBC_LOG[[1]] * r2 + (GLIBC_LOG[[2]] * r + GLIBC_LOG[[3]])
  f32_round(y * r2 + (y0 + r))
}

#' @rdname logf_avx2
#' @export
sincosf_glibc <- function(x) {
  quarter <- floor((floor(x * GLIBC_QUARTERS) + 2^23) / 2^24)
  r <- x - quarter * GLIBC_PI_2
  r2 <- r * r
  r4 <- r2 * r2
  cosine <- (1 + r2 * GLIBC_COS[[1]]) + r4 * GLIBC_COS[[2]]
  cosine <- cosine + (r4 * r2) * (GLIBC_COS[[3]] + r2 * GLIBC_COS[[4]])
  r3 <- r * r2
  sine <- r + r3 * GLIBC_SIN[[1]]
  sine <- sine + (r3 * r2) * (GLIBC_SIN[[2]] + r2 * GLIBC_SIN[[3]])
  turn_quarters(f32_round(sine), f32_round(cosine), quarter)
}

# Sine and cosine of an angle that is `quarter` quarter turns larger.
turn_quarters <- function(sine, cosine, quarter) {
  odd <- quarter %% 2 == 1
  turned_sine <- ifelse(odd, cosine, sine)
  turned_cosine <- ifelse(odd, sine, cosine)
  turned_sine <- ifelse(quarter %% 4 >= 2, -turned_sine, turned_sine)
  turned_cosine <- ifelse((quarter + 1) %% 4 >= 2, -turned_cosine, turned_cosine)
  list(sine = turned_sine, cosine = turned_cosine)
}

# x = mantissa * 2^exponent with the mantissa in [0.5, 1). Floats are too far from a power of 2, unless they
# are one, for their log2 to round to a whole number.
binary_parts <- function(x) {
  exponent <- floor(log2(x)) + 1
  list(mantissa = x / 2^exponent, exponent = exponent)
}
