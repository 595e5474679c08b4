# An experiment: everything that decides a training run, as data that both languages read.
# shared_data/experiments/NAME.json names the data and its split, the model's layers, the loss, whose random numbers and
# which seed, how the weights are drawn, the L2 strength, the optimizer, the batches, and when to stop. Its variants are
# experiments of their own, each with some settings replaced. Twin: python/twinnet/experiment.py.

#' The settings of an experiment, and the generators that are known
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
  "dtype",
  "arithmetic",
  "reg",
  "optimizer",
  "batch_size",
  "shuffle",
  "maxit",
  "abstol",
  "display",
  "evaluate_every",
  "variants"
)

#' @rdname EXPERIMENT_KEYS
#' @export
GENERATORS <- c("r", "numpy", "numpy-legacy", "torch")

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
  known <- sort(EXPERIMENT_KEYS, method = "radix")
  check_argument(identical(keys, known), "experiment", keys, paste("the keys", paste(known, collapse = ", ")))
  check_choice(experiment[["data"]][["name"]], "data", PROBLEMS)
  model_check(experiment[["model"]])
  check_choice(experiment[["loss"]], "loss", LOSSES)
  generator <- check_choice(experiment[["generator"]], "generator", GENERATORS)
  init_check(experiment[["init"]], generator)
  check_whole(experiment[["seed"]], "seed")
  check_choice(experiment[["dtype"]], "dtype", DTYPES)
  check_choice(experiment[["arithmetic"]], "arithmetic", ARITHMETICS)
  check_number(experiment[["reg"]], "reg", minimum = 0)
  check_whole(experiment[["batch_size"]], "batch_size", minimum = 0)
  check_flag(experiment[["shuffle"]], "shuffle")
  check_whole(experiment[["maxit"]], "maxit", minimum = 0)
  check_number(experiment[["abstol"]], "abstol", minimum = 0)
  check_whole(experiment[["display"]], "display", minimum = 0)
  check_whole(experiment[["evaluate_every"]], "evaluate_every", minimum = 0)
  experiment[["optimizer"]] <- optimizer_check(experiment[["optimizer"]])
  experiment
}

#' An experiment with some of its settings replaced
#'
#' @param experiment A list of settings.
#' @param seed Seed of the weights, batches and masks; the split of the data keeps its own.
#' @param hidden Neurons of each hidden layer, for a dense network.
#' @param maxit Steps, at least 0.
#' @param lr Learning rate, above 0.
#' @param reg L2 strength, at least 0.
#' @param generator Whose random numbers, one of [GENERATORS].
#' @param dtype Of all numbers, one of [DTYPES].
#' @param arithmetic How the kernels calculate, one of [ARITHMETICS].
#' @param images How many of the training images to use, for as many epochs as before unless `maxit` or `epochs` is
#'   given.
#' @param epochs How often to go through the training images, in place of `maxit`.
#' @return The changed experiment. Stops with a message that names the setting, its value and what it must be.
#' @export
experiment_override <- function(experiment, seed = NULL, hidden = NULL, maxit = NULL, lr = NULL, reg = NULL,
                                generator = NULL, dtype = NULL, arithmetic = NULL, images = NULL, epochs = NULL) {
  changed <- experiment
  if (!is.null(seed)) {
    changed[["seed"]] <- seed
  }
  if (!is.null(hidden)) {
    changed[["model"]] <- resized_layers(experiment[["model"]], hidden)
  }
  if (!is.null(images) || !is.null(epochs)) {
    changed[c("data", "maxit")] <- resized_training(experiment, images, epochs)
  }
  if (!is.null(maxit)) {
    check_argument(is.null(epochs), "maxit", maxit, "left out where `epochs` is given")
    changed[["maxit"]] <- maxit
  }
  if (!is.null(lr)) {
    changed[["optimizer"]][["lr"]] <- lr
  }
  if (!is.null(reg)) {
    changed[["reg"]] <- reg
  }
  if (!is.null(generator)) {
    changed[["generator"]] <- generator
  }
  if (!is.null(dtype)) {
    changed[["dtype"]] <- dtype
  }
  if (!is.null(arithmetic)) {
    changed[["arithmetic"]] <- arithmetic
  }
  experiment_check(changed)
}

#' The experiments that an experiment's file describes, by name
#'
#' @param experiment A list of settings.
#' @return A named list of experiments: each of its variants, with the settings that the variant names replaced; the
#'   experiment itself, under its own name, if it has none. Stops if a variant is unsound.
#' @export
experiment_variants <- function(experiment) {
  variants <- experiment[["variants"]]
  if (length(variants) == 0) {
    variants <- list(list())
    names(variants) <- experiment[["name"]]
  }
  lapply(variants, function(changes) {
    changed <- experiment
    changed[names(changes)] <- changes
    changed[["variants"]] <- list()
    experiment_check(changed)
  })
}

#' The generator that an experiment names, seeded as it says
#'
#' @param experiment A list of settings.
#' @return A generator.
#' @export
experiment_generator <- function(experiment) {
  seed <- experiment[["seed"]]
  switch(experiment[["generator"]],
    r = RGenerator(seed),
    numpy = NumpyGenerator(seed),
    `numpy-legacy` = NumpyRandomState(seed),
    TorchGenerator(seed)
  )
}

#' The data of an experiment
#'
#' @param experiment A list of settings.
#' @return As [problem_data()] describes it, in the experiment's dtype.
#' @export
experiment_data <- function(experiment) {
  data <- with_arithmetic(experiment[["arithmetic"]], problem_data(experiment[["data"]]))
  for (key in c("x", "target", "x_test", "target_test")) {
    if (!is.raw(data[[key]])) {
      data[[key]] <- as_dtype(data[[key]], experiment[["dtype"]])
    }
  }
  data
}

# A dense network with other hidden layers, and the activation and dropout of its first one.
resized_layers <- function(model, hidden) {
  types <- vapply(model, function(layer) layer[["type"]], "")
  ends <- types[c(1, length(types))]
  is_dense <- all(ends == "affine") && all(types %in% c("affine", "dropout", ACTIVATIONS))
  check_argument(is_dense, "hidden", hidden, "left out: the model is not a dense network with an affine output")
  activation <- c(types[types %in% ACTIVATIONS], "relu")[[1]]
  dropped <- which(types == "dropout")
  dropout <- if (length(dropped) > 0) model[[dropped[[1]]]][["p"]] else 0
  dense_layers(model[[1]][["d_in"]], hidden, model[[length(model)]][["d_out"]], activation, dropout)
}

# The data and the number of steps for other training images, or other times through them.
resized_training <- function(experiment, images, epochs) {
  data <- experiment[["data"]]
  batch_size <- experiment[["batch_size"]]
  name <- if (is.null(images)) "epochs" else "images"
  given <- if (is.null(images)) epochs else images
  has_batches <- !is.null(data[["train"]]) && batch_size > 0
  check_argument(has_batches, name, given, "left out: the experiment has no batches of images")
  if (is.null(epochs)) {
    epochs <- max(1, round(experiment[["maxit"]] * batch_size / data[["train"]]))
  }
  if (!is.null(images)) {
    data[["train"]] <- check_whole(images, "images", minimum = 1)
  }
  steps <- ceiling(data[["train"]] / batch_size)
  list(data = data, maxit = check_whole(epochs, "epochs", minimum = 0) * steps)
}
