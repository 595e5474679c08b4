# Losses against their formulas written out with loops, at their ends, and backward against central differences.

normal <- function(...) {
  shape <- c(...)
  array(RGenerator(sum(shape))$rnorm(prod(shape)), shape)
}

n <- 6
k <- 4
x <- normal(n, k)
p <- softmax(3 * matrix(normal(n * k), n))
numbers <- c(1, 4, 2, 3, 3, 1)
target <- one_hot(numbers, k)
soft <- softmax(matrix(normal(n * k, 1), n))
binary <- (soft > 0.2) + 0

# The sum over samples and outputs of f(output, target), by loops.
total <- function(out, target, f) {
  sum <- 0
  for (i in seq_len(nrow(out))) {
    for (j in seq_len(ncol(out))) {
      sum <- sum + f(out[i, j], target[i, j])
    }
  }
  sum
}

expect_loss <- function(forward, backward, out, target, expected) {
  judged <- forward(out, target)
  expect_lt(abs(judged[["loss"]] - expected), 1e-14 * max(1, abs(expected)))
  d_out <- backward(judged[["cache"]])
  expect_identical(dim(d_out), dim(out))
  differences <- numerical_gradient(function(v) forward(v, target)[["loss"]], out)
  expect_lt(max(abs(d_out - differences)), 1e-8)
}

test_that("half the mean squared error adds over the outputs and averages over the samples", {
  expected <- total(x, soft, function(o, t) (o - t)^2) / (2 * n)
  expect_loss(half_mean_squared_error_forward, half_mean_squared_error_backward, x, soft, expected)
})

test_that("binary cross entropy is a mean over all elements", {
  inside <- 0.1 + 0.8 * p
  expected <- -total(inside, binary, function(o, t) t * log(o) + (1 - t) * log(1 - o)) / (n * k)
  expect_loss(binary_cross_entropy_forward, binary_cross_entropy_backward, inside, binary, expected)
  forward <- sigmoid_binary_cross_entropy_forward
  q <- sigmoid_forward(x)[["out"]]
  expected <- -total(q, soft, function(o, t) t * log(o) + (1 - t) * log(1 - o)) / (n * k)
  expect_loss(forward, sigmoid_binary_cross_entropy_backward, x, soft, expected)
})

test_that("cross entropy is a mean over the samples, with rows and with class numbers", {
  inside <- 0.1 + 0.8 * p
  true <- inside[cbind(seq_len(n), numbers)]
  expect_loss(cross_entropy_forward, cross_entropy_backward, inside, target, -mean(log(true)))
  expect_loss(cross_entropy_labels_forward, cross_entropy_labels_backward, inside, numbers, -mean(log(true)))
  expected <- -mean(log(true + 1e-7))
  expect_loss(cross_entropy_1e7_forward, cross_entropy_1e7_backward, inside, target, expected)
  expect_loss(cross_entropy_1e7_labels_forward, cross_entropy_1e7_labels_backward, inside, numbers, expected)
  expected <- -total(inside, soft, function(o, t) t * log(o)) / n
  expect_loss(cross_entropy_forward, cross_entropy_backward, inside, soft, expected)
})

test_that("nll is the mean of minus the true class's logarithm", {
  log_p <- log_softmax(x)
  expect_loss(nll_forward, nll_backward, log_p, target, -mean(log_p[cbind(seq_len(n), numbers)]))
})

test_that("one row, one column and one element stay matrices", {
  losses <- c("half_mean_squared_error", "binary_cross_entropy", "sigmoid_binary_cross_entropy")
  losses <- c(losses, "cross_entropy", "cross_entropy_1e7", "nll")
  for (shape in list(c(1, 3), c(3, 1), c(1, 1))) {
    half <- matrix(0.5, shape[[1]], shape[[2]])
    for (loss in losses) {
      judged <- get(paste0(loss, "_forward"))(half, half)
      expect_length(judged[["loss"]], 1)
      expect_identical(dim(get(paste0(loss, "_backward"))(judged[["cache"]])), dim(half), label = loss)
    }
  }
})

