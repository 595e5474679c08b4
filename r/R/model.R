# The model: an ordered list of layers, each a few words of data, and the passes through them.
# The parameters are a flat, ordered list of arrays; a layer says under which names its own are. The first layer of a
# dense network 4 - 6 - 3 is
# list(name = "affine1", type = "affine", d_in = 4, d_out = 6, w = "affine1.w", b = "affine1.b"),
# the second list(name = "relu1", type = "relu"). Dropout and noise act in training only: when a generator is passed in.
# Twin: python/twinnet/model.py.

#' The activations, types of layers and ways of drawing initial weights that are known
#' @name LAYER_TYPES
NULL

#' @rdname LAYER_TYPES
#' @export
ACTIVATIONS <- c("relu", "leaky_relu", "sigmoid", "tanh", "step", "identity")

#' @rdname LAYER_TYPES
#' @export
LAYER_TYPES <- c("affine", ACTIVATIONS, "softmax", "log_softmax", "dropout", "noise")

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
  width <- NULL
  for (layer in model) {
    of <- function(setting) paste(setting, "of", layer[["name"]])
    check_choice(layer[["type"]], of("type"), LAYER_TYPES)
    if (layer[["type"]] == "affine") {
      d_in <- check_whole(layer[["d_in"]], of("d_in"), minimum = 1)
      must_be <- sprintf("%s, the number of values that reach the layer", width)
      check_argument(is.null(width) || width == d_in, of("d_in"), d_in, must_be)
      width <- check_whole(layer[["d_out"]], of("d_out"), minimum = 1)
      for (key in c("w", "b")) {
        full <- paste0(layer[["name"]], ".", key)
        check_argument(identical(layer[[key]], full), of(key), layer[[key]], paste("the key", full))
      }
    } else if (layer[["type"]] == "dropout") {
      check_number(layer[["p"]], of("p"), minimum = 0, below = 1)
    } else if (layer[["type"]] == "noise") {
      check_number(layer[["sd"]], of("sd"), minimum = 0)
    }
  }
  model
}

#' Check the way of drawing the initial weights
#'
#' @param init A list: `name`, one of [INITS]: `"normal"`, normal numbers times `sd` (course: lesson A);
#'   `"scaled_normal"`, normal numbers divided by `sqrt(d_in * d_out)` (the regression beside lesson A), both with
#'   biases of zero; `"torch"`, what `nn.Linear` starts from.
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
  init
}

#' Parameters before training, drawn layer after layer
#'
#' @param model A list of layers.
#' @param generator An object made by [RGenerator()], [NumpyGenerator()], [NumpyRandomState()] or [TorchGenerator()].
#' @param init A list, see [init_check()].
#' @return A named list of arrays: `name.w` (d_in, d_out) and `name.b` (d_out) of each affine layer.
#' @references Course, lesson A, "W1 drawn before W2".
#' @export
model_init <- function(model, generator, init) {
  params <- list()
  for (layer in model) {
    if (layer[["type"]] == "affine") {
      d_in <- layer[["d_in"]]
      d_out <- layer[["d_out"]]
      drawn <- switch(init[["name"]],
        normal = list(w = init[["sd"]] * random_normal(generator, c(d_in, d_out)), b = numeric(d_out)),
        scaled_normal = list(w = random_normal(generator, c(d_in, d_out)) / sqrt(d_in * d_out), b = numeric(d_out)),
        torch = {
          linear <- linear_init(generator, d_in, d_out)
          list(w = t(linear[["weight"]]), b = linear[["bias"]])
        }
      )
      params[[layer[["w"]]]] <- drawn[["w"]]
      params[[layer[["b"]]]] <- drawn[["b"]]
    }
  }
  params
}

#' Outputs of the model
#'
#' @param model A list of layers.
#' @param params A named list of arrays.
#' @param x Inputs, one row a sample: a matrix (n, d_in).
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

#' Gradients of all parameters, by the chain rule from the last layer to the first
#'
#' @param model A list of layers.
#' @param params A named list of arrays.
#' @param caches From [model_forward()].
#' @param d_out Gradient of the loss with respect to the model's output: a matrix (n, d_out).
#' @return A list of arrays with the names of `params`, in their order.
#' @export
model_backward <- function(model, params, caches, d_out) {
  grads <- params # each is replaced below; this gives them the order of params
  for (i in rev(seq_along(model))) {
    layer <- model[[i]]
    cache <- caches[[i]]
    switch(layer[["type"]],
      affine = {
        passed <- affine_backward(d_out, cache, input_gradient = i > 1)
        d_out <- passed[["d_x"]]
        grads[[layer[["w"]]]] <- passed[["d_w"]]
        grads[[layer[["b"]]]] <- passed[["d_b"]]
      },
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
    if (!is.null(layer[["w"]])) {
      record("d_w", grads[[layer[["w"]]]], of = layer[["name"]])
      record("d_b", grads[[layer[["b"]]]], of = layer[["name"]])
    }
    d_out <- record("d_x", d_out, of = layer[["name"]])
  }
  grads
}
