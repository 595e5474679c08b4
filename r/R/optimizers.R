# Optimizers: from parameters and their gradients to the next parameters. State in, state out.
# An optimizer is data, as an experiment's file has it: list(name = "adam", lr = 0.001); optimizer_check() fills in the
# settings that are left out. With p a parameter, g its gradient and s, m, v, d what the state keeps of it (0 at first):
#
# gradient_descent p - lr g (course: lesson A, full batch)
# sgd              v = momentum v + (1 - dampening) g, at the first step v = g; p - lr v.
#                  Nesterov's: p - lr (g + momentum v) (torch.optim.SGD; without momentum, p - lr g)
# nesterov         sgd with momentum 0.9 and nesterov true (Sutskever et al. 2013, as PyTorch has it)
# momentum         v = alpha v - lr g; p + v (course: lesson D; Keras's SGD with momentum). As long as lr stays the
#                  same, sgd's path with v = -lr times sgd's
# adagrad          s = s + g^2; p - lr g / (sqrt(s) + eps), lr falling to lr / (1 + lr_decay t) (Duchi, Hazan, Singer
#                  2011)
# adadelta         s = rho s + (1 - rho) g^2; u = sqrt(d + eps) / sqrt(s + eps) g; d = rho d + (1 - rho) u^2; p - lr u
#                  (Zeiler 2012)
# rmsprop          s = alpha s + (1 - alpha) g^2; p - lr g / (sqrt(s) + eps) (Hinton 2012, lecture 6e);
#                  centered: s less the square of g's own average under the root;
#                  momentum: v = momentum v + g / (sqrt(s) + eps); p - lr v
# adam             m = beta1 m + (1 - beta1) g; s = beta2 s + (1 - beta2) g^2;
#                  p - lr / (1 - beta1^t) m / (sqrt(s) / sqrt(1 - beta2^t) + eps) (Kingma and Ba 2015)
#
# Rules and defaults are PyTorch's (torch.optim 2.13.0), and `weight_decay` adds weight_decay p to g. What Keras means
# by an optimizer's name (course: lesson E) is list(name = "rmsprop", rule = "keras"): its defaults, and its places for
# eps, sqrt(s + eps) in adagrad and rmsprop, (sqrt(s) + eps) / sqrt(1 - beta2^t) in adam (keras.optimizers 3.15).
#
# Only + - * / and the square root are used, in the same order in both languages; beta^t is a running product that the
# state keeps, since powers round differently from one library to another. A number multiplies what arrays gave first,
# (1 - alpha) * (g * g), lr * (g / root): one array fewer is made and read, which for large layers is what takes time.
# Twin: python/twinnet/optimizers.py.

OPTIMIZER_DEFAULTS <- list(
  gradient_descent = list(lr = 0.01),
  sgd = list(lr = 0.001, momentum = 0, dampening = 0, weight_decay = 0, nesterov = FALSE),
  nesterov = list(lr = 0.001, momentum = 0.9, dampening = 0, weight_decay = 0, nesterov = TRUE),
  momentum = list(lr = 0.01, alpha = 0.9),
  adagrad = list(lr = 0.01, lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10),
  adadelta = list(lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0),
  rmsprop = list(lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0, centered = FALSE),
  adam = list(lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0)
)
KERAS_DEFAULTS <- list(
  adagrad = list(lr = 0.001, initial_accumulator_value = 0.1, eps = 1e-7),
  adadelta = list(lr = 0.001, rho = 0.95, eps = 1e-7),
  rmsprop = list(lr = 0.001, alpha = 0.9, eps = 1e-7),
  adam = list(eps = 1e-7)
)
OPTIMIZER_BOUNDS <- list(
  lr = list(above = 0),
  lr_decay = list(minimum = 0),
  weight_decay = list(minimum = 0),
  initial_accumulator_value = list(minimum = 0),
  eps = list(minimum = 0),
  momentum = list(minimum = 0, maximum = 1),
  dampening = list(minimum = 0, maximum = 1),
  alpha = list(minimum = 0, maximum = 1),
  rho = list(minimum = 0, maximum = 1),
  beta1 = list(minimum = 0, below = 1),
  beta2 = list(minimum = 0, below = 1)
)
OPTIMIZER_RULES <- c("pytorch", "keras")

