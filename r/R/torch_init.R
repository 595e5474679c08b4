# PyTorch's initial weights: those that nn.Linear and nn.Conv2d start from, Kaiming's and Xavier's.
# With fan_in inputs to each output, Kaiming's uniform numbers go up to gain * sqrt(3 / fan_in) in size, and
# his normal ones have the standard deviation gain / sqrt(fan_in) (He et al., 2015, "Delving deep into
# rectifiers"). Xavier's are alike, with the mean of fan_in and fan_out (Glorot and Bengio, 2010,
# "Understanding the difficulty of training deep feedforward neural networks"). A layer starts from Kaiming's
# uniform numbers with gain sqrt(1/3), then draws its biases. Source: PyTorch's torch/nn/init.py,
# torch/nn/modules/linear.py and conv.py. Shapes are PyTorch's: weights (d_out, d_in), kernels (out_channels,
# in_channels, height, width). Twin: python/twinnet/torch_init.py.

TORCH_GAINS <- c(
  linear = 1,
  conv1d = 1,
  conv2d = 1,
  conv3d = 1,
  conv_transpose1d = 1,
  conv_transpose2d = 1,
  conv_transpose3d = 1,
  sigmoid = 1,
  tanh = 5 / 3,
  relu = sqrt(2),
  selu = 3 / 4
)

#' What PyTorch's layers start from
#'
#' `linear_init()` draws the weights and biases of `torch.nn.Linear(d_in, d_out)`, `conv2d_init()` those of
#' `torch.nn.Conv2d(in_channels, out_channels, kernel_size)`.
#'
#' @param generator A [TorchGenerator()].
#' @param d_in,d_out Sizes of the input and the output, at least 1.
#' @param in_channels,out_channels Numbers of channels, at least 1.
#' @param kernel_size The kernel's height and width; one number stands for both.
#' @param dtype "float32" or "float64".
#' @param bias Whether the layer has biases.
#' @return A list: `weight`, of dimensions (d_out, d_in) or (out_channels, in_channels, height, width), and
#'   `bias`, a vector of d_out or out_channels, if any.
#' @source PyTorch's `torch/nn/modules/linear.py` and `torch/nn/modules/conv.py`, `reset_parameters`.
#' @export
linear_init <- function(generator, d_in, d_out, dtype = "float32", bias = TRUE) {
  shape <- c(check_whole(d_out, "d_out", 1), check_whole(d_in, "d_in", 1))
  layer_init(generator, shape, dtype, bias)
}

#' @rdname linear_init
#' @export
conv2d_init <- function(generator, in_channels, out_channels, kernel_size, dtype = "float32", bias = TRUE) {
  sizes <- check_init_shape(kernel_size, "kernel_size")
  check_argument(length(sizes) <= 2, "kernel_size", kernel_size, "one size or two")
  channels <- c(check_whole(out_channels, "out_channels", 1), check_whole(in_channels, "in_channels", 1))
  layer_init(generator, c(channels, sizes[[1]], sizes[[length(sizes)]]), dtype, bias)
}

#' Kaiming's and Xavier's initial weights
#'
#' They draw as the functions of these names in `torch.nn.init` fill a tensor.
#'
#' @param generator A [TorchGenerator()].
#' @param shape The tensor's sizes: outputs, inputs and, for a kernel, its extents.
#' @param a The slope of a leaky ReLU; not used with other non-linearities.
#' @param mode Whether the variance is kept in the forward pass, "fan_in", or in the backward pass,
#'   "fan_out".
#' @param nonlinearity The function that follows the layer, as [calculate_gain()] names it.
#' @param gain A factor, at least 0.
#' @param dtype "float32" or "float64".
#' @return An array of that shape.
#' @source PyTorch's `torch/nn/init.py`.
#' @references He et al. (2015), "Delving deep into rectifiers: surpassing human-level performance on
#'   ImageNet classification"; Glorot and Bengio (2010), "Understanding the difficulty of training deep
#'   feedforward neural networks".
#' @export
kaiming_uniform_ <- function(
    generator,
    shape,
    a = 0,
    mode = "fan_in",
    nonlinearity = "leaky_relu",
    dtype = "float32") {
  bound <- sqrt(3) * kaiming_std(shape, a, mode, nonlinearity)
  generator$uniform_(shape, -bound, bound, dtype)
}

