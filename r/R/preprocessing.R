# Preprocessing: inputs brought to a common scale.
# standardise() is (x - mean) / sd with the mean and standard deviation of each column of the data it was fitted to: the
# population's, which divides by n, as scikit-learn's StandardScaler does. R's scale() divides by n - 1, so its columns
# are smaller by the factor sqrt((n - 1) / n). Twin: python/twinnet/preprocessing.py.

#' Mean and standard deviation of each column
#'
#' @param x The training data, finite, at least one row: a matrix (n, d).
#' @return A list: `mean` and `sd`, vectors of d. A constant column's sd is 1, so that it becomes 0 and not NaN;
#'   constant is, as in scikit-learn, a column whose variance is not above the rounding error of its computation. Stops
#'   if `x` is not a finite matrix of at least one row.
#' @source scikit-learn, `StandardScaler`.
#' @export
standardise_fit <- function(x) {
  n <- nrow(check_table(x))
  mean <- column_sums(x) / n
  deviation <- x - rep(mean, each = n)
  variance <- column_sums(deviation * deviation) / n
  eps <- 2^-52
  error <- n * mean * eps
  constant <- variance <= n * eps * variance + error * error
  list(mean = mean, sd = ifelse(constant, 1, sqrt(variance)))
}

#' Bring columns to the scale on which the data that were fitted have mean 0 and standard deviation 1
#'
#' @param x Training data, or others of the same columns: a matrix (n, d).
#' @param fitted From [standardise_fit()].
#' @return A matrix (n, d). Stops if `x` is not a finite matrix of at least one row, or has another number of columns
#'   than the data fitted.
#' @source scikit-learn, `StandardScaler`.
#' @export
standardise <- function(x, fitted) {
  columns <- ncol(check_table(x))
  fits <- columns == length(fitted[["mean"]])
  must_be <- sprintf("a matrix of %d columns, as the data that were fitted", length(fitted[["mean"]]))
  check_argument(fits, "x", x, must_be)
  n <- nrow(x) # a matrix runs down its columns, so each column's mean and sd come n times
  (x - rep(fitted[["mean"]], each = n)) / rep(fitted[["sd"]], each = n)
}

#' Bring pixels from 0, 1, ..., 255 to \[0, 1\], by division by 255
#'
#' @param x An array of bytes (`raw`), or of other numbers from 0 to 255.
#' @return An array of doubles, of the shape of `x`. Stops if a number is not from 0 to 255.
#' @references Course, lessons B and E.
#' @export
scale_pixels <- function(x) {
  if (is.raw(x)) {
    scaled <- as.integer(x) / 255
    dim(scaled) <- dim(x)
    return(scaled)
  }
  extremes <- if (length(x) > 0) range(x) else c(0, 0)
  worst <- if (is.na(extremes[[1]]) || extremes[[1]] < 0) extremes[[1]] else extremes[[2]]
  check_argument(isTRUE(worst >= 0 && worst <= 255), "x", worst, "pixels from 0 to 255")
  x / 255
}

# `x`, if it is a finite matrix of at least one row.
check_table <- function(x) {
  check_argument(is.matrix(x) && is.numeric(x) && nrow(x) > 0, "x", x, "a matrix of at least one row")
  finite <- is.finite(x)
  worst <- if (all(finite)) 0 else x[!finite][[1]]
  check_argument(all(finite), "x", worst, "finite numbers")
  x
}
