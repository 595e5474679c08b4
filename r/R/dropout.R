# Dropout and noise: what a layer adds to its values at random while it learns, and not when it predicts.
# Inverted dropout (course: lessons D and E; Srivastava et al. 2014): a share p of the values is set to 0 and the others
# are divided by 1 - p, so that the expected value stays and prediction needs no correction. Lesson D also adds noise to
# hidden values. Nothing is drawn here: the mask or the noise is handed in, so that both languages use the same one.
# Twin: python/twinnet/dropout.py.

#' Inverted dropout, x * (mask / (1 - p)), as PyTorch computes it
#'
#' @param x An array.
#' @param mask An array of the shape of `x`: 1 (or `TRUE`) where the value is kept, 0 (or `FALSE`) where it is dropped.
#' @param p Probability with which the mask drops a value, at least 0 and below 1.
#' @return A list: `out`, an array of the shape of `x`; `cache`, what [dropout_backward()] needs. Stops if `mask` is not
#'   of the shape of `x`, or `p` not a number of at least 0 and below 1.
#' @references Course, lessons D and E; Srivastava et al. (2014).
#' @export
dropout_forward <- function(x, mask, p) {
  check_same_shape(mask, "mask", x, "x")
  scale <- as_dtype(mask, dtype_of(x)) / (1 - check_number(p, "p", minimum = 0, below = 1))
  list(out = x * scale, cache = list(scale = scale))
}

#' Gradient of dropout, d_out * (mask / (1 - p))
#'
#' @param d_out Gradient of the loss with respect to the output: an array.
#' @param cache From [dropout_forward()].
#' @return `d_x`, an array of the shape of `d_out`.
#' @export
dropout_backward <- function(d_out, cache) {
  d_out * cache[["scale"]]
}

#' Noise injected into a layer, x + noise
#'
#' @param x An array.
#' @param noise An array of the shape of `x`.
#' @return A list: `out`, an array of the shape of `x`; `cache`, what [noise_backward()] needs: nothing. Stops if
#'   `noise` is not of the shape of `x`.
#' @references Course, lesson D.
#' @export
noise_forward <- function(x, noise) {
  check_same_shape(noise, "noise", x, "x")
  list(out = x + as_dtype(noise, dtype_of(x)), cache = list())
}

#' Gradient of noise injected into a layer: `d_out`
#'
#' @param d_out Gradient of the loss with respect to the output: an array.
#' @param cache From [noise_forward()].
#' @return `d_x`, `d_out`.
#' @export
noise_backward <- function(d_out, cache) {
  d_out
}
