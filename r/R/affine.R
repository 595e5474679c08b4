# The affine (fully connected) layer: out = x w + b.
# Shapes: x (n, d_in), w (d_in, d_out), b (d_out), out (n, d_out). Course: lesson A, "sweep(X %*% W, 2, b, '+')".
# Twin: python/twinnet/affine.py.

#' Output of an affine layer
#'
#' @param x Inputs, one row a sample: a matrix (n, d_in).
#' @param w Weights: a matrix (d_in, d_out).
#' @param b Biases: a vector of d_out.
#' @return A list: `out`, a matrix (n, d_out); `cache`, what [affine_backward()] needs.
#' @export
affine_forward <- function(x, w, b) {
  out <- matmul(x, w) + rep.int(b, rep.int(nrow(x), length(b))) # a matrix runs down its columns: each bias n times
  list(out = out, cache = list(x = x, w = w))
}

#' Gradients of an affine layer
#'
#' @param d_out Gradient of the loss with respect to the layer's output: a matrix (n, d_out).
#' @param cache From [affine_forward()].
#' @param input_gradient Whether `d_x` is wanted; the first layer's is not, and costs as much as the rest.
#' @return A list: `d_x` (n, d_in) or NULL, `d_w` (d_in, d_out), `d_b` (d_out).
#' @export
affine_backward <- function(d_out, cache, input_gradient = TRUE) {
  d_x <- if (input_gradient) matmul_nt(d_out, cache[["w"]])
  d_w <- matmul_tn(cache[["x"]], d_out)
  d_b <- column_sums(d_out)
  list(d_x = d_x, d_w = d_w, d_b = d_b)
}
