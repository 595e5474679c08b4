# Softmax: scores to probabilities, p_ij = exp(x_ij) / sum_k exp(x_ik), its logarithm, and its cross entropy.
# The largest score of each row is subtracted first, so that exp cannot overflow (course: lesson D). The loss is
# taken from the logarithm of the softmax, with no epsilon inside the log: it stays finite for any finite scores.
# Targets are one-hot rows, so nothing here depends on where a language starts to count.
# Softmax and its logarithm are also layers of their own (course: lesson B ends in softmax, lesson C in log_softmax);
# the loss on top of them is then one of losses.R: softmax_cross_entropy takes a softmax itself.
# Twin: python/twinnet/softmax.py.

#' Probabilities from scores
#'
#' @param x Scores (logits), one row a sample: a matrix (n, k).
#' @return A matrix (n, k) whose rows sum to 1.
#' @export
softmax <- function(x) {
  e <- array_exp(x - row_maxima(x))
  e / row_sums(e)
}

#' Logarithms of the probabilities, x_ij - log sum_k exp(x_ik), finite also where softmax is 0
#'
#' @param x Scores (logits), one row a sample: a matrix (n, k).
#' @return A matrix (n, k) of numbers that are at most 0.
#' @export
log_softmax <- function(x) {
  z <- x - row_maxima(x)
  z - array_log(row_sums(array_exp(z)))
}

#' Softmax as a layer
#'
#' @param x Scores (logits), one row a sample: a matrix (n, k).
#' @return A list: `out`, a matrix (n, k) whose rows sum to 1; `cache`, what [softmax_backward()] needs.
#' @export
softmax_forward <- function(x) {
  out <- softmax(x)
  list(out = out, cache = list(out = out))
}

#' Gradient of softmax, out_ij * (d_out_ij - sum_k d_out_ik out_ik)
#'
#' @param d_out Gradient of the loss with respect to the output: a matrix (n, k).
#' @param cache From [softmax_forward()].
#' @return `d_x`, a matrix (n, k).
#' @export
softmax_backward <- function(d_out, cache) {
  out <- cache[["out"]]
  out * (d_out - row_sums(d_out * out))
}

#' The logarithm of softmax as a layer
#'
#' @param x Scores (logits), one row a sample: a matrix (n, k).
#' @return A list: `out`, a matrix (n, k) of numbers that are at most 0; `cache`, what [log_softmax_backward()] needs.
#' @export
log_softmax_forward <- function(x) {
  out <- log_softmax(x)
  list(out = out, cache = list(out = out))
}

#' Gradient of the logarithm of softmax, d_out_ij - p_ij sum_k d_out_ik with p = exp(out)
#'
#' @param d_out Gradient of the loss with respect to the output: a matrix (n, k).
#' @param cache From [log_softmax_forward()].
#' @return `d_x`, a matrix (n, k).
#' @export
log_softmax_backward <- function(d_out, cache) {
  d_out - array_exp(cache[["out"]]) * row_sums(d_out)
}

#' Mean cross entropy of softmax(x) against one-hot targets
#'
#' @param x Scores (logits), one row a sample: a matrix (n, k).
#' @param target One-hot rows: a matrix (n, k).
#' @return A list: `loss`, the number -1/n sum_ij target_ij log p_ij; `cache`, what
#'   [softmax_cross_entropy_backward()] needs.
#' @export
softmax_cross_entropy_forward <- function(x, target) {
  z <- x - row_maxima(x)
  e <- array_exp(z)
  s <- row_sums(e)
  log_p <- z - array_log(s)
  loss <- -sum_of_products(target, log_p) / nrow(x)
  list(loss = loss, cache = list(p = e / s, target = target))
}

#' Gradient of the mean cross entropy with respect to the scores, (p - target) / n
#'
#' @param cache From [softmax_cross_entropy_forward()].
#' @return `d_x`, a matrix (n, k).
#' @export
softmax_cross_entropy_backward <- function(cache) {
  p <- cache[["p"]]
  target <- cache[["target"]]
  (p - target) / nrow(p)
}
