# The model: an ordered list of layers, each a few words of data, and the passes through them.
# The parameters are a flat, ordered list of arrays; a layer says under which names its own are. The first layer of a
# dense network 4 - 6 - 3 is
# list(name = "affine1", type = "affine", d_in = 4, d_out = 6, w = "affine1.w", b = "affine1.b"),
# the second list(name = "relu1", type = "relu"). A network for images begins by making images of the rows of pixels:
# list(name = "images", type = "unflatten", shape = c(1, 28, 28)). Dropout and noise act in training only: when a
# generator is passed in. A layer that is frozen = TRUE keeps its parameters as they are.
# Twin: python/twinnet/model.py.

#' The activations, types of layers and ways of drawing initial weights that are known
#' @name LAYER_TYPES
NULL

#' @rdname LAYER_TYPES
#' @export
ACTIVATIONS <- c("relu", "leaky_relu", "sigmoid", "tanh", "step", "identity")

#' @rdname LAYER_TYPES
#' @export
LAYER_TYPES <- c(
  "affine", "conv2d", ACTIVATIONS, "max_pool2d", "average_pool2d", "global_average_pool2d", "unflatten", "flatten",
  "softmax", "log_softmax", "dropout", "noise"
)

#' @rdname LAYER_TYPES
#' @export
INITS <- c("normal", "scaled_normal", "torch")

#' Layers of a fully connected network with no activation on its output
#'
#' @param d_in Number of inputs.
#' @param hidden Neurons of each hidden layer, at least 1 each; none for a network without a hidden layer.
#' @param d_out Number of outputs.
#' @param activation Activation of the hidden layers, one of [ACTIVATIONS].
#' @param dropout Probability of dropping a hidden neuron in training, at least 0 and below 1; 0 for no dropout layers.
#' @return A list of layers. Stops with a message that names the argument, its value and what it must be.
#' @export
dense_layers <- function(d_in, hidden, d_out, activation = "relu", dropout = 0) {
  sizes <- vapply(hidden, function(size) check_whole(size, "hidden", minimum = 1), 0)
  check_choice(activation, "activation", ACTIVATIONS)
  check_number(dropout, "dropout", minimum = 0, below = 1)
  sizes_in <- c(d_in, sizes)
  sizes_out <- c(sizes, d_out)
  layers <- list()
  for (number in seq_along(sizes_in)) {
    name <- paste0("affine", number)
    affine <- list(
      name = name,
      type = "affine",
      d_in = sizes_in[[number]],
      d_out = sizes_out[[number]],
      w = paste0(name, ".w"),
      b = paste0(name, ".b")
    )
    layers <- c(layers, list(affine))
    if (number <= length(sizes)) {
      layers <- c(layers, list(list(name = paste0(activation, number), type = activation)))
      if (dropout > 0) {
        layers <- c(layers, list(list(name = paste0("dropout", number), type = "dropout", p = dropout)))
      }
    }
  }
  layers
}

#' Check that the layers of a model are known, named apart, and fit one another
#'
#' @param model A list of layers.
#' @return The model. Stops with a message that names the layer and what is wrong with it.
#' @export
model_check <- function(model) {
  check_argument(length(model) > 0, "model", model, "a list of at least one layer")
  names <- vapply(model, function(layer) paste(layer[["name"]]), "")
  check_argument(!anyDuplicated(names), "model", names, "layers with names of their own")
  shape <- NULL # of one sample, where it is known
  for (layer in model) {
    of <- function(setting) paste(setting, "of", layer[["name"]])
    type <- check_choice(layer[["type"]], of("type"), LAYER_TYPES)
    shape <- switch(type,
      affine = affine_shape(layer, shape),
      conv2d = ,
      max_pool2d = ,
      average_pool2d = ,
      global_average_pool2d = image_shape(layer, shape),
      unflatten = ,
      flatten = reshaped(layer, shape),
      shape
    )
    if (type == "dropout") {
      check_number(layer[["p"]], of("p"), minimum = 0, below = 1)
    } else if (type == "noise") {
      check_number(layer[["sd"]], of("sd"), minimum = 0)
    }
    if (type %in% c("affine", "conv2d")) {
      for (key in c("w", "b")) {
        full <- paste0(layer[["name"]], ".", key)
        check_argument(identical(layer[[key]], full), of(key), layer[[key]], paste("the key", full))
      }
      check_flag(given_or(layer, "frozen", FALSE), of("frozen"))
    }
  }
  model
}

