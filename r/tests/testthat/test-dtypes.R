# R alone: what a float32 array is, and that R's ways to handle arrays keep it one. That its numbers are NumPy's is
# proven from Python (tests/test_dtypes.py).

x <- as_dtype(matrix(c(1 / 3, -2, 1e-46, 1e39, 0.1, 7), 2), "float32")

is_float32 <- function(value, shape = dim(value)) {
  numbers <- unclass(value)
  inherits(value, "float32") && identical(dim(value), shape) && identical(f32_round(numbers), numbers)
}

test_that("numbers are rounded to float32, plain ones before the operation", {
  expect_true(is_float32(x, c(2L, 3L)))
  expect_identical(unclass(x)[[1]], 0x1.555556p-2)
  expect_identical(unclass(x)[1:2, 2], c(0, Inf))
  expect_identical(unclass(x * 0.1), f32_round(unclass(x) * f32_round(0.1)))
  expect_identical(unclass(0.1 / x), f32_round(f32_round(0.1) / unclass(x)))
  expect_true(is_float32(-x))
  expect_true(is_float32(x + TRUE))
  expect_identical(x == x, matrix(TRUE, 2, 3))
  expect_identical(sum(x[, 1] > 0.1), 1L)
})

test_that("the dtype is known and given back", {
  expect_identical(dtype_of(x), "float32")
  expect_identical(dtype_of(unclass(x)), "float64")
  expect_identical(as_dtype(x, "float64"), unclass(x))
  expect_identical(as_dtype(x, "float32"), x)
})

test_that("taking, replacing, turning and repeating keep the class", {
  expect_true(is_float32(x[1, ], NULL))
  expect_true(is_float32(x[, 2:3], c(2L, 2L)))
  expect_true(is_float32(x[[2]], NULL))
  expect_true(is_float32(t(x), c(3L, 2L)))
  expect_true(is_float32(aperm(x), c(3L, 2L)))
  expect_true(is_float32(rep(x, each = 2), NULL))
  changed <- x
  changed[1, ] <- 1 / 7
  changed[[2]] <- 0.3
  expect_true(is_float32(changed, c(2L, 3L)))
  expect_identical(unclass(changed[[2]]), f32_round(0.3))
  dim(changed) <- NULL
  expect_true(is_float32(changed, NULL))
})

test_that("functions of each element round, and running sums are refused", {
  for (f in c(sqrt, exp, abs, sign, floor, tanh)) {
    expect_true(is_float32(f(abs(x)), c(2L, 3L)))
  }
  expect_true(is_float32(max(x), NULL))
  expect_error(cumsum(x), "There is no cumsum() in float32.", fixed = TRUE)
})

test_that("a float32 array says what it is", {
  expect_output(print(x), "float32:")
})

test_that("kernels keep the dtype in every arithmetic", {
  a <- as_dtype(matrix(sin(1:12), 4), "float32")
  for (setting in ARITHMETICS) {
    products <- with_arithmetic(setting, list(matmul(t(a), a), matmul_tn(a, a), matmul_nt(a, a)))
    sums <- with_arithmetic(setting, list(array_sum(a), sum_of_products(a, a), column_sums(a), row_sums(a)))
    others <- with_arithmetic(setting, list(row_maxima(a), array_exp(a), array_tanh(a), array_log1p(a)))
    for (value in c(products, sums, others)) {
      expect_true(is_float32(value), label = setting)
    }
  }
})

test_that("an experiment in float32 trains in float32", {
  experiment <- experiment_override(experiment_read("iris_dnn"), dtype = "float32")
  run <- train(experiment, experiment_data(experiment), train_start(experiment), 20)
  for (value in run[["params"]]) {
    expect_true(is_float32(value))
  }
  expect_identical(f32_round(run[["loss"]]), run[["loss"]])
})