#' The optimizers that are known
#' @export
OPTIMIZERS <- names(OPTIMIZER_DEFAULTS)

#' Check an optimizer's settings, and fill in those left out
#'
#' @param optimizer A list: `name`, one of [OPTIMIZERS], and settings; those left out get their defaults. `adagrad`,
#'   `adadelta`, `rmsprop` and `adam` also have `rule`, `"pytorch"` unless it is `"keras"`.
#' @return The optimizer with all its settings. Stops with a message that names the setting, its value and what it must
#'   be.
#' @source PyTorch 2.13.0, `torch.optim`; Keras 3.15, `keras.optimizers`.
#' @export
optimizer_check <- function(optimizer) {
  name <- check_choice(optimizer[["name"]], "optimizer", OPTIMIZERS)
  defaults <- OPTIMIZER_DEFAULTS[[name]]
  if (name %in% names(KERAS_DEFAULTS)) {
    rule <- check_choice(given_or(optimizer, "rule", "pytorch"), "rule", OPTIMIZER_RULES)
    defaults <- c(rule = rule, utils::modifyList(defaults, if (rule == "keras") KERAS_DEFAULTS[[name]] else list()))
  }
  for (key in names(optimizer)) {
    check_choice(key, paste("setting of", name), c("name", names(defaults)))
  }
  checked <- list()
  for (key in names(defaults)) {
    checked[[key]] <- check_setting(given_or(optimizer, key, defaults[[key]]), key)
  }
  if (isTRUE(checked[["nesterov"]])) {
    check_argument(checked[["momentum"]] > 0, "momentum", checked[["momentum"]], "above 0 with nesterov")
    check_argument(checked[["dampening"]] == 0, "dampening", checked[["dampening"]], "0 with nesterov")
  }
  c(list(name = name), checked)
}

#' State of an optimizer before its first step
#'
#' @param optimizer A list from [optimizer_check()].
#' @param params The parameters, a named list of arrays.
#' @return A list of numbers and of lists of arrays with the names of `params`, under PyTorch's names: empty for
#'   gradient_descent and for sgd without momentum; `step` (steps taken) and `momentum_buffer` for sgd and nesterov;
#'   `velocity` for momentum; `step` and `sum` for adagrad; `square_avg` and `acc_delta` for adadelta; `square_avg` and,
#'   where asked for, `grad_avg` and `momentum_buffer` for rmsprop; `beta1_power`, `beta2_power` (beta^t), `exp_avg` and
#'   `exp_avg_sq` for adam.
#' @export
optimizer_init <- function(optimizer, params) {
  zeros <- filled(params, 0)
  has_momentum <- isTRUE(optimizer[["momentum"]] > 0)
  switch(optimizer[["name"]],
    sgd = ,
    nesterov = if (has_momentum) list(step = 0, momentum_buffer = zeros) else list(),
    momentum = list(velocity = zeros),
    adagrad = list(step = 0, sum = filled(params, optimizer[["initial_accumulator_value"]])),
    adadelta = list(square_avg = zeros, acc_delta = zeros),
    rmsprop = c(
      list(square_avg = zeros),
      if (optimizer[["centered"]]) list(grad_avg = zeros),
      if (has_momentum) list(momentum_buffer = zeros)
    ),
    adam = list(beta1_power = 1, beta2_power = 1, exp_avg = zeros, exp_avg_sq = zeros),
    list()
  )
}

