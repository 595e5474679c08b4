# Every operation against the formula written out with loops, and backward against central differences.

normal <- function(...) {
  shape <- c(...)
  array(RGenerator(sum(shape))$rnorm(prod(shape)), shape)
}

test_that("affine is x w + b, row by row", {
  x <- normal(5, 4)
  w <- normal(4, 3)
  b <- c(1, -2, 3)
  out <- affine_forward(x, w, b)[["out"]]
  for (i in 1:5) {
    for (j in 1:3) {
      expect_lt(abs(out[i, j] - (sum(x[i, ] * w[, j]) + b[[j]])), 1e-14)
    }
  }
})

test_that("affine's gradients are those of central differences", {
  x <- normal(5, 4)
  w <- normal(4, 3)
  b <- normal(3)
  d_out <- normal(5, 3)
  d <- affine_backward(d_out, affine_forward(x, w, b)[["cache"]])
  f <- function(x, w, b) sum(affine_forward(x, w, b)[["out"]] * d_out)
  expect_lt(max(abs(d[["d_x"]] - numerical_gradient(function(v) f(v, w, b), x))), 1e-8)
  expect_lt(max(abs(d[["d_w"]] - numerical_gradient(function(v) f(x, v, b), w))), 1e-8)
  expect_lt(max(abs(d[["d_b"]] - numerical_gradient(function(v) f(x, w, v), b))), 1e-8)
})

test_that("one row and one column stay matrices", {
  expect_identical(dim(affine_forward(normal(1, 4), normal(4, 3), normal(3))[["out"]]), c(1L, 3L))
  expect_identical(dim(affine_forward(normal(5, 4), normal(4, 1), normal(1))[["out"]]), c(5L, 1L))
  expect_identical(dim(relu_forward(normal(1, 1))[["out"]]), c(1L, 1L))
  expect_identical(dim(softmax(normal(1, 3))), c(1L, 3L))
})

test_that("ReLU is max(x, 0) with derivative 0 at 0", {
  x <- matrix(c(-1, 0, 2, -Inf, Inf, 1e-300), 2)
  passed <- relu_forward(x)
  expect_identical(passed[["out"]], matrix(c(0, 0, 2, 0, Inf, 1e-300), 2))
  expect_identical(relu_backward(matrix(1, 2, 3), passed[["cache"]]), matrix(c(0, 0, 1, 0, 1, 1), 2))
})

test_that("softmax does not overflow and its rows sum to 1", {
  x <- rbind(c(1000, 1001, 999), c(-1000, -1001, -999), 0)
  p <- softmax(x)
  expect_lt(max(abs(rowSums(p) - 1)), 1e-15)
  expect_lt(abs(p[1, 2] - exp(0) / (exp(-1) + 1 + exp(-2))), 1e-15)
})

test_that("cross entropy is the mean of -log p of the true class, and stays finite", {
  x <- normal(6, 3)
  numbers <- c(1, 2, 3, 3, 2, 1)
  judged <- softmax_cross_entropy_forward(x, one_hot(numbers, 3))
  expect_lt(abs(judged[["loss"]] + mean(log(softmax(x)[cbind(1:6, numbers)]))), 1e-14)
  far <- softmax_cross_entropy_forward(matrix(c(0, 1e5), 1), one_hot(1, 2))
  expect_identical(far[["loss"]], 1e5)
  d <- softmax_cross_entropy_backward(judged[["cache"]])
  f <- function(v) softmax_cross_entropy_forward(v, one_hot(numbers, 3))[["loss"]]
  expect_lt(max(abs(d - numerical_gradient(f, x))), 1e-10)
})

test_that("backpropagation through a whole model agrees with central differences", {
  for (hidden in list(6, c(8, 5))) {
    settings <- list(loss = "softmax_cross_entropy", reg = 0.1, arithmetic = "native")
    experiment <- c(list(model = dense_layers(4, hidden, 3)), settings)
    # biases that are not 0: a row whose hidden neurons are all off would sit on the next layer's kink
    params <- model_init(experiment[["model"]], RGenerator(3), list(name = "normal", sd = 1))
    params <- lapply(params, function(p) p + 0.1)
    found <- gradient_check(experiment, params, normal(10, 4), one_hot(rep(1:3, length.out = 10), 3))
    expect_identical(names(found), names(params))
    expect_lt(max(unlist(found)), 1e-9)
  }
})

test_that("filling keeps the stated order", {
  expect_identical(fill_by_column(1:6, c(2, 3)), matrix(1:6, 2))
  expect_identical(fill_by_row(1:6, c(2, 3)), matrix(1:6, 2, byrow = TRUE))
  expect_identical(fill_by_row(1:24, c(2, 3, 4))[1, 1, ], 1:4)
})

test_that("classes keep a factor's order and sort other labels by code point", {
  expect_identical(class_levels(factor(c("b", "a"), levels = c("b", "a", "unused")), "y"), c("b", "a"))
  expect_identical(class_levels(c("b", "a", "C"), "y"), c("C", "a", "b"))
  expect_error(class_levels(c(1, 1), "y"), "`y` must be a label with more than one class, not 1.", fixed = TRUE)
})
