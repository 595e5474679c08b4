# The model: an ordered list of layers, each a few words of data, and the passes through them.
# The parameters are a flat, ordered list of arrays; a layer says under which names its own are. The first layer of a
# dense network 4 - 6 - 3 is
# list(name = "affine1", type = "affine", d_in = 4, d_out = 6, w = "affine1.w", b = "affine1.b"),
# the second list(name = "relu1", type = "relu"). Twin: python/twinnet/model.py.

#' The types of layers that are known
#' @export
LAYER_TYPES <- c("affine", "relu")

#' Layers of a fully connected network with ReLU neurons and no activation on its output
#'
#' @param d_in Number of inputs.
#' @param hidden Neurons of each hidden layer, at least one layer of at least one.
#' @param d_out Number of outputs.
#' @return A list of layers. Stops if `hidden` is empty or not made of whole numbers of at least 1.
#' @export
dense_layers <- function(d_in, hidden, d_out) {
  check_argument(length(hidden) > 0, "hidden", hidden, "at least one hidden layer's number of neurons")
  sizes <- vapply(hidden, function(size) check_whole(size, "hidden", minimum = 1), 0)
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
      layers <- c(layers, list(list(name = paste0("relu", number), type = "relu")))
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
    check_choice(layer[["type"]], paste("type of", layer[["name"]]), LAYER_TYPES)
    if (layer[["type"]] == "affine") {
      d_in <- check_whole(layer[["d_in"]], paste("d_in of", layer[["name"]]), minimum = 1)
      must_be <- sprintf("%s, the number of values that reach the layer", width)
      check_argument(is.null(width) || width == d_in, paste("d_in of", layer[["name"]]), d_in, must_be)
      width <- check_whole(layer[["d_out"]], paste("d_out of", layer[["name"]]), minimum = 1)
      for (key in c("w", "b")) {
        full <- paste0(layer[["name"]], ".", key)
        must_be <- paste("the key", full)
        check_argument(identical(layer[[key]], full), paste(key, "of", layer[["name"]]), layer[[key]], must_be)
      }
    }
  }
  model
}

#' Parameters before training: weights `sd * rnorm`, filled column by column, and biases of zero
#'
#' @param model A list of layers.
#' @param generator Draws the weights, layer after layer (course: lesson A, "W1 drawn before W2").
#' @param sd Standard deviation of the weights, above 0.
#' @return A named list of arrays: `name.w` (d_in, d_out) and `name.b` (d_out) of each affine layer.
#' @export
model_init <- function(model, generator, sd) {
  sd <- check_number(sd, "sd", above = 0)
  params <- list()
  for (layer in model) {
    if (layer[["type"]] == "affine") {
      shape <- c(layer[["d_in"]], layer[["d_out"]])
      params[[layer[["w"]]]] <- fill_by_column(sd * generator$rnorm(shape[[1]] * shape[[2]]), shape)
      params[[layer[["b"]]]] <- numeric(shape[[2]])
    }
  }
  params
}

#' Outputs of the model
#'
#' @param model A list of layers.
#' @param params A named list of arrays.
#' @param x Inputs, one row a sample: a matrix (n, d_in).
#' @return A list: `out`, the output of the last layer, a matrix (n, d_out); `caches`, one a layer: what
#'   [model_backward()] needs.
#' @export
model_forward <- function(model, params, x) {
  caches <- vector("list", length(model))
  out <- x
  for (i in seq_along(model)) {
    layer <- model[[i]]
    passed <- switch(layer[["type"]],
      affine = affine_forward(out, params[[layer[["w"]]]], params[[layer[["b"]]]]),
      relu = relu_forward(out)
    )
    out <- passed[["out"]]
    caches[[i]] <- passed[["cache"]]
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
    switch(layer[["type"]],
      affine = {
        passed <- affine_backward(d_out, caches[[i]], input_gradient = i > 1)
        d_out <- passed[["d_x"]]
        grads[[layer[["w"]]]] <- passed[["d_w"]]
        grads[[layer[["b"]]]] <- passed[["d_b"]]
      },
      relu = d_out <- relu_backward(d_out, caches[[i]])
    )
  }
  grads
}
