# What a model is trained for: its loss by name, and what its outputs then mean.
#
# loss                          the model's outputs  targets              score on test data
# softmax_cross_entropy         k logits             one-hot rows         accuracy
# cross_entropy                 k probabilities      one-hot rows         accuracy
# nll                           k log-probabilities  one-hot rows         accuracy
# sigmoid_binary_cross_entropy  1 logit              a column of 0 and 1  accuracy
# half_mean_squared_error       any numbers          numbers              the loss itself
#
# Twin: python/twinnet/objectives.py.

#' The losses that are known
#' @export
LOSSES <- c(
  "softmax_cross_entropy",
  "cross_entropy",
  "nll",
  "sigmoid_binary_cross_entropy",
  "half_mean_squared_error"
)

#' Loss of a model's outputs
#'
#' @param loss One of [LOSSES].
#' @param out The model's outputs: a matrix (n, k).
#' @param target What they should have been: a matrix (n, k).
#' @return A list: `loss`, a mean over the rows; `cache`, what [loss_backward()] needs.
#' @export
loss_forward <- function(loss, out, target) {
  switch(loss,
    softmax_cross_entropy = softmax_cross_entropy_forward(out, target),
    cross_entropy = cross_entropy_forward(out, target),
    nll = nll_forward(out, target),
    sigmoid_binary_cross_entropy = sigmoid_binary_cross_entropy_forward(out, target),
    half_mean_squared_error = half_mean_squared_error_forward(out, target)
  )
}

#' Gradient of the loss with respect to the model's outputs
#'
#' @param loss One of [LOSSES].
#' @param cache From [loss_forward()].
#' @return `d_out`, a matrix (n, k).
#' @export
loss_backward <- function(loss, cache) {
  switch(loss,
    softmax_cross_entropy = softmax_cross_entropy_backward(cache),
    cross_entropy = cross_entropy_backward(cache),
    nll = nll_backward(cache),
    sigmoid_binary_cross_entropy = sigmoid_binary_cross_entropy_backward(cache),
    half_mean_squared_error = half_mean_squared_error_backward(cache)
  )
}

#' Scores whose largest is the predicted class
#'
#' @param loss One of [LOSSES], of a classification.
#' @param out The model's outputs: a matrix (n, k).
#' @return A matrix (n, max(k, 2)): the outputs, or for a single logit 0 against it.
#' @export
class_scores <- function(loss, out) {
  if (loss == "sigmoid_binary_cross_entropy") cbind(0, out) else out
}

#' Probabilities of the classes
#'
#' @param loss One of [LOSSES], of a classification.
#' @param out The model's outputs: a matrix (n, k).
#' @return A matrix (n, max(k, 2)).
#' @export
output_probabilities <- function(loss, out) {
  switch(loss,
    softmax_cross_entropy = softmax(out),
    cross_entropy = out,
    nll = array_exp(out),
    {
      p <- sigmoid_forward(out)[["out"]]
      cbind(1 - p, p)
    }
  )
}

#' How good a model's outputs for the test rows are
#'
#' @param loss One of [LOSSES].
#' @param out The model's outputs: a matrix (m, k).
#' @param data A list: `labels_test` (m) of a classification, `target_test` (m, k) of a regression.
#' @return The accuracy, or for a regression the loss.
#' @export
score_outputs <- function(loss, out, data) {
  if (loss == "half_mean_squared_error") {
    loss_forward(loss, out, data[["target_test"]])[["loss"]]
  } else {
    accuracy(data[["labels_test"]], predicted_classes(class_scores(loss, out)))
  }
}
