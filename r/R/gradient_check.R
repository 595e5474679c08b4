# Numerical gradients: the check beside every backward pass.
# Central differences, (f(p + h) - f(p - h)) / 2h, over every element of every parameter (course: lesson D). With
# h = 1e-5 the error is about 1e-10 where f is smooth. Twin: python/twinnet/gradient_check.py.

#' Gradient of a function of an array, by central differences
#'
#' @param f A function from an array of the shape of `x` to a number.
#' @param x An array.
#' @param h Step, above 0.
#' @return An array of the shape of `x`.
#' @export
numerical_gradient <- function(f, x, h = 1e-5) {
  check_number(h, "h", above = 0)
  gradient <- x
  for (index in seq_along(x)) {
    up <- down <- x
    up[[index]] <- x[[index]] + h
    down[[index]] <- x[[index]] - h
    gradient[[index]] <- (f(up) - f(down)) / (2 * h)
  }
  gradient
}

#' Largest difference between backpropagation and central differences, for each parameter of a model
#'
#' @param experiment A list; its `model`, `loss`, `reg` and `arithmetic` are used.
#' @param params A named list of arrays.
#' @param x Inputs, one row a sample: a matrix (n, d_in).
#' @param target One-hot rows: a matrix (n, k).
#' @param h Step, above 0.
#' @return A list with the names of `params`: the largest absolute difference over the elements of each.
#' @export
gradient_check <- function(experiment, params, x, target, h = 1e-5) {
  grads <- loss_and_gradients(experiment, params, x, target)[["grads"]]
  differences <- list()
  for (key in names(params)) {
    loss_at <- function(value) {
      params[[key]] <- value
      loss_and_gradients(experiment, params, x, target)[["loss"]]
    }
    numerical <- numerical_gradient(loss_at, params[[key]], h)
    differences[[key]] <- max(abs(grads[[key]] - numerical))
  }
  differences
}
