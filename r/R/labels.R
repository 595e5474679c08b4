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
  place_classes(1, numbers, n_classes)
}

#' The element of each row in the column of its class
#'
#' The sum of each row of `x * one_hot(numbers)`, without the sums.
#'
#' @param x A matrix (n, n_classes).
#' @param numbers Class numbers from 1 to `n_classes`, one a row.
#' @return A vector of n. Stops if a number is not a class's, or there is not one for each row.
#' @export
take_classes <- function(x, numbers) {
  check_numbers(numbers, ncol(x))
  must_be <- "class numbers, one for each of the %d rows"
  check_argument(length(numbers) == nrow(x), "numbers", numbers, sprintf(must_be, nrow(x)))
  x[cbind(seq_along(numbers), numbers)]
}

#' Rows with a value in the column of the class and 0 elsewhere: the gradient of [take_classes()]
#'
#' @param values A number, or a vector of n.
#' @param numbers Class numbers from 1 to `n_classes`, one a row.
#' @param n_classes The number of classes.
#' @return A matrix (n, n_classes). Stops if a number is not a class's.
#' @export
place_classes <- function(values, numbers, n_classes) {
  check_numbers(numbers, n_classes)
  placed <- as_dtype(matrix(0, length(numbers), n_classes), dtype_of(values))
  placed[cbind(seq_along(numbers), numbers)] <- values
  placed
}

#' The class with the largest score in each row
#'
#' @param scores Logits or probabilities: a matrix (n, k).
#' @return Class numbers; the first of equals.
#' @export
predicted_classes <- function(scores) {
  max.col(scores, "first")
}

# Stop unless each class number is a class's.
check_numbers <- function(numbers, n_classes) {
  in_range <- numbers >= 1 & numbers <= n_classes & numbers == floor(numbers)
  check_argument(isTRUE(all(in_range)), "numbers", numbers, "class numbers, each one of the n_classes")
}