#' Check the way of drawing the initial weights
#'
#' @param init A list: `name`, one of [INITS]: `"normal"`, normal numbers times `sd` (course: lesson A);
#'   `"scaled_normal"`, normal numbers divided by `sqrt(d_in * d_out)` (the regression beside lesson A; for kernels d_in
#'   and d_out are the numbers that a patch and a place of the output have), both with biases of zero; `"torch"`, what
#'   `nn.Linear` and `nn.Conv2d` start from. With `source`, the name of another variant, the `layers` named are not
#'   drawn but come from that variant after its training (course: lesson D, transfer learning).
#' @param generator Name of the generator that draws; `"torch"` weights need PyTorch's.
#' @return `init`. Stops with a message that names the setting, its value and what it must be.
#' @export
init_check <- function(init, generator) {
  name <- check_choice(init[["name"]], "init", INITS)
  if (name == "normal") {
    check_number(init[["sd"]], "sd", above = 0)
  }
  must_be <- '"torch" where the weights are to be those of PyTorch'
  check_argument(name != "torch" || generator == "torch", "generator", generator, must_be)
  if (!is.null(init[["source"]])) {
    layers <- init[["layers"]]
    check_argument(length(layers) > 0, "layers", layers, "the names of the layers that come from the source")
  }
  init
}

#' Parameters before training, drawn layer after layer
#'
#' @param model A list of layers.
#' @param generator An object made by [RGenerator()], [NumpyGenerator()], [NumpyRandomState()] or [TorchGenerator()].
#' @param init A list, see [init_check()].
#' @return A named list of arrays: `name.w` (d_in, d_out) and `name.b` (d_out) of each affine layer, `name.w`
#'   (out_channels, in_channels, height, width) and `name.b` (out_channels) of each convolution.
#' @references Course, lesson A, "W1 drawn before W2".
#' @export
model_init <- function(model, generator, init) {
  params <- list()
  for (layer in model) {
    if (layer[["type"]] %in% c("affine", "conv2d")) {
      draw <- if (layer[["type"]] == "affine") draw_affine else draw_conv2d
      drawn <- draw(layer, generator, init)
      params[[layer[["w"]]]] <- drawn[["w"]]
      params[[layer[["b"]]]] <- drawn[["b"]]
    }
  }
  params
}

#' The parameters that training changes: those of layers that are not frozen
#'
#' @param model A list of layers.
#' @param params A named list of arrays.
#' @return A named list of arrays.
#' @export
trained_params <- function(model, params) {
  for (layer in model) {
    if (isTRUE(layer[["frozen"]])) {
      params[c(layer[["w"]], layer[["b"]])] <- NULL
    }
  }
  params
}

