# Checkpoints: a run of training in a file, from which either language goes on as if nothing had been in between.
# A checkpoint is a safetensors file. It holds all numbers of the run of train() as tensors, each under its place in the
# run, such as params/affine1.w or optimizer_state/square_avg/affine1.w; row numbers count from 0. Its texts are those
# of the run, such as status, and the settings of the experiment, such as experiment/optimizer/lr: a run goes on only
# under the settings it began with. Twin: python/twinnet/checkpoint.py.

CHECKPOINT_FORMAT <- "twinnet checkpoint 1"
# Settings that do not change what a step does: a run may go on with others.
FREE_SETTINGS <- c("name", "title", "source", "maxit", "abstol", "display", "evaluate_every", "variants")
# What grows with the steps, or is drawn when the first epoch begins.
GROWING <- c("order", "loss", "score_step", "score")
WHOLE <- c("step", "position", "order", "score_step", "diverged_step")

#' Write a run to a file; if there is one, it is replaced in one move
#'
#' @param path The file, by custom `NAME.safetensors`.
#' @param run From [train_start()] or [train()].
#' @param experiment What the run is a run of.
#' @return NULL, invisibly. Stops if the file cannot be written; what was there before is unchanged.
#' @export
checkpoint_write <- function(path, run, experiment) {
  run[["order"]] <- run[["order"]] - 1
  leaves <- run_leaves(run)
  are_texts <- vapply(leaves, is.character, TRUE)
  numbers <- lapply(leaves[!are_texts], stored_numbers)
  safetensors_write(path, numbers, c(format = CHECKPOINT_FORMAT, leaves[are_texts], settings_of(experiment)))
}

#' Read a run from a file that [checkpoint_write()] wrote, in either language
#'
#' @param path The file.
#' @param experiment What the run is a run of.
#' @return The run, with which [train()] goes on. Stops if there is no such file, or it is not a checkpoint, is damaged,
#'   or is of another experiment; says which setting is another.
#' @export
checkpoint_read <- function(path, experiment) {
  read <- safetensors_read(path)
  numbers <- read[["tensors"]]
  texts <- read[["metadata"]]
  if (!identical(texts[["format"]], CHECKPOINT_FORMAT)) {
    refuse_file(path, "is not a checkpoint of twinnet")
  }
  check_settings(path, texts, settings_of(experiment))
  start <- start_of(experiment)
  if (any(startsWith(names(numbers), "previous/"))) {
    start[["previous"]] <- start[c("params", "optimizer_state", "step")]
  }
  run <- restored(path, c(numbers, texts), start, NULL)
  check_run(path, run, numbers)
  run[["order"]] <- run[["order"]] + 1
  run
}

#' Write parameters alone to a safetensors file; if there is one, it is replaced in one move
#'
#' @param path The file.
#' @param params A named list of arrays.
#' @return NULL, invisibly. Stops if the file cannot be written; what was there before is unchanged.
#' @export
params_write <- function(path, params) {
  safetensors_write(path, params)
}

#' Read parameters from a file that [params_write()] wrote, in either language
#'
#' @param path The file.
#' @param experiment Its model says which parameters there must be, and of which shapes.
#' @return A named list of arrays. Stops if there is no such file, or it is not a safetensors file, is damaged, or holds
#'   the parameters of another model.
#' @export
params_read <- function(path, experiment) {
  numbers <- safetensors_read(path)[["tensors"]]
  params <- restored(path, numbers, start_of(experiment)[["params"]], NULL)
  refuse_others(path, numbers, params)
  params
}

#' Train up to a step, with a checkpoint on the way
#'
#' What was interrupted goes on when it is called again.
#'
#' @param experiment,data,evaluate_every,report As for [train()].
#' @param path The checkpoint. If it is there, training goes on from it; otherwise it begins.
#' @param until The step to stop at; training that was stopped at one can go on to a later one.
#' @param save_every Write the checkpoint every so many steps, and at the end.
#' @param source As for [train_start()].
#' @return The run. Stops if the checkpoint is damaged or of another experiment; it is left as it is.
#' @export
train_saved <- function(
  experiment,
  data,
  path,
  until,
  save_every = 100,
  evaluate_every = 0,
  report = NULL,
  source = NULL
) {
  check_whole(until, "until", minimum = 0)
  check_whole(save_every, "save_every", minimum = 1)
  run <- if (file.exists(path)) checkpoint_read(path, experiment) else train_start(experiment, source)
  while (run[["step"]] < until && run[["status"]] %in% c("running", "maxit")) {
    run <- train(experiment, data, run, min(save_every, until - run[["step"]]), evaluate_every, report)
    checkpoint_write(path, run, experiment)
  }
  run
}

# A run before its first step, for the names and shapes of what it holds: no source is needed for that.
start_of <- function(experiment) {
  init <- experiment[["init"]]
  experiment[["init"]] <- init[setdiff(names(init), c("source", "layers"))]
  train_start(experiment)
}

