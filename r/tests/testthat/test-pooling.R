# Pooling against its definition written out with loops, and its gradients against central differences.

normal <- function(...) {
  shape <- c(...)
  array(RGenerator(sum(shape))$rnorm(prod(shape)), shape)
}

pooled <- function(x, size, stride, f) {
  counts <- (dim(x)[3:4] - size) %/% stride + 1
  out <- array(0, c(dim(x)[1:2], counts))
  for (p in seq_len(counts[[1]])) {
    for (q in seq_len(counts[[2]])) {
      rows <- (p - 1) * stride[[1]] + seq_len(size[[1]])
      columns <- (q - 1) * stride[[2]] + seq_len(size[[2]])
      out[, , p, q] <- apply(x[, , rows, columns, drop = FALSE], 1:2, f)
    }
  }
  out
}

# images, size, stride
cases <- list(
  list(c(2, 3, 6, 4), c(2, 2), c(2, 2)),
  list(c(2, 3, 7, 5), c(2, 2), c(2, 2)),
  list(c(1, 1, 1, 1), c(1, 1), c(1, 1)),
  list(c(1, 1, 5, 4), c(5, 4), c(5, 4)),
  list(c(2, 2, 7, 8), c(3, 3), c(1, 2)),
  list(c(2, 2, 7, 8), c(2, 3), c(3, 4))
)

slide <- array(c(30, 27, 37, 26, 29, 19, 24, 38, 25, 15, 28, 34, 33, 22, 39, 24), c(1, 1, 4, 4))

test_that("max and average pooling are their definitions", {
  for (case in cases) {
    x <- normal(case[[1]])
    largest <- max_pool2d_forward(x, case[[2]], case[[3]])[["out"]]
    expect_identical(largest, pooled(x, case[[2]], case[[3]], max))
    average <- average_pool2d_forward(x, case[[2]], case[[3]])[["out"]]
    expected <- pooled(x, case[[2]], case[[3]], mean)
    expect_identical(dim(average), dim(expected))
    expect_lt(max(abs(average - expected)), 1e-14)
  }
})

test_that("the slide's example comes out", {
  expect_identical(slide[1, 1, 1, ], c(30, 29, 25, 33))
  passed <- max_pool2d_forward(slide, 2)
  expect_identical(passed[["out"]][1, 1, , ], rbind(c(30, 33), c(38, 39)))
  d_x <- max_pool2d_backward(array(c(1, 3, 2, 4), c(1, 1, 2, 2)), passed[["cache"]])
  expect_identical(d_x[1, 1, , ], rbind(c(1, 0, 0, 2), 0, c(0, 0, 0, 4), c(0, 3, 0, 0)))
})

test_that("of equal numbers the first, row by row, gets the gradient", {
  passed <- max_pool2d_forward(array(7, c(2, 1, 4, 4)), 2)
  d_x <- max_pool2d_backward(array(1, c(2, 1, 2, 2)), passed[["cache"]])
  expect_identical(d_x[1, 1, , ], rbind(c(1, 0, 1, 0), 0, c(1, 0, 1, 0), 0))
  expect_identical(d_x[2, 1, , ], d_x[1, 1, , ])
  x <- array(0, c(1, 1, 3, 3))
  x[1, 1, 1, 3] <- x[1, 1, 2, 1] <- 1 # in memory the second of them comes first
  d_x <- max_pool2d_backward(array(1, c(1, 1, 1, 1)), max_pool2d_forward(x, 3)[["cache"]])
  expect_identical(which(d_x != 0), 7L)
})

test_that("a NaN is the maximum, and the last of them gets the gradient", {
  x <- array(0, c(1, 1, 3, 3))
  x[1, 1, 1, 2] <- x[1, 1, 2, 1] <- NaN
  x[1, 1, 3, 3] <- 9
  passed <- max_pool2d_forward(x, 3)
  expect_identical(passed[["out"]], array(NaN, c(1, 1, 1, 1)))
  expect_identical(which(max_pool2d_backward(array(1, c(1, 1, 1, 1)), passed[["cache"]]) != 0), 2L)
})

test_that("gradients are those of central differences", {
  for (case in cases) {
    x <- normal(case[[1]])
    for (name in c("max_pool2d", "average_pool2d")) {
      forward <- get(paste0(name, "_forward"))
      backward <- get(paste0(name, "_backward"))
      passed <- forward(x, case[[2]], case[[3]])
      d_out <- normal(dim(passed[["out"]]))
      loss <- function(v) sum(forward(v, case[[2]], case[[3]])[["out"]] * d_out)
      expect_lt(max(abs(backward(d_out, passed[["cache"]]) - numerical_gradient(loss, x))), 1e-9)
    }
  }
})

test_that("global average pooling is the mean of each channel of each image", {
  x <- normal(3, 2, 4, 5)
  passed <- global_average_pool2d_forward(x)
  expect_identical(dim(passed[["out"]]), c(3L, 2L, 1L, 1L))
  expect_lt(max(abs(passed[["out"]][, , 1, 1] - apply(x, 1:2, mean))), 1e-15)
  d_out <- normal(3, 2, 1, 1)
  d_x <- global_average_pool2d_backward(d_out, passed[["cache"]])
  loss <- function(v) sum(global_average_pool2d_forward(v)[["out"]] * d_out)
  expect_lt(max(abs(d_x - numerical_gradient(loss, x))), 1e-9)
})

test_that("bad arguments are refused", {
  x <- normal(2, 3, 5, 4)
  for (forward in list(max_pool2d_forward, average_pool2d_forward)) {
    expect_error(forward(x, 5), "`size` must be from 1 x 1 to 5 x 4, the size of the images, not 5.")
    expect_error(forward(x, 0), "`size` must be one or two whole numbers of at least 1, not 0.")
    expect_error(forward(x, 2, 0), "`stride` must be one or two whole numbers of at least 1, not 0.")
    expect_error(forward(x[1, , , ], 2), "`x` must be an array of numbers (n, channels, height, width)", fixed = TRUE)
  }
})
