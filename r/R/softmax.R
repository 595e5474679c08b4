# Softmax: scores to probabilities, p_ij = exp(x_ij) / sum_k exp(x_ik), and its cross entropy.
# The largest score of each row is subtracted first, so that exp cannot overflow (course: lesson D). The loss is
# taken from the logarithm of the softmax, with no epsilon inside the log: it stays finite for any finite scores.
# Targets are one-hot rows, so nothing here depends on where a language starts to count.
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
