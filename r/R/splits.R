# How scikit-learn splits rows into train and test, as row numbers: `train_test_split`, `shuffle`, `KFold`.
# All draw from NumPy's RandomState. Sources, all of scikit-learn 1.9.1: sklearn/model_selection/_split.py
# (`ShuffleSplit`, `StratifiedShuffleSplit`, `KFold`, `_validate_shuffle_split`), sklearn/utils/_indexing.py
# (`shuffle`) and sklearn/utils/extmath.py (`_approximate_mode`).
# Rows are numbered from 1 here and from 0 in the twin, python/twinnet/splits.py, in which scikit-learn itself draws.

#' Rows for training and for testing, as `sklearn.model_selection.train_test_split` chooses them
#'
#' @param n How many rows there are.
#' @param test_size,train_size Fractions of the rows, between 0 and 1, or how many, from 1 to `n - 1`. Without
#'   `train_size`, what is not for testing is for training, and vice versa; without either, a quarter is for testing.
#' @param random_state A seed, as [NumpyRandomState()] takes it, or a generator that it has made, from which then the
#'   draws are taken. Not needed without `shuffle`.
#' @param shuffle Whether the rows are shuffled. If not, the first ones are for training.
#' @param stratify `NULL`, or the rows' classes (a vector or factor of length `n`), to be as frequent in both parts
#'   as in all rows. A factor stands for its labels.
#' @return A list of row numbers, counted from 1: `train` and `test`.
#' @source scikit-learn 1.9.1, `sklearn/model_selection/_split.py`.
#' @examples
#' rows <- train_test_split_indices(150, test_size = 0.2, random_state = 0, stratify = iris$Species)
#' table(iris$Species[rows$test])
#' @export
train_test_split_indices <- function(n, test_size = NULL, train_size = NULL, random_state = NULL, shuffle = TRUE,
                                     stratify = NULL) {
  n <- check_whole(n, "n", 0)
  sizes <- split_sizes(n, test_size, train_size)
  if (!check_flag(shuffle, "shuffle")) {
    check_argument(is.null(stratify), "stratify", stratify, "nothing without `shuffle`")
    return(rows_from_zero(seq_len(sizes[["train"]]) - 1, sizes[["train"]] + seq_len(sizes[["test"]]) - 1))
  }
  if (!is.null(stratify)) {
    classes <- check_classes(stratify, n, sizes)
    return(stratified_rows(classes, sizes, random_state_generator(random_state)))
  }
  order <- random_state_generator(random_state)$permutation(n)
  rows_from_zero(order[sizes[["test"]] + seq_len(sizes[["train"]])], order[seq_len(sizes[["test"]])])
}

#' Rows in random order, as `sklearn.utils.shuffle` puts them
#'
#' @inheritParams train_test_split_indices
#' @return Row numbers, counted from 1.
#' @source scikit-learn 1.9.1, `sklearn/utils/_indexing.py`.
#' @examples
#' shuffle_indices(5, random_state = 0)
#' @export
shuffle_indices <- function(n, random_state) {
  as.integer(random_state_generator(random_state)$permutation(check_whole(n, "n", 0)) + 1)
}

#' Rows for training and for testing in each fold, as `sklearn.model_selection.KFold` chooses them
#'
#' @inheritParams train_test_split_indices
#' @param n_splits How many folds, from 2 to `n`.
#' @param shuffle Whether the rows are shuffled before they are divided.
#' @param random_state A seed or generator, with `shuffle` only.
#' @return A list of the folds, each a list of row numbers, counted from 1 and ascending: `train` and `test`.
#' @source scikit-learn 1.9.1, `sklearn/model_selection/_split.py`.
#' @examples
#' kfold_indices(7, n_splits = 3, shuffle = TRUE, random_state = 0)
#' @export
kfold_indices <- function(n, n_splits = 5, shuffle = FALSE, random_state = NULL) {
  n <- check_whole(n, "n", 0)
  n_splits <- check_whole(n_splits, "n_splits", 2)
  check_argument(n_splits <= n, "n_splits", n_splits, sprintf("at most `n`, %.15g", n))
  if (check_flag(shuffle, "shuffle")) {
    rows <- shuffle_indices(n, random_state)
  } else {
    check_argument(is.null(random_state), "random_state", random_state, "nothing without `shuffle`")
    rows <- seq_len(n)
  }
  sizes <- n %/% n_splits + (seq_len(n_splits) <= n %% n_splits)
  folds <- unname(split(rows, rep(seq_len(n_splits), sizes)))
  lapply(folds, function(fold) list(train = setdiff(seq_len(n), fold), test = sort(fold)))
}

