# The convolution against its definition written out with loops, and its gradients against central differences.

normal <- function(...) {
  shape <- c(...)
  array(RGenerator(sum(shape))$rnorm(prod(shape)), shape)
}

convolved <- function(x, w, b, stride, padding) {
  shape <- dim(x)
  size <- dim(w)[3:4]
  padded <- array(0, shape + c(0, 0, 2 * padding))
  padded[, , padding[[1]] + seq_len(shape[[3]]), padding[[2]] + seq_len(shape[[4]])] <- x
  counts <- (dim(padded)[3:4] - size) %/% stride + 1
  out <- array(0, c(shape[[1]], nrow(w), counts))
  for (i in seq_len(shape[[1]])) {
    for (o in seq_len(nrow(w))) {
      for (p in seq_len(counts[[1]])) {
        for (q in seq_len(counts[[2]])) {
          rows <- (p - 1) * stride[[1]] + seq_len(size[[1]])
          columns <- (q - 1) * stride[[2]] + seq_len(size[[2]])
          out[i, o, p, q] <- b[[o]] + sum(padded[i, , rows, columns] * w[o, , , ])
        }
      }
    }
  }
  out
}

# images, kernels, stride, padding
cases <- list(
  list(c(2, 3, 6, 5), c(4, 3, 3, 3), c(1, 1), c(0, 0)),
  list(c(1, 1, 1, 1), c(1, 1, 1, 1), c(1, 1), c(0, 0)),
  list(c(1, 1, 5, 5), c(1, 1, 3, 3), c(1, 1), c(0, 0)),
  list(c(3, 2, 4, 5), c(2, 2, 4, 5), c(1, 1), c(0, 0)),
  list(c(2, 2, 7, 6), c(3, 2, 2, 4), c(1, 1), c(1, 0)),
  list(c(2, 2, 8, 9), c(3, 2, 3, 1), c(3, 2), c(2, 2)),
  list(c(2, 1, 6, 7), c(2, 1, 1, 5), c(2, 3), c(0, 1))
)

test_that("the convolution is its definition", {
  for (case in cases) {
    x <- normal(case[[1]])
    w <- normal(case[[2]])
    b <- normal(nrow(w))
    out <- conv2d_forward(x, w, b, stride = case[[3]], padding = case[[4]])[["out"]]
    expected <- convolved(x, w, b, case[[3]], case[[4]])
    expect_identical(dim(out), dim(expected))
    expect_lt(max(abs(out - expected)), 1e-13)
  }
})

test_that("one number for stride and padding stands for both directions", {
  x <- normal(2, 2, 7, 8)
  w <- normal(3, 2, 3, 3)
  expect_identical(conv2d_forward(x, w, 1:3, 2, 1)[["out"]], conv2d_forward(x, w, 1:3, c(2, 2), c(1, 1))[["out"]])
})

test_that("its gradients are those of central differences", {
  for (case in cases) {
    x <- normal(case[[1]])
    w <- normal(case[[2]])
    b <- normal(nrow(w))
    forward <- function(x, w, b) conv2d_forward(x, w, b, case[[3]], case[[4]])
    passed <- forward(x, w, b)
    d_out <- normal(dim(passed[["out"]]))
    d <- conv2d_backward(d_out, passed[["cache"]])
    loss <- function(x, w, b) sum(forward(x, w, b)[["out"]] * d_out)
    expect_lt(max(abs(d[["d_x"]] - numerical_gradient(function(v) loss(v, w, b), x))), 1e-8)
    expect_lt(max(abs(d[["d_w"]] - numerical_gradient(function(v) loss(x, v, b), w))), 1e-8)
    expect_lt(max(abs(d[["d_b"]] - numerical_gradient(function(v) loss(x, w, v), b))), 1e-8)
  }
})

test_that("the input gradient can be left out", {
  passed <- conv2d_forward(normal(2, 3, 6, 5), normal(4, 3, 3, 3), 1:4)
  d_out <- normal(2, 4, 4, 3)
  d <- conv2d_backward(d_out, passed[["cache"]], input_gradient = FALSE)
  expect_null(d[["d_x"]])
  expect_identical(d[c("d_w", "d_b")], conv2d_backward(d_out, passed[["cache"]])[c("d_w", "d_b")])
})

test_that("its arguments are not changed", {
  x <- normal(2, 3, 6, 5)
  w <- normal(4, 3, 3, 3)
  passed <- conv2d_forward(x, w, 1:4, padding = 1)
  out <- passed[["out"]] + 0
  conv2d_backward(out, passed[["cache"]])
  conv2d_forward(-x, w, 1:4, padding = 1)
  expect_identical(passed[["out"]], out)
  expect_identical(x, normal(2, 3, 6, 5))
  expect_identical(w, normal(4, 3, 3, 3))
})

test_that("bad arguments are refused", {
  x <- normal(2, 3, 5, 4)
  expect_error(
    conv2d_forward(x, normal(6, 2, 3, 3), numeric(6)),
    "`w` must be an array of kernels (out_channels, 3, height, width), as `x` has channels, not an array of shape",
    fixed = TRUE
  )
  expect_error(
    conv2d_forward(x, normal(6, 3, 6, 3), numeric(6)),
    "`w` must be from 1 x 1 to 5 x 4, the size of the padded images, not an array of shape (6, 3, 6, 3).",
    fixed = TRUE
  )
  expect_error(conv2d_forward(x[1, , , ], normal(6, 3, 3, 3), numeric(6)), "`x` must be an array of numbers (n, ch",
    fixed = TRUE
  )
  expect_error(
    conv2d_forward(x, normal(6, 3, 3, 3), numeric(6), stride = 0),
    "`stride` must be one or two whole numbers of at least 1, not 0."
  )
  expect_error(
    conv2d_forward(x, normal(6, 3, 3, 3), numeric(6), padding = c(0, -1)),
    "`padding` must be one or two whole numbers of at least 0, not (0, -1).",
    fixed = TRUE
  )
})
