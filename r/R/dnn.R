# The course's first network as users call it: train_dnn() on a table, and the trained model.
# The network: hidden layers of ReLU neurons, softmax probabilities, mean cross entropy with L2, full-batch gradient
# descent (course: lesson A, train.dnn and predict.dnn). Twin: python/twinnet/dnn.py.

#' Predict the classes of new rows
#'
#' @param object A model of [train_dnn()].
#' @param newdata A data frame, a list of columns or a matrix. Named columns are found by name, wherever they stand; a
#'   matrix without names and with as many columns as the model has inputs is taken by position.
#' @param type `"class"` for labels, `"prob"` for probabilities.
#' @param ... Not used.
#' @return Labels, a factor if the model was trained on one, or a matrix with one column of probabilities for each
#'   class. Stops with a message that names the argument, its value and what it must be.
#' @export
predict.dnn <- function(object, newdata, type = "class", ...) {
  check_choice(type, "type", c("class", "prob"))
  columns <- table_columns(newdata, "newdata")
  if (is.matrix(newdata) && is.null(colnames(newdata)) && length(columns) == length(object[["inputs"]])) {
    names(columns) <- object[["inputs"]]
  }
  probabilities <- dnn_probabilities(object, input_matrix(columns, object[["inputs"]], "newdata"))
  classes <- object[["classes"]]
  if (type == "prob") {
    colnames(probabilities) <- classes
    probabilities
  } else {
    predicted <- classes[predicted_classes(probabilities)]
    if (object[["is_factor"]]) factor(predicted, levels = classes) else predicted
  }
}

# Probabilities of the classes for a matrix of inputs, (n, d) to (n, k).
dnn_probabilities <- function(model, x) {
  scores <- model_forward(model[["experiment"]][["model"]], model[["run"]][["params"]], x)[["out"]]
  softmax(scores)
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
  affine <- layers[vapply(layers, function(layer) layer[["type"]] == "affine", TRUE)]
  sizes <- c(length(model[["inputs"]]), vapply(affine, function(layer) layer[["d_out"]], 0))
  lines <- c(
    sprintf("Dense network %s, %d steps of training", paste(sizes, collapse = " - "), as.integer(run[["step"]])),
    paste("Inputs:", paste(model[["inputs"]], collapse = ", ")),
    sprintf("%s: %s", model[["label"]], paste(model[["classes"]], collapse = ", "))
  )
  if (run[["step"]] > 0) {
    lines <- c(lines, sprintf("Loss at step %d: %.7g", as.integer(run[["step"]]), run[["loss"]][[run[["step"]]]]))
  }
  last <- length(run[["accuracy"]])
  if (last > 0 && !is.nan(run[["accuracy"]][[last]])) {
    at <- as.integer(run[["accuracy_step"]][[last]])
    lines <- c(lines, sprintf("Test accuracy at step %d: %.7g", at, run[["accuracy"]][[last]]))
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
    sprintf("Learning rate %.7g, L2 strength %.7g", experiment[["optimizer"]][["lr"]], experiment[["reg"]]),
    paste("Training ended", ended)
  )
  structure(lines, class = "summary.dnn")
}

#' @export
print.summary.dnn <- function(x, ...) {
  cat(x, sep = "\n")
  invisible(x)
}

#' Plot the loss and the test accuracy over the steps
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
  plot(run[["accuracy_step"]], run[["accuracy"]],
    type = "b", pch = 20, xlab = "Step", ylab = "Accuracy", main = "Test accuracy",
    xlim = c(0, max(1, run[["step"]])), ylim = c(0, 1), ...
  )
  invisible(x)
}