#' One step of an optimizer
#'
#' @param optimizer A list from [optimizer_check()].
#' @param params The parameters, a named list of arrays.
#' @param grads The gradients of those that are to change, under their keys.
#' @param state From [optimizer_init()], for the parameters that are to change, or from the step before.
#' @return A list: `params`, the new parameters; `state`, the new state.
#' @references gradient_descent: course, lesson A. momentum: course, lesson D. nesterov: Sutskever, Martens, Dahl and
#'   Hinton (2013). adagrad: Duchi, Hazan and Singer (2011). adadelta: Zeiler (2012). rmsprop: Hinton (2012), lecture
#'   6e. adam: Kingma and Ba (2015).
#' @source PyTorch 2.13.0, `torch.optim`; Keras 3.15, `keras.optimizers`.
#' @export
optimizer_step <- function(optimizer, params, grads, state) {
  switch(optimizer[["name"]],
    gradient_descent = {
      lr <- optimizer[["lr"]]
      for (key in names(grads)) {
        params[[key]] <- params[[key]] - lr * grads[[key]]
      }
      list(params = params, state = state)
    },
    sgd = ,
    nesterov = sgd_step(optimizer, params, grads, state),
    momentum = momentum_step(optimizer, params, grads, state),
    adagrad = adagrad_step(optimizer, params, grads, state),
    adadelta = adadelta_step(optimizer, params, grads, state),
    rmsprop = rmsprop_step(optimizer, params, grads, state),
    adam = adam_step(optimizer, params, grads, state),
    stop(sprintf("There is no optimizer %s.", optimizer[["name"]]))
  )
}

# Stochastic gradient descent with momentum, as torch.optim.SGD.
sgd_step <- function(optimizer, params, grads, state) {
  lr <- optimizer[["lr"]]
  momentum <- optimizer[["momentum"]]
  undampened <- 1 - optimizer[["dampening"]]
  if (momentum > 0) {
    state[["step"]] <- state[["step"]] + 1
  }
  for (key in names(grads)) {
    p <- params[[key]]
    g <- with_weight_decay(grads[[key]], p, optimizer[["weight_decay"]])
    if (momentum > 0) {
      v <- if (state[["step"]] == 1) g else momentum * state[["momentum_buffer"]][[key]] + undampened * g
      state[["momentum_buffer"]][[key]] <- v
      g <- if (optimizer[["nesterov"]]) g + momentum * v else v
    }
    params[[key]] <- p - lr * g
  }
  list(params = params, state = state)
}

# Momentum in the notes' form: the velocity is a step, not a gradient.
momentum_step <- function(optimizer, params, grads, state) {
  lr <- optimizer[["lr"]]
  alpha <- optimizer[["alpha"]]
  for (key in names(grads)) {
    v <- alpha * state[["velocity"]][[key]] - lr * grads[[key]]
    state[["velocity"]][[key]] <- v
    params[[key]] <- params[[key]] + v
  }
  list(params = params, state = state)
}

# AdaGrad: each element's step shrinks with the sum of its squared gradients.
adagrad_step <- function(optimizer, params, grads, state) {
  state[["step"]] <- state[["step"]] + 1
  lr <- optimizer[["lr"]] / (1 + (state[["step"]] - 1) * optimizer[["lr_decay"]])
  for (key in names(grads)) {
    p <- params[[key]]
    g <- with_weight_decay(grads[[key]], p, optimizer[["weight_decay"]])
    s <- state[["sum"]][[key]] + g * g
    state[["sum"]][[key]] <- s
    params[[key]] <- p - lr * (g / root_and_eps(s, optimizer))
  }
  list(params = params, state = state)
}

# Adadelta: steps in the units of the parameter, from the averages of squared gradients and squared steps.
adadelta_step <- function(optimizer, params, grads, state) {
  lr <- optimizer[["lr"]]
  rho <- optimizer[["rho"]]
  eps <- optimizer[["eps"]]
  for (key in names(grads)) {
    p <- params[[key]]
    g <- with_weight_decay(grads[[key]], p, optimizer[["weight_decay"]])
    d <- state[["acc_delta"]][[key]]
    s <- rho * state[["square_avg"]][[key]] + (1 - rho) * (g * g)
    u <- sqrt(d + eps) / sqrt(s + eps) * g
    state[["square_avg"]][[key]] <- s
    state[["acc_delta"]][[key]] <- rho * d + (1 - rho) * (u * u)
    params[[key]] <- p - lr * u
  }
  list(params = params, state = state)
}

