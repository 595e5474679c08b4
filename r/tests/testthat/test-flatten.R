# Flattening: the last index runs fastest along a row, whatever R's memory is like.

test_that("a row holds an image channel by channel, row by row", {
  x <- array(0, c(2, 3, 4, 5))
  for (i in 1:2) {
    for (channel in 1:3) {
      for (row in 1:4) {
        for (column in 1:5) {
          x[i, channel, row, column] <- 1000 * i + 100 * channel + 10 * row + column
        }
      }
    }
  }
  out <- flatten_forward(x)[["out"]]
  expect_identical(dim(out), c(2L, 60L))
  for (i in 1:2) {
    expect_identical(out[i, ], sort(out[i, ])) # the numbers say where they were
    expect_identical(out[i, ], as.vector(aperm(x[i, , , ], 3:1)))
  }
})

test_that("it comes back as it was, in any number of dimensions", {
  for (shape in list(c(2, 3, 4, 5), c(1, 2, 1, 3), c(3, 2, 4), c(4, 3), c(2, 2, 2, 3, 2))) {
    x <- array(seq_len(prod(shape)) + 0.5, shape)
    passed <- flatten_forward(x)
    expect_identical(dim(passed[["out"]]), as.integer(c(shape[[1]], prod(shape[-1]))))
    expect_identical(flatten_backward(passed[["out"]], passed[["cache"]]), x)
  }
})

test_that("a vector is refused", {
  expect_error(flatten_forward(1:3), "`x` must be an array of numbers with at least two dimensions")
})