# The generator that a seed stands for, or the generator itself.
random_state_generator <- function(random_state) {
  check_argument(!is.null(random_state), "random_state", random_state, "a seed or a NumpyRandomState")
  if (inherits(random_state, "NumpyRandomState")) random_state else NumpyRandomState(random_state)
}

# How many rows are for training and how many for testing.
split_sizes <- function(n, test_size, train_size) {
  if (is.null(train_size)) {
    test <- split_size(n, if (is.null(test_size)) 0.25 else test_size, "test_size", ceiling)
    train <- n - test
  } else if (is.null(test_size)) {
    train <- split_size(n, train_size, "train_size", floor)
    test <- n - train
  } else {
    test <- split_size(n, test_size, "test_size", ceiling)
    train <- split_size(n, train_size, "train_size", floor)
    fractions <- test_size < 1 && train_size < 1
    fits <- train + test <= n && !(fractions && train_size + test_size > 1)
    check_argument(fits, "train_size", train_size, "no more than what `test_size` leaves")
  }
  check_argument(train > 0 && test > 0, "n", n, "so many that both parts have rows")
  c(train = train, test = test)
}

# A size as a number of rows; a fraction of the rows is rounded.
split_size <- function(n, size, name, rounded) {
  must_be <- sprintf("between 0 and 1, or a whole number from 1 to %.15g", n - 1)
  is_number <- is.numeric(size) && length(size) == 1 && is.finite(size)
  check_argument(is_number && size > 0 && (size < 1 || (size == floor(size) && size < n)), name, size, must_be)
  if (size < 1) rounded(size * n) else size
}

# The number of each row's class, from 1, in the classes' order.
check_classes <- function(stratify, n, sizes) {
  labels <- if (is.factor(stratify)) as.character(stratify) else stratify
  is_vector <- is.atomic(labels) && is.null(dim(labels)) && length(labels) == n
  check_argument(is_vector, "stratify", stratify, sprintf("a vector of `n`, %.15g, classes", n))
  classes <- sort(unique(labels), method = "radix") # text by code points, as in NumPy
  numbers <- match(labels, classes)
  counts <- tabulate(numbers, length(classes))
  check_argument(all(counts >= 2), "stratify", stratify, "classes of at least 2 rows each")
  for (part in names(sizes)) {
    must_be <- sprintf("at most as many classes as rows for %sing, %.15g", part, sizes[[part]])
    check_argument(length(classes) <= sizes[[part]], "stratify", stratify, must_be)
  }
  numbers
}

# Rows that keep the classes' shares: so many of each class, drawn class by class, then both parts shuffled.
stratified_rows <- function(classes, sizes, generator) {
  counts <- tabulate(classes)
  for_train <- proportional_counts(counts, sizes[["train"]], generator)
  for_test <- proportional_counts(counts - for_train, sizes[["test"]], generator)
  train <- numeric(0)
  test <- numeric(0)
  for (class in seq_along(counts)) {
    rows <- which(classes == class)[generator$permutation(counts[[class]]) + 1] - 1
    train <- c(train, rows[seq_len(for_train[[class]])])
    test <- c(test, rows[for_train[[class]] + seq_len(for_test[[class]])])
  }
  train <- train[generator$permutation(length(train)) + 1]
  test <- test[generator$permutation(length(test)) + 1]
  rows_from_zero(train, test)
}

# n rows distributed over classes of these sizes in proportion. Shares are rounded down; what is then missing goes to
# the largest remainders, among equal ones by lot.
proportional_counts <- function(counts, n, generator) {
  shares <- counts / sum(counts) * n
  whole <- floor(shares)
  missing <- n - sum(whole)
  remainders <- shares - whole
  for (remainder in sort(unique(remainders), decreasing = TRUE)) {
    if (missing > 0) {
      equal <- which(remainders == remainder)
      chosen <- equal[generator$permutation(length(equal)) + 1]
      chosen <- chosen[seq_len(min(missing, length(equal)))]
      whole[chosen] <- whole[chosen] + 1
      missing <- missing - length(chosen)
    }
  }
  whole
}

rows_from_zero <- function(train, test) {
  list(train = as.integer(train + 1), test = as.integer(test + 1))
}
