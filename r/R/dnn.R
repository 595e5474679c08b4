# Dense networks as users call them: train_dnn() on a table, and the trained model.
# As it stands the network is the course's first: hidden layers of ReLU neurons, softmax probabilities, mean cross
# entropy with L2, full-batch gradient descent (lesson A, train.dnn and predict.dnn). For a regression its output is the
# prediction and the loss half the mean squared error. Twin: python/twinnet/dnn.py.

#' Predict the classes, or for a regression the numbers, of new rows
#'
#' @param object A model of [train_dnn()].
#' @param newdata A data frame, a list of columns or a matrix. Named columns are found by name, wherever they stand; a
#'   matrix without names and with as many columns as the model has inputs is taken by position.
#' @param type `"class"` for labels, `"prob"` for probabilities; a regression has neither, and does not look.
#' @param ... Not used.
#' @return Labels, a factor if the model was trained on one, or a matrix with one column of probabilities for each
#'   class; of a regression, numbers. Stops with a message that names the argument, its value and what it must be.
#' @export
predict.dnn <- function(object, newdata, type = "class", ...) {
  check_choice(type, "type", c("class", "prob"))
  columns <- table_columns(newdata, "newdata")
  if (is.matrix(newdata) && is.null(colnames(newdata)) && length(columns) == length(object[["inputs"]])) {
    names(columns) <- object[["inputs"]]
  }
  outputs <- dnn_outputs(object, input_matrix(columns, object[["inputs"]], "newdata"))
  classes <- object[["classes"]]
  if (is.null(classes)) {
    outputs[, 1]
  } else if (type == "prob") {
    colnames(outputs) <- classes
    outputs
  } else {
    predicted <- classes[predicted_classes(outputs)]
    if (object[["is_factor"]]) factor(predicted, levels = classes) else predicted
  }
}

# Probabilities of the classes, or predicted numbers, for a matrix of inputs: (n, d) to (n, k).
dnn_outputs <- function(model, x) {
  experiment <- model[["experiment"]]
  with_arithmetic(experiment[["arithmetic"]], {
    out <- model_forward(experiment[["model"]], model[["run"]][["params"]], x)[["out"]]
    if (is.null(model[["classes"]])) out else output_probabilities(experiment[["loss"]], out)
  })
}

# What the score on test data is.
score_name <- function(model) {
  if (is.null(model[["classes"]])) "Test loss" else "Test accuracy"
}

#' A trained network in a few lines
#'
#' `print()` shows the network, `summary()` also its layers with their numbers of parameters and the settings of its
#' training.
#'
#' @param x,object A model of [train_dnn()].
#' @param ... Not used.
#' @return `print()` returns the model, invisibly; `summary()` the lines, which print one below the other.
#' @export
print.dnn <- function(x, ...) {
  cat(dnn_lines(x), sep = "\n")
  invisible(x)
}

dnn_lines <- function(model) {
  run <- model[["run"]]
  layers <- model[["experiment"]][["model"]]
  sizes <- c(length(model[["inputs"]]), affine_sizes(layers))
  kinds <- if (is.null(model[["classes"]])) "a number" else model[["classes"]]
  lines <- c(
    sprintf("Dense network %s, %d steps of training", paste(sizes, collapse = " - "), as.integer(run[["step"]])),
    paste("Inputs:", paste(model[["inputs"]], collapse = ", ")),
    sprintf("%s: %s", model[["label"]], paste(kinds, collapse = ", "))
  )
  if (run[["step"]] > 0) {
    lines <- c(lines, sprintf("Loss at step %d: %.7g", as.integer(run[["step"]]), run[["loss"]][[run[["step"]]]]))
  }
  last <- length(run[["score"]])
  if (last > 0 && !is.nan(run[["score"]][[last]])) {
    at <- as.integer(run[["score_step"]][[last]])
    lines <- c(lines, sprintf("%s at step %d: %.7g", score_name(model), at, run[["score"]][[last]]))
  }
  lines
}

