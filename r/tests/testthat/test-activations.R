# Activations against their formulas, at their kinks and at their ends, and backward against central differences.

normal <- function(...) {
  shape <- c(...)
  array(RGenerator(sum(shape))$rnorm(prod(shape)), shape)
}

activations <- list(
  step = list(step_forward, step_backward, function(x) if (x > 0) 1 else 0),
  sigmoid = list(sigmoid_forward, sigmoid_backward, function(x) 1 / (1 + exp(-x))),
  tanh = list(tanh_forward, tanh_backward, function(x) (exp(2 * x) - 1) / (exp(2 * x) + 1)),
  relu = list(relu_forward, relu_backward, function(x) if (x > 0) x else 0),
  leaky_relu = list(leaky_relu_forward, leaky_relu_backward, function(x) if (x > 0) x else 0.01 * x),
  identity = list(identity_forward, identity_backward, function(x) x)
)

test_that("each element is the formula's", {
  for (name in names(activations)) {
    forward <- activations[[name]][[1]]
    formula <- activations[[name]][[3]]
    for (shape in list(c(5, 4), c(1, 3), c(7, 1), c(1, 1), c(2, 3, 4))) {
      x <- normal(shape)
      out <- forward(x)[["out"]]
      expected <- array(vapply(x, formula, 0), shape)
      expect_identical(dim(out), dim(x), label = name)
      expect_lt(max(abs(out - expected)), 1e-15, label = name)
    }
  }
})

test_that("backward is the slope of forward", {
  x <- normal(5, 4)
  d_out <- matrix(normal(20), 5)
  expect_gt(min(abs(x)), 1e-3) # no kink within the step of the differences
  for (name in names(activations)) {
    forward <- activations[[name]][[1]]
    backward <- activations[[name]][[2]]
    d_x <- backward(d_out, forward(x)[["cache"]])
    differences <- numerical_gradient(function(v) sum(forward(v)[["out"]] * d_out), x)
    expect_identical(dim(d_x), dim(x), label = name)
    expect_lt(max(abs(d_x - differences)), 1e-9, label = name)
  }
})

test_that("a vector without dim stays one", {
  for (name in names(activations)) {
    passed <- activations[[name]][[1]](c(-1, 2))
    expect_null(dim(passed[["out"]]), label = name)
    expect_length(activations[[name]][[2]](c(1, 1), passed[["cache"]]), 2)
  }
})

test_that("the kinks are decided as written down", {
  zero <- matrix(0, 1, 1)
  one <- matrix(1, 1, 1)
  expect_identical(step_forward(zero)[["out"]], zero)
  expect_identical(relu_forward(zero)[["out"]], zero)
  expect_identical(leaky_relu_forward(zero)[["out"]], zero)
  expect_identical(step_backward(one, step_forward(zero)[["cache"]]), zero)
  expect_identical(relu_backward(one, relu_forward(zero)[["cache"]]), zero)
  expect_identical(leaky_relu_backward(one, leaky_relu_forward(zero)[["cache"]]), 0.01 * one)
})

test_that("the ReLU of -0 is 0, as in NumPy", {
  expect_identical(1 / relu_forward(matrix(-0, 2, 3))[["out"]], matrix(Inf, 2, 3))
})

test_that("sigmoid and tanh saturate in both directions", {
  x <- matrix(c(-Inf, -1e300, -1e3, -745, 745, 1e3, 1e300, Inf), 2)
  expect_identical(sigmoid_forward(x)[["out"]], matrix(rep(c(0, 1), each = 4), 2))
  expect_identical(tanh_forward(x)[["out"]], matrix(rep(c(-1, 1), each = 4), 2))
  far <- matrix(c(-700, -300, -40), 1)
  expect_lt(max(abs(sigmoid_forward(far)[["out"]] / exp(far) - 1)), 1e-15)
})

test_that("a missing number stays one", {
  x <- matrix(NaN, 1, 2)
  for (name in names(activations)) {
    expect_true(all(is.nan(activations[[name]][[1]](x)[["out"]])), label = name)
  }
})

test_that("leaky ReLU takes its slope, from 0 to 1", {
  x <- matrix(c(-2, 0, 3, -0.5), 2)
  for (slope in c(0, 0.3, 1)) {
    passed <- leaky_relu_forward(x, negative_slope = slope)
    expect_identical(passed[["out"]], matrix(c(-2 * slope, 0, 3, -0.5 * slope), 2))
    expect_identical(leaky_relu_backward(matrix(1, 2, 2), passed[["cache"]]), matrix(c(slope, slope, 1, slope), 2))
  }
  must_be <- "`negative_slope` must be a finite number of at least 0 and at most 1, not"
  for (slope in list(-0.1, 1.5, NaN, "steep", NULL, c(0.1, 0.2))) {
    expect_error(leaky_relu_forward(x, slope), must_be, fixed = TRUE)
  }
})
