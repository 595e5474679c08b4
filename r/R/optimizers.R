# Optimizers: from parameters and their gradients to the next parameters. State in, state out.
# An optimizer is data, as an experiment's file has it: list(name = "gradient_descent", lr = 0.01).
# Twin: python/twinnet/optimizers.py.

#' The optimizers that are known
#' @export
OPTIMIZERS <- c("gradient_descent")

#' Check an optimizer's settings
#'
#' @param optimizer A list: `name`, one of [OPTIMIZERS]; `lr`, the learning rate, above 0.
#' @return The optimizer. Stops with a message that names the setting, its value and what it must be.
#' @export
optimizer_check <- function(optimizer) {
  name <- check_choice(optimizer[["name"]], "optimizer", OPTIMIZERS)
  list(name = name, lr = check_number(optimizer[["lr"]], "lr", above = 0))
}

#' State of an optimizer before its first step; gradient descent keeps none
#'
#' @param optimizer A list, see [optimizer_check()].
#' @param params The parameters, a named list of arrays.
#' @return A list.
#' @export
optimizer_init <- function(optimizer, params) {
  list()
}

#' One step down the gradient, p - lr * d_p
#'
#' @param optimizer A list, see [optimizer_check()].
#' @param params The parameters, a named list of arrays.
#' @param grads Their gradients, under the same keys.
#' @param state From [optimizer_init()] or the step before.
#' @return A list: `params`, the new parameters; `state`.
#' @references Course, lesson A.
#' @export
optimizer_step <- function(optimizer, params, grads, state) {
  lr <- optimizer[["lr"]]
  for (key in names(params)) {
    params[[key]] <- params[[key]] - lr * grads[[key]]
  }
  list(params = params, state = state)
}