#' @rdname kaiming_uniform_
#' @export
kaiming_normal_ <- function(
    generator,
    shape,
    a = 0,
    mode = "fan_in",
    nonlinearity = "leaky_relu",
    dtype = "float32") {
  generator$normal_(shape, 0, kaiming_std(shape, a, mode, nonlinearity), dtype)
}

#' @rdname kaiming_uniform_
#' @export
xavier_uniform_ <- function(generator, shape, gain = 1, dtype = "float32") {
  bound <- sqrt(3) * xavier_std(shape, gain)
  generator$uniform_(shape, -bound, bound, dtype)
}

#' @rdname kaiming_uniform_
#' @export
xavier_normal_ <- function(generator, shape, gain = 1, dtype = "float32") {
  generator$normal_(shape, 0, xavier_std(shape, gain), dtype)
}

#' The gain of a non-linearity
#'
#' What `torch.nn.init.calculate_gain` gives.
#'
#' @param nonlinearity "linear", "conv1d" to "conv3d", "conv_transpose1d" to "conv_transpose3d", "sigmoid",
#'   "tanh", "relu", "leaky_relu" or "selu".
#' @param param The slope of a leaky ReLU, 0.01 if left out; not used with other non-linearities.
#' @return A number.
#' @source PyTorch's `torch/nn/init.py`.
#' @export
calculate_gain <- function(nonlinearity, param = NULL) {
  check_choice(nonlinearity, "nonlinearity", c(names(TORCH_GAINS), "leaky_relu"))
  if (nonlinearity == "leaky_relu") {
    return(leaky_gain(if (is.null(param)) 0.01 else check_number(param, "param")))
  }
  TORCH_GAINS[[nonlinearity]]
}

#' How many numbers an output is made from, and how many outputs an input goes into
#'
#' @param shape A tensor's sizes, two or more: outputs, inputs and, for a kernel, its extents.
#' @return A list of `fan_in` and `fan_out`.
#' @source PyTorch's `torch/nn/init.py`.
#' @export
fan_in_and_fan_out <- function(shape) {
  sizes <- check_init_shape(shape, "shape")
  check_argument(length(sizes) >= 2, "shape", shape, "two sizes or more")
  extent <- prod(sizes[-(1:2)])
  list(fan_in = sizes[[2]] * extent, fan_out = sizes[[1]] * extent)
}

# A layer's weights, then its biases.
layer_init <- function(generator, shape, dtype, bias) {
  check_flag(bias, "bias")
  weight <- kaiming_uniform_(generator, shape, a = sqrt(5), dtype = dtype)
  if (!bias) {
    return(list(weight = weight))
  }
  bound <- 1 / sqrt(fan_in_and_fan_out(shape)[["fan_in"]])
  list(weight = weight, bias = generator$uniform_(shape[[1]], -bound, bound, dtype))
}

# The standard deviation of Kaiming's numbers.
kaiming_std <- function(shape, a, mode, nonlinearity) {
  fans <- fan_in_and_fan_out(shape)
  fan <- fans[[check_choice(mode, "mode", c("fan_in", "fan_out"))]]
  calculate_gain(nonlinearity, a) / sqrt(fan)
}

# The standard deviation of Xavier's numbers.
xavier_std <- function(shape, gain) {
  fans <- fan_in_and_fan_out(shape)
  check_number(gain, "gain", minimum = 0) * sqrt(2 / (fans[["fan_in"]] + fans[["fan_out"]]))
}

# `value` as sizes, if it is one or more whole numbers of at least 1.
check_init_shape <- function(value, name) {
  check_argument(length(value) > 0, name, value, "one size or more")
  vapply(value, function(size) check_whole(size, name, 1), 0)
}

# The gain of a leaky ReLU. PyTorch squares the slope with the C library's pow, which R replaces by a product;
# where the exact square is within 3 % of half way between two doubles, pow may take the other one.
leaky_gain <- function(slope) {
  square <- product_and_lost(slope, slope)
  squares <- square[["product"]] + c(0, 1.03 * square[["lost"]])
  gains <- sqrt(2 / (1 + squares))
  if (gains[[1]] != gains[[2]]) {
    warning("calculate_gain: for this slope the last bit of PyTorch's gain may differ.", call. = FALSE)
  }
  gains[[1]]
}
