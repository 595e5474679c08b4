# Losses: from a model's output and the targets to one number, and its gradient with respect to the output.
# Conventions. A batch is a matrix, one row a sample. Losses are means. The squared error and the losses over classes
# are sums over the outputs of a sample, and means over the samples; the binary ones are means over all elements, as
# PyTorch's BCELoss and BCEWithLogitsLoss are (with one output both say the same). Losses over classes take one-hot
# rows (or any weights of the classes), where a class of weight 0 counts for nothing, not even if its probability is 0;
# those named labels take class numbers. A NaN passes through to the loss, so that training sees that it diverged.
# Where the output is a softmax's or a sigmoid's, softmax_cross_entropy (in softmax.R) and sigmoid_binary_cross_entropy
# take the scores before it instead and cannot overflow: they are to be preferred. Course: lesson A (regression), B and
# C (classification), D (all of them). Twin: python/twinnet/losses.py.

#' Half the mean over the samples of the squared error, 1/(2n) sum_ij (x_ij - target_ij)^2
#'
#' PyTorch's MSELoss divides by the number of outputs too and does not halve.
#'
#' @param x Predictions, one row a sample: a matrix (n, k).
#' @param target What they should be: a matrix (n, k).
#' @return A list: `loss`, a number; `cache`, what [half_mean_squared_error_backward()] needs. Stops if `x` is not a
#'   matrix or `target` not of its shape.
#' @references Course, lessons A (regression) and D.
#' @export
half_mean_squared_error_forward <- function(x, target) {
  check_batch(x, "x", target)
  error <- x - target
  loss <- sum_of_products(error, error) / (2 * nrow(x))
  list(loss = loss, cache = list(error = error))
}

#' Gradient of half the mean squared error with respect to the predictions, (x - target) / n
#'
#' @param cache From [half_mean_squared_error_forward()].
#' @return `d_x`, a matrix (n, k).
#' @export
half_mean_squared_error_backward <- function(cache) {
  error <- cache[["error"]]
  error / nrow(error)
}

#' Mean binary cross entropy, -mean(target log p + (1 - target) log(1 - p))
#'
#' The logarithms are at least -100, as in PyTorch's BCELoss, so that the loss stays finite.
#'
#' @param p Probabilities, one row a sample: a matrix (n, k).
#' @param target 0 or 1, or a probability: a matrix (n, k).
#' @return A list: `loss`, a number; `cache`, what [binary_cross_entropy_backward()] needs. Stops if `p` is not a matrix
#'   of numbers from 0 to 1, or `target` not of its shape.
#' @references Course, lesson D; PyTorch, BCELoss.
#' @export
binary_cross_entropy_forward <- function(p, target) {
  check_batch(p, "p", target)
  check_probabilities(p)
  log_p <- pmax.int(array_log(p), -100)
  log_q <- pmax.int(array_log1p(-p), -100)
  loss <- -array_sum(target * log_p + (1 - target) * log_q) / length(p)
  list(loss = loss, cache = list(p = p, target = target))
}

#' Gradient of the mean binary cross entropy, (p - target) / (p (1 - p)), divided by the number of elements
#'
#' The product below the line is at least 1e-12 (in PyTorch's BCELoss, as here, the float32 next to it), so that the
#' gradient stays finite.
#'
#' @param cache From [binary_cross_entropy_forward()].
#' @return `d_p`, a matrix (n, k).
#' @export
binary_cross_entropy_backward <- function(cache) {
  p <- cache[["p"]]
  target <- cache[["target"]]
  variance <- pmax.int(p * (1 - p), 9.999999960041972e-13)
  (p - target) / (variance * length(p))
}

