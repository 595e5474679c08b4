# Training: one step, and the one loop that takes them. Nothing else loops over steps.
# A run is a value: parameters, the optimizer's and the generator's state, where the epoch stands, the number of steps
# taken and the trajectory so far. Training takes a run and returns a later one, so to go on from an earlier run is to
# call train() again, and two calls of 1000 steps give what one of 2000 gives. The loss and the score of a step are
# those before its update, as in the course's R (lesson A).
#
# One stream of random numbers serves it all, in this order: the weights; at the start of each epoch the order of the
# rows; at each step the masks and the noise of the layers, from the first to the last.
# Twin: python/twinnet/train.py.

# Samples whose outputs are calculated together, where nothing depends on how many.
AT_ONCE <- 100

#' A run before its first step
#'
#' @param experiment A list; its `generator`, `seed`, `model`, `init`, `dtype`, `optimizer` and `arithmetic` are used.
#' @param source For an experiment whose `init` names a source: the trained parameters of that.
#' @return A list: `params`; `optimizer_state`; `step`, 0; `previous`, those three one step earlier, NULL yet;
#'   `generator_state`; `order` and `position`, the rows of the epoch and how many of them were visited; `loss`, empty;
#'   `score_step` and `score`, empty: at which steps the test score was taken, and what it was; `status`, `"running"`;
#'   `diverged_step`, 0. Stops if the experiment starts from a source, and `source` is not what it needs.
#' @export
train_start <- function(experiment, source = NULL) {
  generator <- experiment_generator(experiment)
  init <- experiment[["init"]]
  drawn <- with_arithmetic(experiment[["arithmetic"]], model_init(experiment[["model"]], generator, init))
  params <- lapply(drawn, as_dtype, experiment[["dtype"]])
  if (!is.null(init[["source"]])) {
    for (key in c(t(outer(init[["layers"]], c("w", "b"), paste, sep = ".")))) {
      size <- function(value) if (is.null(dim(value))) length(value) else dim(value)
      fits <- all(key %in% names(source), key %in% names(params)) && identical(size(source[[key]]), size(params[[key]]))
      must_be <- sprintf("the trained parameters of %s, %s among them", init[["source"]], key)
      check_argument(fits, "source", source, must_be)
      params[[key]] <- source[[key]]
    }
  }
  record_step(0)
  record_phase("init")
  record_state(params, list(), generator)
  list(
    params = params,
    optimizer_state = optimizer_init(experiment[["optimizer"]], trained_params(experiment[["model"]], params)),
    step = 0,
    previous = NULL,
    generator_state = generator$get_state(),
    order = integer(),
    position = 0,
    loss = numeric(),
    score_step = numeric(),
    score = numeric(),
    status = "running",
    diverged_step = 0
  )
}

#' The loss of a batch and its gradient with respect to every parameter
#'
#' @param experiment A list; its `model`, `loss`, `reg` and `arithmetic` are used.
#' @param params A named list of arrays.
#' @param x Inputs, one row a sample: a matrix (n, d_in).
#' @param target What the model's outputs should be: a matrix (n, k).
#' @param generator Draws masks and noise; without it the layers that need them let everything pass.
#' @return A list: `loss`, with the L2 penalty of the trained weights; `grads`, a list of arrays with the names of
#'   [trained_params()].
#' @export
loss_and_gradients <- function(experiment, params, x, target, generator = NULL) {
  with_arithmetic(experiment[["arithmetic"]], {
    record_phase("forward")
    trained <- trained_params(experiment[["model"]], params)
    passed <- model_forward(experiment[["model"]], params, x, generator)
    record_phase("loss")
    judged <- loss_forward(experiment[["loss"]], passed[["out"]], target)
    data_loss <- record("loss.data", judged[["loss"]])
    loss <- record("loss", data_loss + record("loss.penalty", l2_penalty(trained, experiment[["reg"]])))
    record_phase("backward")
    d_out <- record("loss.d_out", loss_backward(experiment[["loss"]], judged[["cache"]]))
    grads <- model_backward(experiment[["model"]], trained, passed[["caches"]], d_out)
    grads <- l2_gradients(trained, grads, experiment[["reg"]])
  })
  if (experiment[["reg"]] > 0) {
    for (key in names(grads)) {
      record("grad", grads[[key]], of = key)
    }
  }
  list(loss = loss, grads = grads)
}

