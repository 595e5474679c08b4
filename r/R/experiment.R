# An experiment: everything that decides a training run, as data that both languages read.
# shared_data/experiments/NAME.json names the data and its split, the model's layers, the loss, whose random
# numbers and which seed, the L2 strength, the optimizer, and when to stop. Twin: python/twinnet/experiment.py.

#' The settings of an experiment, and the losses and generators that are known
#' @name EXPERIMENT_KEYS
NULL

#' @rdname EXPERIMENT_KEYS
#' @export
EXPERIMENT_KEYS <- c(
  "name",
  "title",
  "source",
  "data",
  "model",
  "loss",
  "init",
  "generator",
  "seed",
  "reg",
  "optimizer",
  "maxit",
  "abstol",
  "display"
)

#' @rdname EXPERIMENT_KEYS
#' @export
LOSSES <- c("softmax_cross_entropy")

#' @rdname EXPERIMENT_KEYS
#' @export
GENERATORS <- c("r")

#' Names of the experiments in `shared_data`, in ascending order
#'
#' @return A vector of strings.
#' @export
experiment_names <- function() {
  files <- list.files(shared_data_path("experiments"), pattern = "[.]json$")
  sort(sub("[.]json$", "", files), method = "radix")
}

#' Read an experiment from `shared_data/experiments/NAME.json`
#'
#' @param name One of [experiment_names()].
#' @return Its settings, checked: a list. Stops if there is no such experiment, or a setting is missing, unknown or
#'   unsound.
#' @export
experiment_read <- function(name) {
  check_choice(name, "experiment", experiment_names())
  path <- shared_data_path(paste0("experiments/", name, ".json"))
  experiment <- jsonlite::fromJSON(path, simplifyDataFrame = FALSE, simplifyMatrix = FALSE)
  experiment_check(experiment)
}

#' Check that every setting of an experiment is there, known and sound
#'
#' @param experiment A list of settings.
#' @return The experiment. Stops with a message that names the setting, its value and what it must be.
#' @export
experiment_check <- function(experiment) {
  keys <- sort(names(experiment), method = "radix")
  must_be <- paste("the keys", paste(sort(EXPERIMENT_KEYS, method = "radix"), collapse = ", "))
  check_argument(identical(keys, sort(EXPERIMENT_KEYS, method = "radix")), "experiment", keys, must_be)
  model_check(experiment[["model"]])
  check_choice(experiment[["loss"]], "loss", LOSSES)
  check_number(experiment[["init"]][["sd"]], "sd", above = 0)
  check_choice(experiment[["generator"]], "generator", GENERATORS)
  check_whole(experiment[["seed"]], "seed")
  check_number(experiment[["reg"]], "reg", minimum = 0)
  optimizer_check(experiment[["optimizer"]])
  check_whole(experiment[["maxit"]], "maxit", minimum = 0)
  check_number(experiment[["abstol"]], "abstol", minimum = 0)
  check_whole(experiment[["display"]], "display", minimum = 0)
  experiment
}

#' An experiment with some of its settings replaced
#'
#' @param experiment A list of settings.
#' @param seed Seed of the initial weights; the split of the data keeps its own.
#' @param hidden Neurons of each hidden layer, for a model of affine and ReLU layers.
#' @param maxit Steps, at least 0.
#' @param lr Learning rate, above 0.
#' @param reg L2 strength, at least 0.
#' @return The changed experiment. Stops with a message that names the setting, its value and what it must be.
#' @export
experiment_override <- function(experiment, seed = NULL, hidden = NULL, maxit = NULL, lr = NULL, reg = NULL) {
  changed <- experiment
  if (!is.null(seed)) {
    changed[["seed"]] <- seed
  }
  if (!is.null(hidden)) {
    first <- experiment[["model"]][[1]]
    last <- experiment[["model"]][[length(experiment[["model"]])]]
    changed[["model"]] <- dense_layers(first[["d_in"]], hidden, last[["d_out"]])
  }
  if (!is.null(maxit)) {
    changed[["maxit"]] <- maxit
  }
  if (!is.null(lr)) {
    changed[["optimizer"]][["lr"]] <- lr
  }
  if (!is.null(reg)) {
    changed[["reg"]] <- reg
  }
  experiment_check(changed)
}

#' The generator that an experiment names, seeded as it says
#'
#' @param experiment A list of settings.
#' @return A generator.
#' @export
experiment_generator <- function(experiment) {
  RGenerator(experiment[["seed"]])
}

#' The data of an experiment, split into training and test rows
#'
#' @param experiment A list of settings.
#' @return A list: `classes`, k names; `x` (n, d_in) and `target` (n, k), the training inputs and one-hot targets;
#'   `labels`, their n class numbers; `x_test` and `labels_test`, those of the other rows.
#' @export
experiment_data <- function(experiment) {
  settings <- experiment[["data"]]
  table <- load_iris()
  species <- table[[settings[["label"]]]]
  classes <- class_levels(species, "label")
  labels <- class_numbers(species, classes, "label")
  x <- unname(as.matrix(table[settings[["inputs"]]]))
  train <- sample_per_class(species, settings[["train_per_class"]], RGenerator(settings[["split_seed"]]))
  test <- setdiff(seq_along(species), train)
  list(
    classes = classes,
    x = x[train, , drop = FALSE],
    target = one_hot(labels[train], length(classes)),
    labels = labels[train],
    x_test = x[test, , drop = FALSE],
    labels_test = labels[test]
  )
}
