# L2 regularisation (weight decay): 0.5 * reg * sum(w^2) over all weights, not the biases.
# Course: lesson A, 0.5 * reg * (sum(W1^2) + sum(W2^2)). Twin: python/twinnet/l2.py.

#' L2 penalty to be added to the loss
#'
#' @param params The parameters, a named list of arrays; those whose key ends in `.w` are weights.
#' @param reg Strength of the regularisation, at least 0.
#' @return A number.
#' @export
l2_penalty <- function(params, reg) {
  if (reg == 0) {
    return(0)
  }
  squares <- 0
  keys <- names(params)
  for (key in keys[endsWith(keys, ".w")]) {
    squares <- squares + sum_of_products(params[[key]], params[[key]])
  }
  0.5 * reg * squares
}

#' Gradients of the loss with the L2 penalty, d_w + reg * w
#'
#' @param params The parameters, a named list of arrays.
#' @param grads Gradients of the loss without the penalty, under the same keys.
#' @param reg Strength of the regularisation, at least 0.
#' @return A list of arrays with the same keys.
#' @export
l2_gradients <- function(params, grads, reg) {
  if (reg == 0) {
    return(grads)
  }
  keys <- names(params)
  for (key in keys[endsWith(keys, ".w")]) {
    grads[[key]] <- grads[[key]] + reg * params[[key]]
  }
  grads
}