# The arrays, numbers and texts of a run by their places in it; what is NULL is left out.
run_leaves <- function(value, name = NULL) {
  if (!is.list(value)) {
    return(if (!is.null(value)) structure(list(value), names = name))
  }
  leaves <- lapply(names(value), function(key) run_leaves(value[[key]], paste(c(name, key), collapse = "/")))
  do.call(c, leaves)
}

# Numbers as they are stored: doubles, or float32 as they are.
stored_numbers <- function(value) {
  if (!is.double(value)) {
    storage.mode(value) <- "double"
  }
  value
}

# The settings that decide what a step does, as texts by their places in the experiment.
settings_of <- function(experiment) {
  setting_texts(experiment[setdiff(names(experiment), FREE_SETTINGS)], "experiment")
}

# A setting as a text, or its parts as texts; the parts of a list count from 0, and one alone stands for itself.
setting_texts <- function(value, name) {
  if (is.list(value) || length(value) > 1) {
    keys <- if (is.null(names(value))) sprintf("%d", seq_along(value) - 1L) else names(value)
    parts <- lapply(seq_along(value), function(i) setting_texts(value[[i]], paste(name, keys[[i]], sep = "/")))
    do.call(c, parts)
  } else if (length(value) == 1) {
    text <- if (is.logical(value)) tolower(value) else if (is.character(value)) value else sprintf("%.17g", value)
    structure(list(text), names = name)
  }
}

# Refuse a checkpoint whose settings are not those of the experiment.
check_settings <- function(path, texts, expected) {
  found <- texts[startsWith(names(texts), "experiment/")]
  for (name in union(names(expected), names(found))) {
    theirs <- if (is.null(found[[name]])) "missing" else found[[name]]
    ours <- if (is.null(expected[[name]])) "missing" else expected[[name]]
    if (theirs != ours) {
      setting <- sub("experiment/", "", name, fixed = TRUE)
      what <- sprintf("is a checkpoint of another experiment: its `%s` is %s, not %s", setting, theirs, ours)
      refuse_file(path, what)
    }
  }
}

# What was stored under a name, in the form that a run has at its start.
restored <- function(path, found, start, name) {
  if (is.list(start)) {
    parts <- lapply(names(start), function(key) {
      restored(path, found, start[[key]], paste(c(name, key), collapse = "/"))
    })
    return(structure(parts, names = names(start)))
  }
  value <- found[[name]]
  if (is.null(value) && !is.null(start)) {
    refuse_file(path, sprintf("has no `%s`", name))
  }
  if (is.character(value) || is.character(start)) {
    if (!(is.character(value) && is.character(start))) {
      what <- sprintf("has a number where a text is due, or a text where a number is, in `%s`", name)
      refuse_file(path, what)
    }
    return(value)
  }
  if (is.null(value)) {
    return(NULL)
  }
  expected <- if (is.null(start)) 0 else start
  grows <- name %in% GROWING && is.null(dim(value))
  if (!grows && !identical(as.numeric(shape_of(value)), as.numeric(shape_of(expected)))) {
    what <- sprintf("has another shape of `%s`: %s, not %s", name, show_shape(value), show_shape(expected))
    refuse_file(path, what)
  }
  if (name %in% WHOLE && !isTRUE(all(value %% 1 == 0))) {
    refuse_file(path, sprintf("has `%s` that is not a whole number", name))
  }
  if (!grows) {
    dim(value) <- dim(start)
  }
  as_dtype(value, dtype_of(start))
}

# The shape of an array as a text.
show_shape <- function(array) {
  paste(shape_of(array), collapse = " x ")
}

# Refuse a checkpoint whose parts do not go together.
check_run <- function(path, run, numbers) {
  leaves <- run_leaves(run)
  refuse_others(path, numbers, leaves)
  for (name in names(numbers)) {
    found <- dtype_of(numbers[[name]])
    expected <- dtype_of(leaves[[name]])
    if (found != expected) {
      refuse_file(path, sprintf("has `%s` in %s, not in %s", name, found, expected))
    }
  }
  n <- length(run[["order"]])
  whole <- run[["step"]] == length(run[["loss"]]) &&
    length(run[["score"]]) == length(run[["score_step"]]) &&
    0 <= run[["position"]] && run[["position"]] <= n &&
    identical(sort(run[["order"]]), as.numeric(seq_len(n) - 1)) &&
    run[["status"]] %in% c("running", "maxit", "converged", "diverged")
  if (!whole) {
    refuse_file(path, "is damaged: its order, position, loss, score, step and status do not go together")
  }
}

# Refuse a file that holds more than is expected.
refuse_others <- function(path, numbers, expected) {
  for (name in setdiff(names(numbers), names(expected))) {
    refuse_file(path, sprintf("has `%s`, which the experiment's model has not", name))
  }
}
