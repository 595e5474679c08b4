# Activations: functions applied to each element between the affine layers, forward and backward.
# Convention: the derivative of ReLU at 0 is 0, as in the course's R (dhidden[hidden <= 0] <- 0) and in PyTorch.
# Twin: python/twinnet/activations.py.

#' Rectified linear unit, max(x, 0)
#'
#' @param x An array.
#' @return A list: `out`, an array of the shape of `x`; `cache`, what [relu_backward()] needs.
#' @references Course, lesson A; Nair and Hinton (2010).
#' @export
relu_forward <- function(x) {
  out <- pmax.int(x, 0) # ten times as fast as pmax(), which keeps attributes; the dim is all there is to keep
  dim(out) <- dim(x)
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
  d_out * sign(cache[["out"]])
}
