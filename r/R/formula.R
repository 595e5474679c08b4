# R's own way to call the network: a formula and a data frame. No twin: Python's way is python/twinnet/estimator.py.

#' Train a dense network by a formula
#'
#' @param formula The label and the input columns, as in `Species ~ .` or `Species ~ Petal.Length + Petal.Width`.
#' @param data A data frame of training rows.
#' @param ... Passed on to [train_dnn()]: `testdata`, `model`, `hidden`, `maxit`, `abstol`, `lr`, `reg`, `display`,
#'   `random_seed`.
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
  train_dnn(x = inputs, y = label, traindata = data, ...)
}