#' Train a dense network to predict a label from the other columns of a table
#'
#' @param x Input columns, by position from 1 or by name.
#' @param y The label's column.
#' @param traindata Training rows: a data frame, a named list of columns, or a matrix.
#' @param testdata Test rows, with the same columns; their accuracy is shown and kept with the loss.
#' @param model An earlier model to go on from. Two trainings of 1000 steps give what one of 2000 gives.
#' @param hidden Neurons of each hidden layer; 6 in one layer unless said. An earlier model keeps its own.
#' @param maxit Steps to take at most, at least 0.
#' @param abstol Stop when the loss is at most this, at least 0.
#' @param lr Learning rate, above 0.
#' @param reg L2 strength, at least 0.
#' @param display Print step, loss and test accuracy every so many steps; 0 for never.
#' @param random_seed Seed of R's generator, which draws the initial weights: the same numbers as
#'   `set.seed(random_seed)`. The caller's own stream is left as it was.
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
                      abstol = 1e-2, lr = 1e-2, reg = 1e-3, display = 100, random_seed = 1) {
  columns <- table_columns(traindata, "traindata")
  inputs <- select_columns(columns, x, "x")
  labels <- select_columns(columns, y, "y")
  check_argument(length(labels) == 1 && !any(labels %in% inputs), "y", y, "one column that is not among `x`")
  x_test <- labels_test <- NULL
  if (!is.null(testdata)) {
    test_columns <- table_columns(testdata, "testdata")
    x_test <- input_matrix(test_columns, inputs, "testdata")
    labels_test <- label_vector(test_columns, labels, "testdata")
  }
  fit_dnn(
    input_matrix(columns, inputs, "traindata"),
    label_vector(columns, labels, "traindata"),
    x_test,
    labels_test,
    inputs = inputs,
    label = labels,
    model = model,
    hidden = hidden,
    maxit = maxit,
    abstol = abstol,
    lr = lr,
    reg = reg,
    display = display,
    random_seed = random_seed
  )
}

#' Train a dense network on a matrix of inputs and a vector of labels
#'
#' @param x Training inputs: a matrix (n, d).
#' @param labels Training labels, n of them.
#' @param x_test,labels_test Test inputs (m, d) and labels, or NULL.
#' @param inputs Names of the columns of `x`.
#' @param label What the labels are called.
#' @inheritParams train_dnn
#' @return As [train_dnn()].
#' @export
fit_dnn <- function(x, labels, x_test, labels_test, inputs, label, model, hidden, maxit, abstol, lr, reg, display,
                    random_seed) {
  check_whole(maxit, "maxit", minimum = 0)
  check_whole(display, "display", minimum = 0)
  if (is.null(model)) {
    classes <- class_levels(labels, label)
    layers <- dense_layers(ncol(x), if (is.null(hidden)) 6 else hidden, length(classes))
  } else {
    check_argument(inherits(model, "dnn"), "model", model, "a model that train_dnn() returned")
    classes <- model[["classes"]]
    layers <- model[["experiment"]][["model"]]
    must_be <- sprintf("the inputs of `model` (%s)", paste(model[["inputs"]], collapse = ", "))
    check_argument(identical(inputs, model[["inputs"]]), "x", inputs, must_be)
    if (!is.null(hidden)) {
      again <- dense_layers(ncol(x), hidden, length(classes))
      check_argument(identical(again, layers), "hidden", hidden, "the hidden layers of `model`, or not given")
    }
  }
  experiment <- list(
    model = layers,
    init = list(sd = 0.01),
    reg = check_number(reg, "reg", minimum = 0),
    optimizer = list(name = "gradient_descent", lr = check_number(lr, "lr", above = 0)),
    abstol = check_number(abstol, "abstol", minimum = 0)
  )
  data <- list(
    x = x,
    target = one_hot(class_numbers(labels, classes, label), length(classes)),
    x_test = x_test,
    labels_test = if (!is.null(labels_test)) class_numbers(labels_test, classes, label)
  )
  run <- if (is.null(model)) train_start(experiment, RGenerator(random_seed)) else model[["run"]]
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
      is_factor = is.factor(labels),
      run = run
    ),
    class = "dnn"
  )
}

# Print a step as the course's R does: its number, the loss and, where there is test data, the accuracy.
display_step <- function(step, loss, accuracy) {
  if (is.nan(accuracy)) {
    cat(sprintf("%d %.7g\n", as.integer(step), loss))
  } else {
    cat(sprintf("%d %.7g %.7g\n", as.integer(step), loss, accuracy))
  }
}