test_that("binary cross entropy stays finite at the ends, as PyTorch's", {
  ends <- matrix(c(0, 1, 0, 1), 1)
  judged <- binary_cross_entropy_forward(ends, matrix(c(0, 1, 1, 0), 1))
  expect_identical(judged[["loss"]], 50) # two right, and two at 100
  d_p <- binary_cross_entropy_backward(judged[["cache"]])
  expect_lt(max(abs(d_p * 4e-12 - c(0, 0, -1, 1))), 1e-8)
  far <- matrix(c(-1e300, -1e3, 1e3, 1e300), 1)
  judged <- sigmoid_binary_cross_entropy_forward(far, matrix(c(0, 0, 1, 1), 1))
  expect_identical(judged[["loss"]], 0)
  judged <- sigmoid_binary_cross_entropy_forward(matrix(-1000, 1, 1), matrix(1, 1, 1))
  expect_identical(judged[["loss"]], 1000)
  expect_identical(sigmoid_binary_cross_entropy_backward(judged[["cache"]]), matrix(-1, 1, 1))
})

test_that("a class without weight counts for nothing, an impossible one infinitely much", {
  sure <- rbind(c(1, 0), c(0.25, 0.75))
  right <- rbind(c(1, 0), c(0, 1))
  expect_lt(abs(cross_entropy_forward(sure, right)[["loss"]] + log(0.75) / 2), 1e-16)
  expect_lt(abs(nll_forward(log(sure), right)[["loss"]] + log(0.75) / 2), 1e-16)
  expect_identical(cross_entropy_forward(rbind(c(1, 0)), rbind(c(0, 1)))[["loss"]], Inf)
  expect_lt(abs(cross_entropy_1e7_forward(rbind(c(1, 0)), rbind(c(0, 1)))[["loss"]] + log(1e-7)), 1e-14)
})

test_that("what does not fit is refused", {
  expect_error(
    cross_entropy_forward(p, target[, 1:2]),
    "`target` must be of the shape of `p`, (6, 4), not (6, 2).",
    fixed = TRUE
  )
  expect_error(
    half_mean_squared_error_forward(x, numbers),
    "`target` must be of the shape of `x`, (6, 4), not 6.",
    fixed = TRUE
  )
  expect_error(nll_forward(1:3, 1:3), "`log_p` must be a matrix, one row a sample, not (1, 2, 3).", fixed = TRUE)
  for (forward in list(binary_cross_entropy_forward, cross_entropy_forward, cross_entropy_1e7_forward)) {
    expect_error(forward(p - 0.5, target), "`p` must be probabilities, from 0 to 1, not -0.", fixed = TRUE)
    expect_error(forward(p + 1, target), "`p` must be probabilities, from 0 to 1, not 1.", fixed = TRUE)
    expect_true(is.nan(forward(NaN * p, target)[["loss"]]))
  }
  for (forward in list(cross_entropy_labels_forward, cross_entropy_1e7_labels_forward)) {
    for (bad in list(c(0, 1, 1, 1, 1, 1), c(5, 1, 1, 1, 1, 1), c(1.5, 1, 1, 1, 1, 1), c(NA, 1, 1, 1, 1, 1))) {
      expect_error(forward(p, bad), "`numbers` must be class numbers, each one of the n_classes, not", fixed = TRUE)
    }
    must_be <- "`numbers` must be class numbers, one for each of the 6 rows, not (1, 2, 3)."
    expect_error(forward(p, 1:3), must_be, fixed = TRUE)
  }
})

test_that("class numbers take and place elements", {
  expect_identical(take_classes(x, numbers), x[cbind(seq_len(n), numbers)])
  expect_identical(place_classes(1:6, numbers, k), one_hot(numbers, k) * 1:6)
  expect_identical(one_hot(c(2, 1), 2), rbind(c(0, 1), c(1, 0)))
  expect_identical(dim(one_hot(numeric(), 3)), c(0L, 3L))
})
