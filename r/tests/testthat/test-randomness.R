test_that("each generator draws arrays by its own methods, R's column by column and the others row by row", {
  expect_identical(random_uniform(RGenerator(1), c(2, 3)), matrix(RGenerator(1)$runif(6), 2, 3))
  by_row <- matrix(NumpyGenerator(1)$standard_normal(6), 2, byrow = TRUE)
  expect_identical(random_normal(NumpyGenerator(1), c(2, 3)), by_row)
  expect_identical(random_normal(NumpyRandomState(1), 5), NumpyRandomState(1)$randn(5))
  expect_identical(random_uniform(TorchGenerator(1), c(2, 3)), TorchGenerator(1)$rand(c(2, 3), "float64"))
  expect_identical(random_uniform(TorchGenerator(1), 3, "float32"), TorchGenerator(1)$rand(3))
})

test_that("an order of rows counts from 1 and holds each row once", {
  for (constructor in list(RGenerator, NumpyGenerator, NumpyRandomState, TorchGenerator)) {
    for (n in c(0, 1, 2, 100)) {
      expect_identical(sort(as.double(random_order(constructor(3), n))), as.double(seq_len(n)))
    }
  }
})

test_that("whole numbers lie from low to below high, and reach both ends", {
  for (constructor in list(RGenerator, NumpyGenerator, NumpyRandomState, TorchGenerator)) {
    drawn <- random_integers(constructor(3), -1, 3, c(20, 10))
    expect_identical(dim(drawn), c(20L, 10L))
    expect_identical(sort(unique(as.double(drawn))), c(-1, 0, 1, 2))
  }
})

test_that("a mask holds ones and zeros, all ones at probability 0 and none at 1", {
  for (constructor in list(RGenerator, NumpyGenerator, NumpyRandomState, TorchGenerator)) {
    expect_identical(sort(unique(as.vector(random_mask(constructor(3), c(20, 10), 0.5)))), c(0, 1))
    expect_identical(random_mask(constructor(3), c(2, 3), 0), matrix(1, 2, 3))
    expect_identical(random_mask(constructor(3), c(2, 3), 1), matrix(0, 2, 3))
  }
})

test_that("the caller's random numbers are left alone", {
  set.seed(1)
  before <- .Random.seed
  random_mask(RGenerator(1), c(2, 3), 0.5)
  random_order(NumpyGenerator(1), 10)
  expect_identical(.Random.seed, before)
})

test_that("what is not a generator is refused", {
  expect_error(random_uniform(runif, 3), "`generator` must be one of RGenerator")
})
