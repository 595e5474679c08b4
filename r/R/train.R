# Training: one step, and the one loop that takes them. Nothing else loops over steps.
# A run is a value: parameters, the optimizer's state, the number of steps taken and the trajectory so far. Training
# takes a run and returns a later one, so to go on from an earlier run is to call train() again, and two calls of 1000
# steps give what one of 2000 gives. The loss and the accuracy of a step are those before its update, as in the
# course's R (lesson A). Twin: python/twinnet/train.py.

#' A run before its first step
#'
#' @param experiment A list; its `model`, `init` and `optimizer` are used.
#' @param generator Draws the initial weights.
#' @return A list: `params`; `optimizer_state`; `step`, 0; `previous`, those three one step earlier, NULL yet;
#'   `loss`, empty; `accuracy_step` and `accuracy`, empty: at which steps the test accuracy was taken, and what it
#'   was; `status`, `"running"`; `diverged_step`, 0.
#' @export
train_start <- function(experiment, generator) {
  params <- model_init(experiment[["model"]], generator, experiment[["init"]][["sd"]])
  list(
    params = params,
    optimizer_state = optimizer_init(experiment[["optimizer"]], params),
    step = 0,
    previous = NULL,
    loss = numeric(),
    accuracy_step = numeric(),
    accuracy = numeric(),
    status = "running",
    diverged_step = 0
  )
}

#' The loss of a batch and its gradient with respect to every parameter
#'
#' @param experiment A list; its `model` and `reg` are used.
#' @param params A named list of arrays.
#' @param x Inputs, one row a sample: a matrix (n, d_in).
#' @param target One-hot rows: a matrix (n, k).
#' @return A list: `loss`, the mean cross entropy plus the L2 penalty; `grads`, a list of arrays with the names of
#'   `params`.
#' @export
loss_and_gradients <- function(experiment, params, x, target) {
  passed <- model_forward(experiment[["model"]], params, x)
  judged <- softmax_cross_entropy_forward(passed[["out"]], target)
  loss <- judged[["loss"]] + l2_penalty(params, experiment[["reg"]])
  d_out <- softmax_cross_entropy_backward(judged[["cache"]])
  grads <- model_backward(experiment[["model"]], params, passed[["caches"]], d_out)
  list(loss = loss, grads = l2_gradients(params, grads, experiment[["reg"]]))
}

#' One step of training
#'
#' @param experiment A list; its `model`, `reg` and `optimizer` are used.
#' @param params A named list of arrays.
#' @param optimizer_state A list.
#' @param x Inputs, one row a sample: a matrix (n, d_in).
#' @param target One-hot rows: a matrix (n, k).
#' @return A list: `loss`, before the update; `params` and `optimizer_state`, after it.
#' @export
train_step <- function(experiment, params, optimizer_state, x, target) {
  judged <- loss_and_gradients(experiment, params, x, target)
  updated <- optimizer_step(experiment[["optimizer"]], params, judged[["grads"]], optimizer_state)
  list(loss = judged[["loss"]], params = updated[["params"]], optimizer_state = updated[["state"]])
}

#' Take `maxit` further steps, or fewer if the loss falls to `abstol` or is no longer finite
#'
#' @param experiment A list; its `model`, `reg`, `optimizer` and `abstol` are used.
#' @param data A list: `x` (n, d_in) and `target` (n, k); `x_test` (m, d_in) and `labels_test` (m), or NULL, for the
#'   accuracy.
#' @param run From [train_start()] or an earlier `train()`.
#' @param maxit Steps to take, at least 0.
#' @param evaluate_every Take the test accuracy at each step divisible by this; 0 for never.
#' @param report A function called with (step, loss, accuracy) at each step divisible by `evaluate_every`; the accuracy
#'   is NaN without test data.
#' @return A later run. Its `status` is `"maxit"`; `"converged"` if the loss reached `abstol`; or `"diverged"` if
#'   the loss of step `diverged_step`, or a parameter after the step before, is not finite: then it ends with the
#'   last parameters whose loss was finite.
#' @export
train <- function(experiment, data, run, maxit, evaluate_every = 0, report = NULL) {
  check_whole(maxit, "maxit", minimum = 0)
  check_whole(evaluate_every, "evaluate_every", minimum = 0)
  step <- run[["step"]]
  end <- step + maxit
  now <- run[c("params", "optimizer_state", "step")]
  previous <- if (is.null(run[["previous"]])) now else run[["previous"]]
  losses <- c(run[["loss"]], numeric(maxit))
  loss <- if (step > 0) losses[[step]] else Inf
  evaluated_step <- run[["accuracy_step"]]
  evaluated <- run[["accuracy"]]
  status <- if (run[["status"]] == "diverged") "diverged" else "maxit"
  while (step < end && status == "maxit") {
    if (loss <= experiment[["abstol"]]) {
      status <- "converged"
      break
    }
    taken <- train_step(experiment, now[["params"]], now[["optimizer_state"]], data[["x"]], data[["target"]])
    loss <- taken[["loss"]]
    if (!is.finite(loss)) {
      status <- "diverged"
      break
    }
    step <- step + 1
    losses[[step]] <- loss
    if (evaluate_every > 0 && step %% evaluate_every == 0) {
      evaluated_step <- c(evaluated_step, step)
      evaluated <- c(evaluated, test_accuracy(experiment[["model"]], now[["params"]], data))
      if (!is.null(report)) {
        report(step, loss, evaluated[[length(evaluated)]])
      }
    }
    previous <- now
    now <- list(params = taken[["params"]], optimizer_state = taken[["optimizer_state"]], step = step)
  }
  if (status == "maxit" && !params_finite(now[["params"]])) {
    status <- "diverged"
  }
  if (status == "diverged" && run[["status"]] != "diverged") {
    now <- previous
  }
  kept <- evaluated_step <= now[["step"]]
  c(now, list(
    previous = previous,
    loss = losses[seq_len(now[["step"]])],
    accuracy_step = evaluated_step[kept],
    accuracy = evaluated[kept],
    status = status,
    diverged_step = if (run[["diverged_step"]] > 0) run[["diverged_step"]] else (status == "diverged") * (step + 1)
  ))
}

#' Share of the test data that is predicted right
#'
#' @param model A list of layers.
#' @param params A named list of arrays.
#' @param data A list: `x_test` (m, d_in) and `labels_test` (m), or NULL.
#' @return A number; NaN without test data.
#' @export
test_accuracy <- function(model, params, data) {
  if (is.null(data[["x_test"]])) {
    return(NaN)
  }
  scores <- model_forward(model, params, data[["x_test"]])[["out"]]
  accuracy(data[["labels_test"]], predicted_classes(scores))
}

#' Whether every element of every parameter is finite
#'
#' @param params A named list of arrays.
#' @return `TRUE` or `FALSE`.
#' @export
params_finite <- function(params) {
  all(vapply(params, function(value) all(is.finite(value)), TRUE))
}