#' Mean binary cross entropy of sigmoid(x), mean(max(x, 0) - x target + log(1 + exp(-|x|)))
#'
#' No exponential in this form can overflow; PyTorch's BCEWithLogitsLoss is the same.
#'
#' @param x Scores (logits), one row a sample: a matrix (n, k).
#' @param target 0 or 1, or a probability: a matrix (n, k).
#' @return A list: `loss`, a number; `cache`, what [sigmoid_binary_cross_entropy_backward()] needs. Stops if `x` is not
#'   a matrix or `target` not of its shape.
#' @references Course, lesson D; PyTorch, BCEWithLogitsLoss.
#' @export
sigmoid_binary_cross_entropy_forward <- function(x, target) {
  check_batch(x, "x", target)
  losses <- pmax.int(0, x) - x * target + array_log1p(array_exp(-abs(x)))
  list(loss = array_sum(losses) / length(x), cache = list(x = x, target = target))
}

#' Gradient of the loss with respect to the scores, (sigmoid(x) - target) divided by the number of elements
#'
#' @param cache From [sigmoid_binary_cross_entropy_forward()].
#' @return `d_x`, a matrix (n, k).
#' @export
sigmoid_binary_cross_entropy_backward <- function(cache) {
  x <- cache[["x"]]
  target <- cache[["target"]]
  p <- sigmoid_forward(x)[["out"]]
  (p - target) / length(x)
}

#' Mean cross entropy of probabilities against one-hot targets, -1/n sum_ij target_ij log p_ij
#'
#' There is no epsilon: where the true class has probability 0 the loss is infinite.
#'
#' @param p Probabilities, one row a sample: a matrix (n, k).
#' @param target One-hot rows: a matrix (n, k).
#' @return A list: `loss`, a number; `cache`, what [cross_entropy_backward()] needs. Stops if `p` is not a matrix of
#'   numbers from 0 to 1, or `target` not of its shape.
#' @references Course, lesson D.
#' @export
cross_entropy_forward <- function(p, target) {
  check_batch(p, "p", target)
  check_probabilities(p)
  p[target == 0] <- 1 # whose logarithm is 0 where it does not count
  loss <- -sum_of_products(target, array_log(p)) / nrow(p)
  list(loss = loss, cache = list(p = p, target = target))
}

#' Gradient of the mean cross entropy with respect to the probabilities, -target / (n p)
#'
#' @param cache From [cross_entropy_forward()].
#' @return `d_p`, a matrix (n, k).
#' @export
cross_entropy_backward <- function(cache) {
  p <- cache[["p"]]
  target <- cache[["target"]]
  -target / (nrow(p) * p)
}

#' Mean cross entropy of probabilities against class numbers, -1/n sum_i log p_i,numbers_i
#'
#' @param p Probabilities, one row a sample: a matrix (n, k).
#' @param numbers Class numbers, as [one_hot()] counts them: a vector of n.
#' @return A list: `loss`, a number; `cache`, what [cross_entropy_labels_backward()] needs. Stops if `p` is not a matrix
#'   of numbers from 0 to 1, or `numbers` not one class number a row.
#' @references Course, lesson D.
#' @export
cross_entropy_labels_forward <- function(p, numbers) {
  check_probabilities(p)
  taken <- take_classes(p, numbers)
  loss <- -array_sum(array_log(taken)) / length(taken)
  list(loss = loss, cache = list(p = taken, numbers = numbers, n_classes = ncol(p)))
}

#' Gradient of the mean cross entropy, -1 / (n p) for the true classes and 0 for the others
#'
#' @param cache From [cross_entropy_labels_forward()].
#' @return `d_p`, a matrix (n, k).
#' @export
cross_entropy_labels_backward <- function(cache) {
  p <- cache[["p"]]
  place_classes(-1 / (length(p) * p), cache[["numbers"]], cache[["n_classes"]])
}