# RMSprop: each element's step is divided by the root of the average of its squared gradients. Centered, it divides by
# their standard deviation; as in PyTorch, gradients that stay the same bring that down to rounding errors, which may be
# below 0 and then give NaN.
rmsprop_step <- function(optimizer, params, grads, state) {
  lr <- optimizer[["lr"]]
  alpha <- optimizer[["alpha"]]
  momentum <- optimizer[["momentum"]]
  for (key in names(grads)) {
    p <- params[[key]]
    g <- with_weight_decay(grads[[key]], p, optimizer[["weight_decay"]])
    s <- alpha * state[["square_avg"]][[key]] + (1 - alpha) * (g * g)
    state[["square_avg"]][[key]] <- s
    if (optimizer[["centered"]]) {
      m <- alpha * state[["grad_avg"]][[key]] + (1 - alpha) * g
      state[["grad_avg"]][[key]] <- m
      s <- s - m * m
    }
    if (momentum > 0) {
      v <- momentum * state[["momentum_buffer"]][[key]] + g / root_and_eps(s, optimizer)
      state[["momentum_buffer"]][[key]] <- v
      params[[key]] <- p - lr * v
    } else {
      params[[key]] <- p - lr * (g / root_and_eps(s, optimizer))
    }
  }
  list(params = params, state = state)
}

# Adam: averages of gradients and of their squares, corrected for having started from 0.
adam_step <- function(optimizer, params, grads, state) {
  beta1 <- optimizer[["beta1"]]
  beta2 <- optimizer[["beta2"]]
  eps <- optimizer[["eps"]]
  state[["beta1_power"]] <- state[["beta1_power"]] * beta1
  state[["beta2_power"]] <- state[["beta2_power"]] * beta2
  lr <- optimizer[["lr"]] / (1 - state[["beta1_power"]])
  root <- sqrt(1 - state[["beta2_power"]])
  for (key in names(grads)) {
    p <- params[[key]]
    g <- with_weight_decay(grads[[key]], p, optimizer[["weight_decay"]])
    m <- beta1 * state[["exp_avg"]][[key]] + (1 - beta1) * g
    s <- beta2 * state[["exp_avg_sq"]][[key]] + (1 - beta2) * (g * g)
    state[["exp_avg"]][[key]] <- m
    state[["exp_avg_sq"]][[key]] <- s
    if (optimizer[["rule"]] == "keras") {
      params[[key]] <- p - lr * (m / ((sqrt(s) + eps) / root))
    } else {
      params[[key]] <- p - lr * (m / (sqrt(s) / root + eps))
    }
  }
  list(params = params, state = state)
}

# The value of a setting, if it is within the setting's bounds.
check_setting <- function(value, name) {
  if (name == "rule") {
    check_choice(value, name, OPTIMIZER_RULES)
  } else if (name %in% names(OPTIMIZER_BOUNDS)) {
    do.call(check_number, c(list(value, name), OPTIMIZER_BOUNDS[[name]]))
  } else {
    check_flag(value, name)
  }
}

# A setting, or its default if it was left out.
given_or <- function(optimizer, name, default) {
  if (name %in% names(optimizer)) optimizer[[name]] else default
}

# Arrays of the shapes of `params` that hold one value throughout.
filled <- function(params, value) {
  lapply(params, function(p) {
    p[] <- value
    p
  })
}

# The gradient with that of the penalty weight_decay / 2 * sum(p^2) added.
with_weight_decay <- function(g, p, weight_decay) {
  if (weight_decay > 0) g + weight_decay * p else g
}

# The divisor of adagrad and rmsprop: eps outside the root in PyTorch, inside it in Keras.
root_and_eps <- function(s, optimizer) {
  if (optimizer[["rule"]] == "keras") {
    sqrt(s + optimizer[["eps"]])
  } else {
    sqrt(s) + optimizer[["eps"]]
  }
}
