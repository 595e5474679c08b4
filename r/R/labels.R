# Class labels: from labels to class numbers, to one-hot rows, and from scores back to class numbers.
# A class number is an index and so counts from 0 in Python and from 1 in R. Outside this file and the reading of
# tables nothing depends on it. Twin: python/twinnet/labels.py.

#' The classes among labels
#'
#' @param labels A factor, or strings, whole numbers or logicals.
#' @param name What a message calls the labels.
#' @return The classes that occur, at least two: a factor's in the order of its levels, others in ascending order
#'   (strings by code point, whatever the locale).
#' @export
class_levels <- function(labels, name) {
  levels <- if (is.factor(labels)) {
    levels(labels)[levels(labels) %in% labels]
  } else {
    sort(unique(labels), method = "radix")
  }
  check_argument(length(levels) >= 2, name, levels, "a label with more than one class")
  levels
}

#' The number of each label's class
#'
#' @param labels A vector of n labels.
#' @param levels From [class_levels()], k classes.
#' @param name What a message calls the labels.
#' @return A vector of n whole numbers from 1 to k. Stops if a label is not among the classes.
#' @export
class_numbers <- function(labels, levels, name) {
  labels <- if (is.factor(labels)) as.character(labels) else labels
  found <- match(labels, levels)
  if (anyNA(found)) {
    shown <- paste(levels, collapse = ", ")
    unseen <- labels[[which(is.na(found))[[1]]]]
    check_argument(FALSE, name, unseen, sprintf("one of the classes of the training data (%s)", shown))
  }
  found
}

#' One-hot rows of class numbers
#'
#' @param numbers Class numbers from 1 to `n_classes`.
#' @param n_classes The number of classes.
#' @return A matrix (n, n_classes) with 1 in the column of the class and 0 elsewhere. Stops if a number is not a
#'   class's.
#' @export
one_hot <- function(numbers, n_classes) {
  in_range <- all(numbers >= 1 & numbers <= n_classes)
  check_argument(in_range, "numbers", numbers, "class numbers, each one of the n_classes")
  target <- matrix(0, length(numbers), n_classes)
  target[cbind(seq_along(numbers), numbers)] <- 1
  target
}

#' The class with the largest score in each row
#'
#' @param scores Logits or probabilities: a matrix (n, k).
#' @return Class numbers; the first of equals.
#' @export
predicted_classes <- function(scores) {
  max.col(scores, "first")
}