#' One step of training
#'
#' @param experiment A list; its `model`, `loss`, `reg` and `optimizer` are used.
#' @param params A named list of arrays.
#' @param optimizer_state A list.
#' @param x Inputs, one row a sample: a matrix (n, d_in).
#' @param target What the model's outputs should be: a matrix (n, k).
#' @param generator As in [loss_and_gradients()].
#' @return A list: `loss`, before the update; `params` and `optimizer_state`, after it.
#' @export
train_step <- function(experiment, params, optimizer_state, x, target, generator = NULL) {
  judged <- loss_and_gradients(experiment, params, x, target, generator)
  updated <- optimizer_step(experiment[["optimizer"]], params, judged[["grads"]], optimizer_state)
  record_phase("update")
  record_state(updated[["params"]], updated[["state"]], generator)
  list(loss = judged[["loss"]], params = updated[["params"]], optimizer_state = updated[["state"]])
}

#' Take `maxit` further steps, or fewer if the loss falls to `abstol` or is no longer finite
#'
#' @param experiment A list of settings.
#' @param data A list: `x` (n, d_in) and `target` (n, k); `x_test` (m, d_in), or NULL, with `labels_test` (m) or
#'   `target_test` (m, k), for the score.
#' @param run From [train_start()] or an earlier `train()`.
#' @param maxit Steps to take, at least 0.
#' @param evaluate_every Take the test score at each step divisible by this; 0 for never.
#' @param report A function called with (step, loss, score) at each step divisible by `evaluate_every`; the score is NaN
#'   without test data.
#' @return A later run. Its `status` is `"maxit"`; `"converged"` if the loss reached `abstol`; or `"diverged"` if the
#'   loss of step `diverged_step`, or a parameter after the step before, is not finite: then it ends with the last
#'   parameters whose loss was finite.
#' @export
train <- function(experiment, data, run, maxit, evaluate_every = 0, report = NULL) {
  check_whole(maxit, "maxit", minimum = 0)
  check_whole(evaluate_every, "evaluate_every", minimum = 0)
  n <- nrow(data[["target"]])
  batch_size <- if (experiment[["batch_size"]] > 0) min(experiment[["batch_size"]], n) else n
  generator <- NULL
  if (is_random(experiment)) {
    generator <- experiment_generator(experiment)
    generator$set_state(run[["generator_state"]])
  }
  order <- run[["order"]]
  position <- run[["position"]]
  if (batch_size == n) {
    x <- batch_inputs(data[["x"]], NULL, experiment[["dtype"]])
    target <- data[["target"]]
  }
  step <- run[["step"]]
  end <- step + maxit
  now <- run[c("params", "optimizer_state", "step")]
  previous <- if (is.null(run[["previous"]])) now else run[["previous"]]
  losses <- c(run[["loss"]], numeric(maxit))
  loss <- if (step > 0) losses[[step]] else Inf
  score_step <- run[["score_step"]]
  score <- run[["score"]]
  status <- if (run[["status"]] == "diverged") "diverged" else "maxit"
  with_arithmetic(experiment[["arithmetic"]], {
    while (step < end && status == "maxit") {
      if (loss <= experiment[["abstol"]]) {
        status <- "converged"
        break
      }
      record_step(step + 1)
      record_phase("data")
      if (batch_size < n) {
        if (position >= n || length(order) == 0) {
          order <- epoch_order(experiment, generator, n)
          position <- 0
        }
        rows <- order[(position + 1):min(position + batch_size, n)]
        position <- position + length(rows)
        record("batch.rows", as.integer(rows - 1))
        x <- batch_inputs(data[["x"]], rows, experiment[["dtype"]])
        target <- data[["target"]][rows, , drop = FALSE]
      }
      record("batch.x", x)
      record("batch.target", target)
      taken <- train_step(experiment, now[["params"]], now[["optimizer_state"]], x, target, generator)
      loss <- taken[["loss"]]
      if (!is.finite(loss)) {
        status <- "diverged"
        break
      }
      step <- step + 1
      losses[[step]] <- loss
      if (evaluate_every > 0 && step %% evaluate_every == 0) {
        score_step <- c(score_step, step)
        score <- c(score, train_score(experiment, now[["params"]], data))
        if (!is.null(report)) {
          report(step, loss, score[[length(score)]])
        }
      }
      previous <- now
      now <- list(params = taken[["params"]], optimizer_state = taken[["optimizer_state"]], step = step)
    }
  })
  if (status == "maxit" && !params_finite(now[["params"]])) {
    status <- "diverged"
  }
  if (status == "diverged" && run[["status"]] != "diverged") {
    now <- previous
  }
  kept <- score_step <= now[["step"]]
  c(now, list(
    previous = previous,
    generator_state = if (is.null(generator)) run[["generator_state"]] else generator$get_state(),
    order = order,
    position = position,
    loss = losses[seq_len(now[["step"]])],
    score_step = score_step[kept],
    score = score[kept],
    status = status,
    diverged_step = if (run[["diverged_step"]] > 0) run[["diverged_step"]] else (status == "diverged") * (step + 1)
  ))
}