#' Mean cross entropy with the notes' 1e-7 inside the logarithm, -1/n sum_ij target_ij log(p_ij + 1e-7)
#'
#' It stays finite where the true class has probability 0, and is below 0 where it has 1.
#'
#' @param p Probabilities, one row a sample: a matrix (n, k).
#' @param target One-hot rows: a matrix (n, k).
#' @return A list: `loss`, a number; `cache`, what [cross_entropy_1e7_backward()] needs. Stops if `p` is not a matrix of
#'   numbers from 0 to 1, or `target` not of its shape.
#' @references Course, lesson D.
#' @export
cross_entropy_1e7_forward <- function(p, target) {
  check_batch(p, "p", target)
  check_probabilities(p)
  p <- p + 1e-7
  loss <- -sum_of_products(target, array_log(p)) / nrow(p)
  list(loss = loss, cache = list(p = p, target = target))
}

#' Gradient of the notes' cross entropy with respect to the probabilities, -target / (n (p + 1e-7))
#'
#' @param cache From [cross_entropy_1e7_forward()].
#' @return `d_p`, a matrix (n, k).
#' @export
cross_entropy_1e7_backward <- function(cache) {
  p <- cache[["p"]]
  target <- cache[["target"]]
  -target / (nrow(p) * p)
}

#' The notes' mean cross entropy against class numbers, -1/n sum_i log(p_i,numbers_i + 1e-7)
#'
#' @param p Probabilities, one row a sample: a matrix (n, k).
#' @param numbers Class numbers, as [one_hot()] counts them: a vector of n.
#' @return A list: `loss`, a number; `cache`, what [cross_entropy_1e7_labels_backward()] needs. Stops if `p` is not a
#'   matrix of numbers from 0 to 1, or `numbers` not one class number a row.
#' @references Course, lesson D.
#' @export
cross_entropy_1e7_labels_forward <- function(p, numbers) {
  check_probabilities(p)
  taken <- take_classes(p, numbers) + 1e-7
  loss <- -array_sum(array_log(taken)) / length(taken)
  list(loss = loss, cache = list(p = taken, numbers = numbers, n_classes = ncol(p)))
}

#' Gradient of the notes' cross entropy, -1 / (n (p + 1e-7)) for the true classes and 0 for the others
#'
#' @param cache From [cross_entropy_1e7_labels_forward()].
#' @return `d_p`, a matrix (n, k).
#' @export
cross_entropy_1e7_labels_backward <- function(cache) {
  p <- cache[["p"]]
  place_classes(-1 / (length(p) * p), cache[["numbers"]], cache[["n_classes"]])
}

#' Mean negative log likelihood, -1/n sum_ij target_ij log_p_ij
#'
#' @param log_p Logarithms of probabilities, one row a sample: a matrix (n, k), the output of [log_softmax()]. Any
#'   number is taken, as by PyTorch.
#' @param target One-hot rows: a matrix (n, k).
#' @return A list: `loss`, a number; `cache`, what [nll_backward()] needs. Stops if `log_p` is not a matrix or `target`
#'   not of its shape.
#' @references Course, lesson C; PyTorch, NLLLoss.
#' @export
nll_forward <- function(log_p, target) {
  check_batch(log_p, "log_p", target)
  log_p[target == 0] <- 0 # -Inf does not count there
  loss <- -sum_of_products(target, log_p) / nrow(log_p)
  list(loss = loss, cache = list(target = target))
}

#' Gradient of the mean negative log likelihood with respect to the logarithms, -target / n
#'
#' @param cache From [nll_forward()].
#' @return `d_log_p`, a matrix (n, k).
#' @export
nll_backward <- function(cache) {
  target <- cache[["target"]]
  -target / nrow(target)
}

# Stop unless x is a matrix and the target is of its shape.
check_batch <- function(x, name, target) {
  check_argument(length(dim(x)) == 2, name, x, "a matrix, one row a sample")
  check_same_shape(target, "target", x, name)
}

# Stop unless p is a matrix of numbers from 0 to 1, NaN apart.
check_probabilities <- function(p) {
  check_argument(length(dim(p)) == 2, "p", p, "a matrix, one row a sample")
  lowest <- min(p)
  highest <- max(p)
  outside <- isTRUE(lowest < 0 || highest > 1)
  check_argument(!outside, "p", if (isTRUE(lowest < 0)) lowest else highest, "probabilities, from 0 to 1")
}