#' @rdname print.dnn
#' @export
summary.dnn <- function(object, ...) {
  experiment <- object[["experiment"]]
  run <- object[["run"]]
  lines <- c(dnn_lines(object), "Layers:")
  total <- 0L
  for (layer in experiment[["model"]]) {
    own <- startsWith(names(run[["params"]]), paste0(layer[["name"]], "."))
    count <- sum(lengths(run[["params"]][own]))
    total <- total + count
    lines <- c(lines, sprintf("  %s: %s, %d parameters", layer[["name"]], layer[["type"]], count))
  }
  ended <- switch(run[["status"]],
    maxit = "after the steps asked for",
    converged = sprintf("because the loss reached abstol = %.7g", experiment[["abstol"]]),
    diverged = sprintf("because the loss was not finite at step %d", as.integer(run[["diverged_step"]]))
  )
  lines <- c(
    lines,
    sprintf("  in all %d parameters", total),
    sprintf(
      "Optimizer %s, lr %.7g, L2 strength %.7g",
      experiment[["optimizer"]][["name"]], experiment[["optimizer"]][["lr"]], experiment[["reg"]]
    ),
    paste("Training ended", ended)
  )
  structure(lines, class = "summary.dnn")
}

#' @export
print.summary.dnn <- function(x, ...) {
  cat(x, sep = "\n")
  invisible(x)
}

#' Plot the loss and the test score over the steps
#'
#' @param x A model of [train_dnn()].
#' @param ... Passed on to [plot()] for both panels.
#' @return The model, invisibly.
#' @export
plot.dnn <- function(x, ...) {
  run <- x[["run"]]
  before <- graphics::par(mfrow = c(1, 2))
  on.exit(graphics::par(before))
  plot(seq_len(run[["step"]]), run[["loss"]],
    type = "l", xlab = "Step", ylab = "Loss", main = "Training loss", ...
  )
  top <- if (is.null(x[["classes"]])) max(run[["score"]], 0, na.rm = TRUE) else 1
  plot(run[["score_step"]], run[["score"]],
    type = "b", pch = 20, xlab = "Step", ylab = score_name(x), main = score_name(x),
    xlim = c(0, max(1, run[["step"]])), ylim = c(0, top), ...
  )
  invisible(x)
}

