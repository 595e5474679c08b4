# Softmax and its logarithm as layers: against the formulas, against central differences, and under their losses.

normal <- function(...) {
  shape <- c(...)
  array(RGenerator(sum(shape))$rnorm(prod(shape)), shape)
}

test_that("softmax and log_softmax are their formulas, row by row", {
  for (shape in list(c(6, 3), c(1, 3), c(6, 1), c(1, 1))) {
    x <- normal(shape)
    p <- softmax_forward(x)[["out"]]
    log_p <- log_softmax_forward(x)[["out"]]
    expect_identical(dim(p), dim(x))
    expect_identical(dim(log_p), dim(x))
    for (i in seq_len(nrow(x))) {
      expect_lt(max(abs(p[i, ] - exp(x[i, ]) / sum(exp(x[i, ])))), 1e-15)
      expect_lt(max(abs(log_p[i, ] - (x[i, ] - log(sum(exp(x[i, ])))))), 1e-15)
    }
  }
})

test_that("the layers are the functions of the same name", {
  x <- 10 * normal(6, 4)
  expect_identical(softmax_forward(x)[["out"]], softmax(x))
  expect_identical(log_softmax_forward(x)[["out"]], log_softmax(x))
})

test_that("nothing overflows, and log_softmax is finite where softmax is 0", {
  x <- rbind(c(0, -1e5), c(3e307, -3e307), c(-1000, 1000))
  expect_identical(softmax(x)[, 2], c(0, 0, 1))
  expect_identical(log_softmax(x)[, 2], c(-1e5, -6e307, 0))
  expect_identical(softmax(matrix(7, 2, 4)), matrix(0.25, 2, 4))
  expect_identical(softmax(rbind(c(0, -Inf))), rbind(c(1, 0)))
  expect_identical(log_softmax(rbind(c(0, -Inf))), rbind(c(0, -Inf)))
})

test_that("backward is the slope of forward", {
  x <- normal(5, 4)
  d_out <- matrix(normal(20), 5)
  d_softmax <- softmax_backward(d_out, softmax_forward(x)[["cache"]])
  d_log_softmax <- log_softmax_backward(d_out, log_softmax_forward(x)[["cache"]])
  slope <- function(forward) numerical_gradient(function(v) sum(forward(v)[["out"]] * d_out), x)
  expect_lt(max(abs(d_softmax - slope(softmax_forward))), 1e-9)
  expect_lt(max(abs(d_log_softmax - slope(log_softmax_forward))), 1e-9)
})

test_that("a layer and its loss are what softmax_cross_entropy is in one", {
  x <- normal(20, 5)
  target <- one_hot(rep(1:5, 4), 5)
  whole <- softmax_cross_entropy_forward(x, target)
  d_x <- softmax_cross_entropy_backward(whole[["cache"]])

  passed <- log_softmax_forward(x)
  judged <- nll_forward(passed[["out"]], target)
  expect_lt(abs(judged[["loss"]] - whole[["loss"]]), 1e-14)
  expect_lt(max(abs(log_softmax_backward(nll_backward(judged[["cache"]]), passed[["cache"]]) - d_x)), 1e-16)

  passed <- softmax_forward(x)
  judged <- cross_entropy_forward(passed[["out"]], target)
  expect_lt(abs(judged[["loss"]] - whole[["loss"]]), 1e-14)
  expect_lt(max(abs(softmax_backward(cross_entropy_backward(judged[["cache"]]), passed[["cache"]]) - d_x)), 1e-16)
})
