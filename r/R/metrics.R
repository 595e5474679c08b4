# Metrics: how well predicted classes fit the true ones.
# Twin: python/twinnet/metrics.py.

#' Share of samples whose predicted class is the true one
#'
#' @param true,predicted Class numbers, vectors of n.
#' @return A number between 0 and 1.
#' @export
accuracy <- function(true, predicted) {
  sum(true == predicted) / length(true)
}

#' Counts of each pair of true and predicted class
#'
#' @param true,predicted Class numbers, vectors of n.
#' @param n_classes The number of classes.
#' @return A matrix (n_classes, n_classes) of counts: rows are true classes, columns predicted ones.
#' @export
confusion_table <- function(true, predicted, n_classes) {
  counts <- tabulate((predicted - 1) * n_classes + true, nbins = n_classes * n_classes)
  matrix(counts, n_classes, n_classes)
}