#' Train a dense network to predict one column of a table from others
#'
#' @param x Input columns, by position from 1 or by name.
#' @param y The column to predict.
#' @param traindata Training rows: a data frame, a named list of columns, or a matrix.
#' @param testdata Test rows, with the same columns; their accuracy is shown and kept with the loss.
#' @param model An earlier model to go on from. Two trainings of 1000 steps give what one of 2000 gives.
#' @param hidden Neurons of each hidden layer; 6 in one layer unless said. An earlier model keeps its own.
#' @param maxit Steps to take at most, at least 0.
#' @param abstol Stop when the loss is at most this, at least 0.
#' @param lr Learning rate, above 0.
#' @param reg L2 strength, at least 0.
#' @param display Print step, loss and test accuracy every so many steps; 0 for never.
#' @param random_seed Seed of R's generator, which draws the initial weights, and then batches and masks if there are
#'   any: the same numbers as `set.seed(random_seed)`. The caller's own stream is left as it was.
#' @param activation Activation of the hidden layers, one of [ACTIVATIONS]. An earlier model keeps its own.
#' @param optimizer One of [OPTIMIZERS], or a list of its `name` and settings, whose own `lr` goes before `lr`. An
#'   earlier model keeps its optimizer's state, so the optimizer must be the same.
#' @param batch_size Rows of a mini-batch, at least 1 and at most all; the rows are shuffled anew for each epoch. All
#'   rows at each step unless said.
#' @param dropout Probability of dropping a hidden neuron in training, at least 0 and below 1. An earlier model keeps
#'   its own.
#' @param init How to draw the weights: `"normal"` (standard deviation 0.01, lesson A) or `"scaled_normal"` (standard
#'   deviation `1 / sqrt(d_in * d_out)`). Unless said, the first for a classification with one hidden layer, the second
#'   otherwise.
#' @param task `"classification"` or `"regression"`.
#' @return A model of class `dnn`, a list: `experiment`, the model's layers and the settings of its training;
#'   `inputs` and `label`, names of columns; `classes`; `run`, the parameters and the trajectory so far, see
#'   [train()]. Stops with a message that names the argument, its value and what it must be. Warns if the loss is no
#'   longer finite: training stops and the last good parameters are kept.
#' @references Course, lesson A, `train.dnn`.
#' @examples
#' rows <- c(1:25, 51:75, 101:125)
#' model <- train_dnn(1:4, 5, iris[rows, ], iris[-rows, ], maxit = 500)
#' table(iris[-rows, 5], predict(model, iris[-rows, ]))
#' @export
train_dnn <- function(x = 1:4, y = 5, traindata = NULL, testdata = NULL, model = NULL, hidden = NULL, maxit = 2000,
                      abstol = 1e-2, lr = 1e-2, reg = 1e-3, display = 100, random_seed = 1, activation = "relu",
                      optimizer = "gradient_descent", batch_size = NULL, dropout = 0, init = NULL,
                      task = "classification") {
  columns <- table_columns(traindata, "traindata")
  inputs <- select_columns(columns, x, "x")
  labels <- select_columns(columns, y, "y")
  check_argument(length(labels) == 1 && !any(labels %in% inputs), "y", y, "one column that is not among `x`")
  check_choice(task, "task", c("classification", "regression"))
  to_predict <- function(table, name) {
    if (task == "classification") label_vector(table, labels, name) else input_matrix(table, labels, name)[, 1]
  }
  x_test <- y_test <- NULL
  if (!is.null(testdata)) {
    test_columns <- table_columns(testdata, "testdata")
    x_test <- input_matrix(test_columns, inputs, "testdata")
    y_test <- to_predict(test_columns, "testdata")
  }
  fit_dnn(
    input_matrix(columns, inputs, "traindata"),
    to_predict(columns, "traindata"),
    x_test,
    y_test,
    inputs = inputs,
    label = labels,
    model = model,
    hidden = hidden,
    maxit = maxit,
    abstol = abstol,
    lr = lr,
    reg = reg,
    display = display,
    random_seed = random_seed,
    activation = activation,
    optimizer = optimizer,
    batch_size = batch_size,
    dropout = dropout,
    init = init,
    task = task
  )
}

