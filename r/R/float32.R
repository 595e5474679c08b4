# float32 arithmetic in double: rounding to float32, and the fused multiply-add a * b + c rounded once.
# A float32 sum, difference, product, quotient or square root is the double one, rounded: 53 bits are more
# than twice 24 and two, so the second rounding does no harm (Figueroa, 1995, "When is double rounding
# innocuous?"). A fused multiply-add is not among them; here it is made from sums and products that lose nothing
# (Dekker's product, Knuth's sum) and a correct last step (Boldo and Melquiond, 2008, "Emulation of a FMA and correctly
# rounded sums", IEEE Transactions on Computers 57(4)). Twin: python/twinnet/float32.py.

#' Round to the nearest float32, ties to even
#'
#' @param x A vector or array of numbers.
#' @return The nearest float32 values, as doubles of the same dimensions: subnormals, infinities and the
#'   sign of zero included.
#' @export
f32_round <- function(x) {
  rounded <- readBin(writeBin(as.double(x), raw(), size = 4), "double", length(x), size = 4)
  dim(rounded) <- dim(x)
  rounded
}

#' Fused multiply-add: a * b + c with one rounding
#'
#' `fma64()` rounds to a double, `fma32()` to float32. Shorter arguments are recycled.
#'
#' @param a,b,c For `fma64()`, numbers below 2^960 in size, whose products `a * b` are 0 or at least 2^-900
#'   in size, so that no step over- or underflows; otherwise it stops. For `fma32()`, float32 values.
#' @return Doubles; from `fma32()`, float32 values, infinite beyond their range.
#' @references Boldo and Melquiond (2008), "Emulation of a FMA and correctly rounded sums", IEEE
#'   Transactions on Computers 57(4).
#' @export
fma64 <- function(a, b, c) {
  check_fma64(a, b, c)
  product <- product_and_lost(a, b)
  carry <- sum_and_lost(c, product[["lost"]])
  head <- sum_and_lost(product[["product"]], carry[["total"]])
  tail <- sum_and_lost(carry[["lost"]], head[["lost"]])
  last <- sum_and_lost(head[["total"]], tail[["total"]])
  rounded <- last[["total"]]
  rest <- last[["lost"]]
  other <- rounded + 2 * rest
  fused <- break_tie(rounded, other, rest, tail[["lost"]], other - rounded == 2 * rest)
  zero <- which(fused == 0)
  fused[zero] <- (product[["product"]] + c)[zero] # a zero's sign is the plain sum's
  fused
}

#' @rdname fma64
#' @export
fma32 <- function(a, b, c) {
  sum <- sum_and_lost(a * b, c) # the product of two float32 values has 48 bits
  rounded <- f32_round(sum[["total"]])
  rest <- sum[["total"]] - rounded
  other <- rounded + 2 * rest
  break_tie(rounded, other, rest, sum[["lost"]], f32_round(other) == other)
}

# The double sum and what it lost, together exactly a + b (Knuth's TwoSum).
sum_and_lost <- function(a, b) {
  total <- a + b
  b_part <- total - a
  lost <- (a - (total - b_part)) + (b - b_part)
  list(total = total, lost = lost)
}

# The double product and what it lost, together exactly a * b (Dekker's product).
product_and_lost <- function(a, b) {
  product <- a * b
  a <- split_halves(a)
  b <- split_halves(b)
  high <- a[["high"]] * b[["high"]] - product
  lost <- (high + a[["high"]] * b[["low"]] + a[["low"]] * b[["high"]]) + a[["low"]] * b[["low"]]
  list(product = product, lost = lost)
}

# Two numbers of 26 bits each that sum to x (Veltkamp's split).
split_halves <- function(x) {
  scaled <- 134217729 * x
  high <- scaled - (scaled - x)
  list(high = high, low = x - high)
}

# Round as if `lost` had not been dropped before the last rounding. Only a tie can have gone wrong: `rest`
# is what that rounding dropped, `other` is the neighbour as far away on the other side of the tie, and
# `reaches` says whether there is such a neighbour. Then the sign of what was lost before decides.
break_tie <- function(rounded, other, rest, lost, reaches) {
  wrong <- which(reaches & sign(lost) == sign(rest) & rest != 0)
  rounded[wrong] <- other[wrong]
  rounded
}

# Stop unless no step of fma64 over- or underflows.
check_fma64 <- function(a, b, c) {
  check_all(abs(a) < 2^960, "a", a, "below 2^960 in size")
  check_all(abs(b) < 2^960, "b", b, "below 2^960 in size")
  check_all(abs(c) < 2^960, "c", c, "below 2^960 in size")
  product <- a * b
  size <- abs(product)
  fits <- size < 2^960 & (size >= 2^-900 | a == 0 | b == 0)
  check_all(fits, "a * b", product, "0 or from 2^-900 to 2^960 in size")
}

# Stop, showing the first number for which `ok` is not true, if there is one.
check_all <- function(ok, name, value, must_be) {
  if (!isTRUE(all(ok))) {
    check_argument(FALSE, name, value[!(ok %in% TRUE)][[1]], must_be)
  }
}
