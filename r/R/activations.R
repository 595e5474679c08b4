# Activations: functions applied to each element between the affine layers, forward and backward.
# Course: step, sigmoid, ReLU and identity from lesson D (ReLU also A and B, sigmoid also A's regression); tanh and
# leaky ReLU are what a reader tries next. Conventions: the derivative of ReLU at 0 is 0, as in the course's R
# (dhidden[hidden <= 0] <- 0) and in PyTorch; that of leaky ReLU at 0 is the slope, as in PyTorch; step(0) is 0, and
# the derivative of step is 0 everywhere, so nothing is learned through it. Twin: python/twinnet/activations.py.

#' Step function, 1 where x > 0, otherwise 0
#'
#' @param x An array.
#' @return A list: `out`, an array of the shape of `x`; `cache`, what [step_backward()] needs: nothing.
#' @references Course, lesson D; McCulloch and Pitts (1943).
#' @export
step_forward <- function(x) {
  out <- pmax.int(0, sign(x))
  attributes(out) <- attributes(x)
  list(out = out, cache = list())
}

#' Gradient of the step function: 0 everywhere
#'
#' @param d_out Gradient of the loss with respect to the output: an array.
#' @param cache From [step_forward()].
#' @return `d_x`, an array of the shape of `d_out`.
#' @export
step_backward <- function(d_out, cache) {
  d_x <- numeric(length(d_out))
  attributes(d_x) <- attributes(d_out)
  d_x
}

#' Logistic sigmoid, 1 / (1 + exp(-x))
#'
#' It is sound for any x: where exp(-x) is beyond all numbers (x < -709) the result is 0, which is off by less than
#' 1e-307; where it vanishes (x > 37), 1.
#'
#' @param x An array.
#' @return A list: `out`, an array of the shape of `x`; `cache`, what [sigmoid_backward()] needs.
#' @references Course, lessons A and D.
#' @export
sigmoid_forward <- function(x) {
  out <- 1 / (1 + array_exp(-x))
  list(out = out, cache = list(out = out))
}

#' Gradient of the logistic sigmoid, d_out * out * (1 - out)
#'
#' @param d_out Gradient of the loss with respect to the output: an array.
#' @param cache From [sigmoid_forward()].
#' @return `d_x`, an array of the shape of `d_out`.
#' @export
sigmoid_backward <- function(d_out, cache) {
  out <- cache[["out"]]
  d_out * (out * (1 - out))
}

#' Hyperbolic tangent
#'
#' @param x An array.
#' @return A list: `out`, an array of the shape of `x`; `cache`, what [tanh_backward()] needs.
#' @export
tanh_forward <- function(x) {
  out <- array_tanh(x)
  list(out = out, cache = list(out = out))
}

#' Gradient of the hyperbolic tangent, d_out * (1 - out^2)
#'
#' @param d_out Gradient of the loss with respect to the output: an array.
#' @param cache From [tanh_forward()].
#' @return `d_x`, an array of the shape of `d_out`.
#' @export
tanh_backward <- function(d_out, cache) {
  out <- cache[["out"]]
  d_out * (1 - out * out)
}

#' Rectified linear unit, max(x, 0)
#'
#' @param x An array.
#' @return A list: `out`, an array of the shape of `x`; `cache`, what [relu_backward()] needs.
#' @references Course, lesson A; Nair and Hinton (2010).
#' @export
relu_forward <- function(x) {
  # ten times as fast as pmax(), which keeps attributes. Of equals the first is taken: with 0 first, -0 becomes 0 as in
  # NumPy
  out <- pmax.int(0, x)
  attributes(out) <- attributes(x)
  list(out = out, cache = list(out = out))
}

#' Gradient of the rectified linear unit: `d_out` where x > 0, otherwise 0
#'
#' The derivative is the sign of the output: 1 where it is above 0, 0 where it is 0.
#'
#' @param d_out Gradient of the loss with respect to the output: an array.
#' @param cache From [relu_forward()].
#' @return `d_x`, an array of the shape of `d_out`.
#' @export
relu_backward <- function(d_out, cache) {
  d_out * (cache[["out"]] > 0) # as sign(out), in half its time
}

#' Leaky rectified linear unit, max(x, negative_slope * x)
#'
#' @param x An array.
#' @param negative_slope Slope where x < 0, from 0 (ReLU) to 1 (identity).
#' @return A list: `out`, an array of the shape of `x`; `cache`, what [leaky_relu_backward()] needs. Stops if
#'   `negative_slope` is not a number from 0 to 1.
#' @references Maas, Hannun and Ng (2013).
#' @export
leaky_relu_forward <- function(x, negative_slope = 0.01) {
  slope <- check_number(negative_slope, "negative_slope", minimum = 0, maximum = 1)
  out <- pmax.int(x, slope * x)
  attributes(out) <- attributes(x)
  list(out = out, cache = list(out = out, negative_slope = slope))
}

#' Gradient of the leaky rectified linear unit: `d_out` where x > 0, otherwise `negative_slope * d_out`
#'
#' The derivative is the sign of the output, but not less than the slope.
#'
#' @param d_out Gradient of the loss with respect to the output: an array.
#' @param cache From [leaky_relu_forward()].
#' @return `d_x`, an array of the shape of `d_out`.
#' @export
leaky_relu_backward <- function(d_out, cache) {
  derivative <- pmax.int(sign(cache[["out"]]), cache[["negative_slope"]])
  d_out * derivative
}

#' Identity, the output activation of a regression
#'
#' @param x An array.
#' @return A list: `out`, `x`; `cache`, what [identity_backward()] needs: nothing.
#' @references Course, lessons A and D.
#' @export
identity_forward <- function(x) {
  list(out = x, cache = list())
}

#' Gradient of the identity: `d_out`
#'
#' @param d_out Gradient of the loss with respect to the output: an array.
#' @param cache From [identity_forward()].
#' @return `d_x`, `d_out`.
#' @export
identity_backward <- function(d_out, cache) {
  d_out
}