#' Outputs of the model
#'
#' @param model A list of layers.
#' @param params A named list of arrays.
#' @param x Inputs, one row a sample: a matrix (n, d_in), or an array (n, c, h, w) for a model that begins with images.
#' @param generator In training, a generator: draws dropout's masks and the noise. Without it, dropout and noise let
#'   everything pass.
#' @return A list: `out`, the output of the last layer, a matrix (n, d_out); `caches`, one a layer: what
#'   [model_backward()] needs.
#' @export
model_forward <- function(model, params, x, generator = NULL) {
  caches <- vector("list", length(model))
  out <- x
  for (i in seq_along(model)) {
    layer <- model[[i]]
    passed <- switch(layer[["type"]],
      affine = affine_forward(out, params[[layer[["w"]]]], params[[layer[["b"]]]]),
      conv2d = {
        stride <- given_or(layer, "stride", 1)
        conv2d_forward(out, params[[layer[["w"]]]], params[[layer[["b"]]]], stride, given_or(layer, "padding", 0))
      },
      max_pool2d = max_pool2d_forward(out, layer[["size"]], layer[["stride"]]),
      average_pool2d = average_pool2d_forward(out, layer[["size"]], layer[["stride"]]),
      global_average_pool2d = global_average_pool2d_forward(out),
      unflatten = unflatten_forward(out, layer[["shape"]]),
      flatten = flatten_forward(out),
      relu = relu_forward(out),
      leaky_relu = leaky_relu_forward(out),
      sigmoid = sigmoid_forward(out),
      tanh = tanh_forward(out),
      step = step_forward(out),
      identity = identity_forward(out),
      softmax = softmax_forward(out),
      log_softmax = log_softmax_forward(out),
      dropout = if (!is.null(generator)) {
        mask <- record("mask", random_mask(generator, dim(out), layer[["p"]]), of = layer[["name"]])
        dropout_forward(out, mask, layer[["p"]])
      },
      noise = if (!is.null(generator)) {
        noise <- record("noise", layer[["sd"]] * random_normal(generator, dim(out)), of = layer[["name"]])
        noise_forward(out, noise)
      }
    )
    if (!is.null(passed)) {
      out <- passed[["out"]]
      caches[[i]] <- passed[["cache"]]
    }
    out <- record("out", out, of = layer[["name"]])
  }
  list(out = out, caches = caches)
}

#' Gradients of parameters, by the chain rule from the last layer to the first that has any of them
#'
#' @param model A list of layers.
#' @param params Those whose gradients are wanted, from [trained_params()]: a named list of arrays.
#' @param caches From [model_forward()].
#' @param d_out Gradient of the loss with respect to the model's output: a matrix (n, d_out).
#' @return A list of arrays with the names of `params`, in their order.
#' @export
model_backward <- function(model, params, caches, d_out) {
  grads <- params # for their order: each is replaced below
  first <- 1
  while (first <= length(model) && !has_gradients(model[[first]], grads)) {
    first <- first + 1
  }
  i <- length(model) + 1
  while (i > first) {
    i <- i - 1
    layer <- model[[i]]
    cache <- caches[[i]]
    switch(layer[["type"]],
      affine = ,
      conv2d = {
        backward <- if (layer[["type"]] == "affine") affine_backward else conv2d_backward
        passed <- backward(d_out, cache, input_gradient = i > first)
        d_out <- passed[["d_x"]]
        if (has_gradients(layer, grads)) {
          grads[[layer[["w"]]]] <- record("d_w", passed[["d_w"]], of = layer[["name"]])
          grads[[layer[["b"]]]] <- record("d_b", passed[["d_b"]], of = layer[["name"]])
        }
      },
      max_pool2d = d_out <- max_pool2d_backward(d_out, cache),
      average_pool2d = d_out <- average_pool2d_backward(d_out, cache),
      global_average_pool2d = d_out <- global_average_pool2d_backward(d_out, cache),
      unflatten = d_out <- unflatten_backward(d_out, cache),
      flatten = d_out <- flatten_backward(d_out, cache),
      relu = d_out <- relu_backward(d_out, cache),
      leaky_relu = d_out <- leaky_relu_backward(d_out, cache),
      sigmoid = d_out <- sigmoid_backward(d_out, cache),
      tanh = d_out <- tanh_backward(d_out, cache),
      step = d_out <- step_backward(d_out, cache),
      identity = d_out <- identity_backward(d_out, cache),
      softmax = d_out <- softmax_backward(d_out, cache),
      log_softmax = d_out <- log_softmax_backward(d_out, cache),
      dropout = if (!is.null(cache)) d_out <- dropout_backward(d_out, cache),
      noise = if (!is.null(cache)) d_out <- noise_backward(d_out, cache)
    )
    d_out <- record("d_x", d_out, of = layer[["name"]])
  }
  grads
}

# Whether a layer has parameters that are trained.
has_gradients <- function(layer, grads) {
  !is.null(layer[["w"]]) && !is.null(grads[[layer[["w"]]]])
}

