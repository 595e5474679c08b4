# The problems that experiments solve: data read or drawn, split into training and test rows, ready for a model.
# Every problem comes as inputs x (n, d) and targets (n, k), and the same for the test rows; a classification also has
# its classes and the class numbers of the rows. Pixels stay bytes until a batch is used: batch_inputs().
# Twin: python/twinnet/problems.py.

#' The problems that are known
#' @export
PROBLEMS <- c("fashion_mnist", "iris", "mnist", "plane", "xor")

#' The data of a problem
#'
#' @param settings A list: `name`, one of [PROBLEMS], and what that problem's function says.
#' @return A list: `classes`, k of them, NULL for a regression; `x` (n, d), `target` (n, k) and, for a classification,
#'   `labels`, n class numbers; `x_test`, `target_test`, `labels_test`, those of the test rows. Stops with a message
#'   that names the setting, its value and what it must be.
#' @export
problem_data <- function(settings) {
  switch(check_choice(settings[["name"]], "data", PROBLEMS),
    fashion_mnist = problem_fashion_mnist(settings),
    iris = problem_iris(settings),
    mnist = problem_mnist(settings),
    plane = problem_plane(settings),
    problem_xor(settings)
  )
}

#' Fashion-MNIST: the kind of clothes from 28 x 28 pixels
#'
#' @param settings A list: `train` and `test`, how many of the 60000 training and 10000 test images to use: the first
#'   ones. Within 2000 and 500 those in `shared_data` are enough.
#' @return As [problem_mnist()].
#' @references Xiao, Rasul and Vollgraf (2017).
#' @export
problem_fashion_mnist <- function(settings) {
  n <- check_whole(settings[["train"]], "train", minimum = 1, maximum = 60000)
  m <- check_whole(settings[["test"]], "test", minimum = 1, maximum = 10000)
  image_problem(load_fashion_mnist(n, m), FASHION_MNIST_CLASSES, n, m)
}

#' Iris: the species, or a measurement, from other measurements
#'
#' @param settings A list: `inputs`, names of the input columns; `label`, the column to predict: `"Species"` or, for a
#'   regression, a measurement; `classes`, the species to keep, in their order: two of them are told apart by a single
#'   logit; `train_per_class` rows of each species to train on, drawn by R's generator from `split_seed`; `standardise`,
#'   whether to standardise the inputs by the training rows' means and standard deviations.
#' @return As [problem_data()].
#' @export
problem_iris <- function(settings) {
  table <- load_iris()
  columns <- table[table[["Species"]] %in% settings[["classes"]], ]
  species <- columns[["Species"]]
  train <- sample_per_class(species, settings[["train_per_class"]], RGenerator(settings[["split_seed"]]))
  test <- setdiff(seq_along(species), train)
  x <- unname(as.matrix(columns[settings[["inputs"]]]))
  if (settings[["standardise"]]) {
    x <- standardise(x, standardise_fit(x[train, , drop = FALSE]))
  }
  if (settings[["label"]] != "Species") {
    y <- matrix(columns[[settings[["label"]]]])
    return(split_rows(x, y, NULL, NULL, train, test))
  }
  classes <- class_levels(species, "label")
  labels <- class_numbers(species, classes, "label")
  split_rows(x, class_targets(labels, length(classes)), labels, classes, train, test)
}

#' MNIST: the digit from 28 x 28 pixels
#'
#' @param settings A list: `train` and `test`, how many of the 60000 training and 10000 test images to use: the first
#'   ones.
#' @return As [problem_data()]; `x` and `x_test` are bytes, a matrix (784, n) of one column an image: R's memory runs
#'   down columns, and a batch of images that lie together is ten times as fast to take as one that is scattered.
#' @references LeCun, Cortes and Burges (1998).
#' @export
problem_mnist <- function(settings) {
  n <- check_whole(settings[["train"]], "train", minimum = 1, maximum = 60000)
  m <- check_whole(settings[["test"]], "test", minimum = 1, maximum = 10000)
  image_problem(load_mnist(), 0:9, n, m)
}

