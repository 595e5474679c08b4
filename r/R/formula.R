# R's own way to call the network: a formula and a data frame. No twin: Python's way is python/twinnet/estimator.py.

#' Train a dense network by a formula
#'
#' @param formula The column to predict and the input columns, as in `Species ~ .` or
#'   `Petal.Width ~ Petal.Length + Sepal.Length`.
#' @param data A data frame of training rows.
#' @param ... Passed on to [train_dnn()]: `testdata`, `model`, `hidden`, `maxit` and so on. Without `task`, a number
#'   with decimals is predicted by a regression, anything else as a label.
#' @return As [train_dnn()].
#' @examples
#' dnn(Species ~ ., data = iris, maxit = 200, display = 0)
#' @export
dnn <- function(formula, data, ...) {
  two_sided <- inherits(formula, "formula") && length(formula) == 3
  check_argument(two_sided, "formula", formula, "a formula such as Species ~ .")
  check_argument(is.data.frame(data), "data", data, "a data frame")
  inputs <- attr(stats::terms(formula, data = data), "term.labels")
  must_be <- paste("plain columns of `data`:", paste(names(data), collapse = ", "))
  check_argument(length(inputs) > 0 && all(inputs %in% names(data)), "formula", inputs, must_be)
  label <- deparse(formula[[2]])
  check_argument(label %in% names(data), "formula", label, must_be)
  options <- list(...)
  if (is.null(options[["task"]])) {
    y <- data[[label]]
    options[["task"]] <- if (is.double(y) && any(y != floor(y), na.rm = TRUE)) "regression" else "classification"
  }
  do.call(train_dnn, c(list(x = inputs, y = label, traindata = data), options))
}
