# Dropout and injected noise: what is kept, what is dropped, and backward against central differences.

x <- matrix(c(1, -2, 3, -4, 5, -6), 2)
mask <- matrix(c(1, 0, 0, 1, 1, 1), 2)

test_that("what is dropped is 0 and the rest is divided by 1 - p", {
  expect_identical(dropout_forward(x, mask, 0.5)[["out"]], matrix(c(2, 0, 0, -8, 10, -12), 2))
  expect_identical(dropout_forward(x, mask == 1, 0.5)[["out"]], dropout_forward(x, mask, 0.5)[["out"]])
  expect_identical(dropout_forward(x, matrix(1, 2, 3), 0)[["out"]], x)
  expect_identical(dim(dropout_forward(array(1, 2:4), array(1, 2:4), 0.1)[["out"]]), 2:4)
})

test_that("noise is added, and its gradient passes through", {
  passed <- noise_forward(x, mask)
  expect_identical(passed[["out"]], x + mask)
  expect_identical(noise_backward(x, passed[["cache"]]), x)
})

test_that("backward is the slope of forward", {
  d_out <- matrix(c(0.5, 1, -1, 2, -0.3, 0.1), 2)
  d_x <- dropout_backward(d_out, dropout_forward(x, mask, 0.3)[["cache"]])
  differences <- numerical_gradient(function(v) sum(dropout_forward(v, mask, 0.3)[["out"]] * d_out), x)
  expect_lt(max(abs(d_x - differences)), 1e-9)
})

test_that("p is at least 0 and below 1, and shapes must be equal", {
  must_be <- "`p` must be a finite number of at least 0 and below 1, not"
  for (p in list(1, 1.5, -0.1, NaN, Inf, "half", NULL, c(0.1, 0.2))) {
    expect_error(dropout_forward(x, mask, p), must_be, fixed = TRUE)
  }
  expect_error(dropout_forward(x, mask[, 1], 0.5), "`mask` must be of the shape of `x`, (2, 3), not 2.", fixed = TRUE)
  expect_error(noise_forward(x, t(mask)), "`noise` must be of the shape of `x`, (2, 3), not (3, 2).", fixed = TRUE)
})