#' Whether the steps of an experiment draw random numbers
#'
#' @param experiment A list of settings.
#' @return `TRUE` or `FALSE`: for the order of the rows, for masks or for noise.
#' @export
is_random <- function(experiment) {
  shuffles <- experiment[["batch_size"]] > 0 && experiment[["shuffle"]]
  types <- vapply(experiment[["model"]], function(layer) layer[["type"]], "")
  shuffles || any(types %in% c("dropout", "noise"))
}

#' The order in which an epoch visits the rows
#'
#' @param experiment A list; its `shuffle` is used.
#' @param generator Draws the order; PyTorch's as its DataLoader draws it.
#' @param n How many rows there are.
#' @return A vector of n row numbers, from 1.
#' @export
epoch_order <- function(experiment, generator, n) {
  if (!experiment[["shuffle"]] || is.null(generator)) {
    seq_len(n)
  } else if (inherits(generator, "TorchGenerator")) {
    data_loader_order(generator, n) + 1
  } else {
    random_order(generator, n)
  }
}

#' How good a model is on the test rows
#'
#' @param experiment A list; its `model`, `loss`, `dtype` and `arithmetic` are used.
#' @param params A named list of arrays.
#' @param data A list: `x_test` (m, d_in), or NULL, with `labels_test` (m) or `target_test` (m, k).
#' @return The accuracy, or for a regression the loss; NaN without test rows.
#' @export
train_score <- function(experiment, params, data) {
  if (is.null(data[["x_test"]])) {
    return(NaN)
  }
  phase <- record_phase(NULL)
  score <- with_arithmetic(experiment[["arithmetic"]], {
    score_outputs(experiment[["loss"]], model_outputs(experiment, params, data[["x_test"]]), data)
  })
  record_phase(phase)
  score
}

#' Outputs of a model for any number of samples, some at a time: memory does not grow with their number
#'
#' @param experiment A list; its `model`, `dtype` and `arithmetic` are used.
#' @param params A named list of arrays.
#' @param x A matrix (m, d_in), or bytes as [problem_mnist()] keeps them.
#' @return A matrix (m, k).
#' @export
model_outputs <- function(experiment, params, x) {
  m <- if (is.raw(x)) ncol(x) else nrow(x)
  pieces <- split(seq_len(m), (seq_len(m) - 1) %/% AT_ONCE)
  outputs <- with_arithmetic(experiment[["arithmetic"]], lapply(unname(pieces), function(rows) {
    model_forward(experiment[["model"]], params, batch_inputs(x, rows, experiment[["dtype"]]))[["out"]]
  }))
  out <- do.call(rbind, outputs)
  oldClass(out) <- oldClass(outputs[[1]])
  out
}

# Record the parameters, the optimizer's state and how much was drawn.
record_state <- function(params, optimizer_state, generator) {
  if (!is_recording()) {
    return(invisible(NULL))
  }
  for (key in names(params)) {
    record(key, params[[key]])
  }
  for (name in names(optimizer_state)) {
    state <- optimizer_state[[name]]
    if (is.list(state)) {
      for (key in names(state)) {
        record(key, state[[key]], of = paste0("optimizer.", name))
      }
    } else {
      record(name, state, of = "optimizer")
    }
  }
  if (!is.null(generator)) {
    record("generator.words_drawn", as.double(generator$words_drawn()))
  }
  invisible(NULL)
}

#' Whether every element of every parameter is finite
#'
#' @param params A named list of arrays.
#' @return `TRUE` or `FALSE`.
#' @export
params_finite <- function(params) {
  all(vapply(params, function(value) all(is.finite(value)), TRUE))
}