# Shape of a sample after an affine layer, if the layer is sound and fits what reaches it.
affine_shape <- function(layer, shape) {
  of <- function(setting) paste(setting, "of", layer[["name"]])
  d_in <- check_whole(layer[["d_in"]], of("d_in"), minimum = 1)
  d_out <- check_whole(layer[["d_out"]], of("d_out"), minimum = 1)
  if (!is.null(shape)) {
    check_argument(length(shape) == 1, of("type"), "affine", "flatten first, where images reach it")
    must_be <- sprintf("%.0f, the number of values that reach the layer", shape)
    check_argument(d_in == shape, of("d_in"), d_in, must_be)
  }
  d_out
}

# Shape of a sample after a convolution or a pool, if the layer is sound and fits what reaches it.
image_shape <- function(layer, shape) {
  of <- function(setting) paste(setting, "of", layer[["name"]])
  is_conv <- layer[["type"]] == "conv2d"
  if (!is.null(shape)) {
    check_argument(length(shape) == 3, of("type"), layer[["type"]], "unflatten first, where rows reach it")
  }
  if (layer[["type"]] == "global_average_pool2d") {
    return(if (!is.null(shape)) c(shape[[1]], 1, 1))
  }
  key <- if (is_conv) "kernel_size" else "size"
  size <- check_pair(layer[[key]], of(key), 1)
  stride <- check_pair(given_or(layer, "stride", if (is_conv) 1 else size), of("stride"), 1)
  padding <- check_pair(given_or(layer, "padding", 0), of("padding"), 0)
  if (is_conv) {
    in_channels <- check_whole(layer[["in_channels"]], of("in_channels"), minimum = 1)
    out_channels <- check_whole(layer[["out_channels"]], of("out_channels"), minimum = 1)
  }
  if (is.null(shape)) {
    return(NULL)
  }
  channels <- shape[[1]]
  if (is_conv) {
    must_be <- sprintf("%.0f, the number of channels that reach the layer", channels)
    check_argument(in_channels == channels, of("in_channels"), in_channels, must_be)
    channels <- out_channels
  }
  extent <- shape[2:3] + 2 * padding
  check_window_size(size, extent, of(key), layer[[key]], "padded images that reach the layer")
  c(channels, window_counts(extent, size, stride))
}

# Shape of a sample after flattening or its opposite, if the layer is sound and fits what reaches it.
reshaped <- function(layer, shape) {
  if (layer[["type"]] == "flatten") {
    return(if (!is.null(shape)) prod(shape))
  }
  sizes <- layer[["shape"]]
  name <- paste("shape of", layer[["name"]])
  check_argument(length(sizes) == 3, name, sizes, "three whole numbers: channels, height, width")
  new <- vapply(sizes, function(size) as.double(check_whole(size, name, minimum = 1)), 0)
  if (!is.null(shape)) {
    must_be <- sprintf("for %.0f values, those that reach the layer", prod(shape))
    check_argument(prod(new) == prod(shape), name, sizes, must_be)
  }
  new
}

# Weights and biases of an affine layer before training.
draw_affine <- function(layer, generator, init) {
  d_in <- layer[["d_in"]]
  d_out <- layer[["d_out"]]
  if (init[["name"]] == "torch") {
    drawn <- linear_init(generator, d_in, d_out)
    return(list(w = t(drawn[["weight"]]), b = drawn[["bias"]]))
  }
  list(w = scaled(random_normal(generator, c(d_in, d_out)), init, d_in * d_out), b = numeric(d_out))
}

# Kernels and biases of a convolution before training.
draw_conv2d <- function(layer, generator, init) {
  c_in <- layer[["in_channels"]]
  c_out <- layer[["out_channels"]]
  size <- check_pair(layer[["kernel_size"]], "kernel_size", 1)
  if (init[["name"]] == "torch") {
    drawn <- conv2d_init(generator, c_in, c_out, size)
    return(list(w = drawn[["weight"]], b = drawn[["bias"]]))
  }
  w <- scaled(random_normal(generator, c(c_out, c_in, size)), init, c_in * prod(size) * c_out)
  list(w = w, b = numeric(c_out))
}

# Normal numbers as weights; `fans` is the number of values that go into a unit times that of the units.
scaled <- function(drawn, init, fans) {
  if (init[["name"]] == "normal") init[["sd"]] * drawn else drawn / sqrt(fans)
}