#' Train a dense network on a matrix of inputs and a vector
#'
#' @param x Training inputs: a matrix (n, d).
#' @param y Training labels, or numbers for a regression, n of them.
#' @param x_test,y_test Test inputs (m, d) and labels or numbers, or NULL.
#' @param inputs Names of the columns of `x`.
#' @param label What `y` is called.
#' @inheritParams train_dnn
#' @return As [train_dnn()].
#' @export
fit_dnn <- function(x, y, x_test, y_test, inputs, label, model, hidden, maxit, abstol, lr, reg, display, random_seed,
                    activation, optimizer, batch_size, dropout, init, task) {
  check_whole(maxit, "maxit", minimum = 0)
  check_whole(display, "display", minimum = 0)
  is_regression <- task == "regression"
  if (is.null(model)) {
    classes <- if (!is_regression) class_levels(y, label)
    sizes <- if (is.null(hidden)) 6 else hidden
    check_argument(length(sizes) > 0, "hidden", hidden, "at least one hidden layer's number of neurons")
    layers <- dense_layers(ncol(x), sizes, if (is_regression) 1 else length(classes), activation, dropout)
  } else {
    check_argument(inherits(model, "dnn"), "model", model, "a model that train_dnn() returned")
    classes <- model[["classes"]]
    layers <- model[["experiment"]][["model"]]
    must_be <- sprintf("the inputs of `model` (%s)", paste(model[["inputs"]], collapse = ", "))
    check_argument(identical(inputs, model[["inputs"]]), "x", inputs, must_be)
    its_task <- if (is.null(classes)) "regression" else "classification"
    check_argument(task == its_task, "task", task, sprintf('"%s", as of `model`', its_task))
    if (!is.null(hidden)) {
      again <- dense_layers(ncol(x), hidden, layers[[length(layers)]][["d_out"]])
      same <- identical(affine_sizes(again), affine_sizes(layers))
      check_argument(same, "hidden", hidden, "the hidden layers of `model`, or not given")
    }
  }
  settings <- if (is.character(optimizer)) list(name = optimizer) else as.list(optimizer)
  settings[["lr"]] <- if (is.null(settings[["lr"]])) check_number(lr, "lr", above = 0) else settings[["lr"]]
  rows <- if (is.null(batch_size)) 0 else check_whole(batch_size, "batch_size", minimum = 1, maximum = nrow(x))
  # lesson A's small weights leave a network with more than one hidden layer where it starts
  default_init <- if (!is_regression && length(affine_sizes(layers)) == 2) "normal" else "scaled_normal"
  experiment <- list(
    model = layers,
    loss = if (is_regression) "half_mean_squared_error" else "softmax_cross_entropy",
    init = list(name = check_choice(if (is.null(init)) default_init else init, "init", INITS), sd = 0.01),
    generator = "r",
    seed = random_seed,
    dtype = "float64",
    arithmetic = arithmetic_setting(),
    reg = check_number(reg, "reg", minimum = 0),
    optimizer = optimizer_check(settings),
    batch_size = rows,
    shuffle = TRUE,
    abstol = check_number(abstol, "abstol", minimum = 0)
  )
  init_check(experiment[["init"]], experiment[["generator"]])
  if (!is.null(model)) {
    name <- experiment[["optimizer"]][["name"]]
    its_name <- model[["experiment"]][["optimizer"]][["name"]]
    must_be <- sprintf('"%s", as of `model`, whose state it goes on from', its_name)
    check_argument(name == its_name, "optimizer", name, must_be)
  }
  data <- list(x = x, target = targets(y, classes, label), x_test = x_test)
  if (!is.null(y_test)) {
    data[["target_test"]] <- targets(y_test, classes, label)
    data[["labels_test"]] <- if (!is.null(classes)) class_numbers(y_test, classes, label)
  }
  run <- if (is.null(model)) train_start(experiment) else model[["run"]]
  run <- train(experiment, data, run, maxit, evaluate_every = display, report = display_step)
  if (run[["status"]] == "diverged") {
    warning(
      sprintf("The loss was not finite at step %d: the model keeps its parameters after ", run[["diverged_step"]]),
      sprintf("%d steps. A smaller `lr` than %.7g may help.", run[["step"]], lr),
      call. = FALSE
    )
  }
  structure(
    list(
      experiment = experiment,
      inputs = inputs,
      label = label,
      classes = classes,
      is_factor = is.factor(y),
      run = run
    ),
    class = "dnn"
  )
}

# What the outputs should be: one-hot rows of labels, or one column of numbers.
targets <- function(y, classes, label) {
  if (is.null(classes)) matrix(as.double(y)) else one_hot(class_numbers(y, classes, label), length(classes))
}

# Numbers of outputs of the affine layers.
affine_sizes <- function(layers) {
  unlist(lapply(layers, function(layer) layer[["d_out"]]))
}

# Print a step as the course's R does: its number, the loss and, where there is test data, the score.
display_step <- function(step, loss, score) {
  if (is.nan(score)) {
    cat(sprintf("%d %.7g\n", as.integer(step), loss))
  } else {
    cat(sprintf("%d %.7g %.7g\n", as.integer(step), loss, score))
  }
}
