# The dtype of a run's numbers: float64, or float32 where the experiment says so.
# An experiment's data and weights are brought to its dtype once, and every operation keeps it. NumPy has float32; R has
# not, so here a float32 array is one of doubles that are float32 numbers, of class "float32", whose operations round.
# What a float32 operation gives is the same in both: the numbers that are not arrays are rounded first, the exact
# result is rounded once. The result of + - * / and the square root has then the same bits: R rounds the double result,
# 53 bits are more than twice 24 and two, so the second rounding does no harm (Figueroa, 1995, "When is double rounding
# innocuous?"; test_dtypes).
#
# R's generics find the methods below; what is not generic (pmax.int(), matrix(), array(), `%*%`) drops the class. It is
# put back by attributes(out) <- attributes(x), or by oldClass(out) <- oldClass(x), which does nothing for an array of
# plain doubles. Twin: python/twinnet/dtypes.py.

#' The dtypes that are known
#' @export
DTYPES <- c("float64", "float32")

#' An array in a dtype
#'
#' @param x An array of numbers or logicals.
#' @param dtype One of [DTYPES].
#' @return An array of the shape of `x`: doubles, or for `"float32"` an array of class `float32`, each number rounded
#'   to the nearest there is, ties to even. `x` itself if it is of that dtype.
#' @export
as_dtype <- function(x, dtype) {
  if (dtype == dtype_of(x)) {
    x
  } else if (dtype == "float32") {
    new_float32(f32_round(x))
  } else {
    unclass(x)
  }
}

#' The dtype of an array
#'
#' @param x An array.
#' @return `"float32"`, or `"float64"` for what is no float32 array.
#' @export
dtype_of <- function(x) {
  if (is.object(x) && inherits(x, "float32")) "float32" else "float64" # is.object() takes a tenth of inherits()' time
}

# A result of plain doubles in the dtype of what it was made of; most often that is doubles, and nothing is to be done.
in_dtype_of <- function(result, x) {
  if (is.object(x)) as_dtype(result, dtype_of(x)) else result
}

# Doubles that are float32 numbers, as a float32 array.
new_float32 <- function(x) {
  oldClass(x) <- "float32"
  x
}

# The numbers of an operand, rounded to float32, as plain doubles.
float32_operand <- function(x) {
  if (inherits(x, "float32")) unclass(x) else f32_round(x)
}

# + - * / ^ and comparisons.
#' @export
Ops.float32 <- function(e1, e2) { # nolint: object_name_linter.
  operation <- .Primitive(.Generic)
  result <- if (missing(e2)) operation(unclass(e1)) else operation(float32_operand(e1), float32_operand(e2))
  if (is.logical(result)) result else new_float32(f32_round(result))
}

# abs, sign, sqrt, exp and others of one element each.
#' @export
Math.float32 <- function(x, ...) { # nolint: object_name_linter.
  if (startsWith(.Generic, "cum")) {
    stop(sprintf("There is no %s() in float32.", .Generic))
  }
  new_float32(f32_round(get(.Generic, envir = baseenv(), mode = "function")(unclass(x), ...)))
}

# min, max, range, and sum and prod, which are rounded once.
#' @export
Summary.float32 <- function(..., na.rm = FALSE) { # nolint: object_name_linter.
  values <- lapply(list(...), unclass)
  new_float32(f32_round(do.call(.Generic, c(values, na.rm = na.rm))))
}

#' @export
`[.float32` <- function(x, ...) {
  new_float32(NextMethod())
}

#' @export
`[[.float32` <- function(x, ...) {
  new_float32(NextMethod())
}

#' @export
`[<-.float32` <- function(x, ..., value) {
  values <- unclass(x)
  values[...] <- float32_operand(value)
  new_float32(values)
}

#' @export
`[[<-.float32` <- function(x, ..., value) {
  values <- unclass(x)
  values[[...]] <- float32_operand(value)
  new_float32(values)
}

#' @export
aperm.float32 <- function(a, ...) {
  new_float32(NextMethod())
}

#' @export
rep.float32 <- function(x, ...) {
  new_float32(NextMethod())
}

#' @export
print.float32 <- function(x, ...) {
  cat("float32:\n")
  print(unclass(x), ...)
  invisible(x)
}