#' A regression for the notes' test network of 2 inputs and 1 output
#'
#' `y = x1 * x2` on \[-1, 1\] x \[-1, 1\].
#'
#' @param settings A list: `train` and `test`, how many rows; `split_seed`, the seed of R's generator, which draws them.
#' @return As [problem_data()].
#' @export
problem_plane <- function(settings) {
  n <- check_whole(settings[["train"]], "train", minimum = 1)
  m <- check_whole(settings[["test"]], "test", minimum = 1)
  drawn <- RGenerator(settings[["split_seed"]])$runif(2 * (n + m), -1, 1)
  x <- fill_by_column(drawn, c(n + m, 2))
  rows <- seq_len(n + m)
  split_rows(x, x[, 1, drop = FALSE] * x[, 2, drop = FALSE], NULL, NULL, rows[seq_len(n)], rows[n + seq_len(m)])
}

#' Exclusive or: four rows, which are both the training and the test rows
#'
#' @param settings A list: nothing but the name.
#' @return As [problem_data()].
#' @references Course, lesson B.
#' @export
problem_xor <- function(settings) {
  x <- fill_by_column(c(0, 0, 1, 1, 0, 1, 0, 1), c(4, 2))
  classes <- c("0", "1")
  labels <- class_numbers(c("0", "1", "1", "0"), classes, "labels")
  rows <- 1:4
  split_rows(x, class_targets(labels, 2), labels, classes, rows, rows)
}

# The first `n` training and `m` test images of a data set whose labels, from 0, are of ten classes.
image_problem <- function(images, classes, n, m) {
  labels <- class_numbers(images[["labels_train"]][seq_len(n)], 0:9, "labels")
  labels_test <- class_numbers(images[["labels_test"]][seq_len(m)], 0:9, "labels")
  list(
    classes = classes,
    x = bytes_by_image(images[["x_train"]][seq_len(n), , , drop = FALSE]),
    target = one_hot(labels, 10),
    labels = labels,
    x_test = bytes_by_image(images[["x_test"]][seq_len(m), , , drop = FALSE]),
    target_test = one_hot(labels_test, 10),
    labels_test = labels_test
  )
}

# Images (n, h, w) as a matrix (h * w, n): the pixels of an image in one column, those of its first row first.
bytes_by_image <- function(x) {
  fill_by_column(aperm(x, c(3, 2, 1)), c(prod(dim(x)[-1]), nrow(x)))
}

# One-hot rows; for two classes one column, 1 for the second class.
class_targets <- function(labels, n_classes) {
  target <- one_hot(labels, n_classes)
  if (n_classes == 2) target[, 2, drop = FALSE] else target
}

# The training and the test rows of a problem, as problem_data() describes them.
split_rows <- function(x, target, labels, classes, train, test) {
  list(
    classes = classes,
    x = x[train, , drop = FALSE],
    target = target[train, , drop = FALSE],
    labels = labels[train],
    x_test = x[test, , drop = FALSE],
    target_test = target[test, , drop = FALSE],
    labels_test = labels[test]
  )
}

#' The inputs of a batch
#'
#' @param x A matrix (n, d), or bytes as [problem_mnist()] keeps them.
#' @param rows Row numbers from 1; NULL for all.
#' @param dtype The dtype that pixels get; other numbers have theirs.
#' @return A matrix (b, d): pixels as numbers from 0 to 1, row by row.
#' @export
batch_inputs <- function(x, rows, dtype = "float64") {
  if (is.raw(x)) {
    as_dtype(scale_pixels(t(if (is.null(rows)) x else x[, rows, drop = FALSE])), dtype)
  } else if (is.null(rows)) {
    x
  } else {
    x[rows, , drop = FALSE]
  }
}
