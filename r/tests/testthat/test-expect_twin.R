trace_of <- function(...) {
  folder <- tempfile("trace")
  values <- list(...)
  with_recording(folder, for (name in names(values)) record(name, values[[name]]))
  folder
}

# What expect_twin() says when it fails.
complaint <- function(...) {
  tryCatch(
    {
      expect_twin(...)
      "nothing"
    },
    expectation_failure = conditionMessage
  )
}

expect_said <- function(said, text) {
  expect_match(said, text, fixed = TRUE)
}

expect_refused <- function(code, text) {
  expect_error(code, text, fixed = TRUE)
}

x <- matrix(c(1, 2, 3, 4, 5, 6) / 8, 2)

test_that("what is in the trace is expected, by its key or by the end of it", {
  trace <- trace_of(x = x, n = 1:3, ok = c(TRUE, FALSE), holes = c(1, NaN, Inf), none = numeric())
  expect_twin(x, trace, "step0/x")
  expect_twin(x, trace, "x", tolerance = 0, atol = 0)
  expect_twin(1:3, trace, "n")
  expect_twin(c(a = 1, b = 2, c = 3), trace, "n")
  expect_twin(c(TRUE, FALSE), trace, "ok")
  expect_twin(c(1, NaN, Inf), trace, "holes")
  expect_twin(c(1, NA, Inf), trace, "holes")
  expect_twin(numeric(), trace, "none")
  expect_twin(x * (1 + 1e-10), trace, "x")
})

test_that("a failure names the first element that differs, both values and how far apart they are", {
  trace <- trace_of(x = x)
  bent <- x
  bent[2, 1] <- 0.5
  bent[1, 3] <- 0.75
  expect_identical(complaint(bent, trace, "x"), paste(
    "The twins differ first at step0/x[0, 2], which is [1, 3] in R:",
    "  trace   0.625",
    "  here    0.75",
    "  apart   0.12 absolute, 0.17 relative, 1125899906842624 ULPs; allowed: rtol 1e-09, atol 1e-12",
    "  differing: 2 of 6 elements, the largest difference 0.25 at [1, 0]",
    sep = "\n"
  ))
  expect_said(complaint(t(x), trace, "x"), "The twins differ at step0/x: shape (2, 3) in the trace, (3, 2) here.")
  expect_said(complaint(as.vector(x), trace, "x"), "shape (2, 3) in the trace, (6) here")
  expect_said(complaint(replace(x, 1, NaN), trace, "x"), "here    NaN\n  apart   infinitely far")
  expect_said(complaint(replace(x, 1, -Inf), trace, "x"), "here    -Inf\n  apart   infinitely far")
})

test_that("one element of a million is found, and a single bit where nothing is allowed", {
  zeros <- numeric(1e6)
  trace <- trace_of(zeros = zeros, one = 1)
  expect_said(complaint(replace(zeros, 123457, 1e-9), trace, "zeros"), "zeros[123456], which is [123457] in R")
  expect_twin(1 + 2^-52, trace, "one")
  said <- complaint(1 + 2^-52, trace, "one", tolerance = 0, atol = 0)
  expect_said(said, "1.0000000000000002\n  apart   2.2e-16 absolute")
  expect_said(said, ", 1 ULP; allowed")
})

test_that("units in the last place are counted across zero and beyond 2^32", {
  expect_identical(ulps_apart(5e-324, -5e-324), 2)
  expect_identical(ulps_apart(0, -0), 0)
  expect_identical(ulps_apart(1, 1 + 2^-52), 1)
  expect_identical(ulps_apart(1, 2), 2^52)
  expect_identical(ulps_apart(-1, 1), 2 * 1023 * 2^52)
})

test_that("what cannot be compared is refused", {
  trace <- tempfile("trace")
  with_recording(trace, {
    record("x", 1)
    record_step(1)
    record("x", 2)
  })
  expect_refused(expect_twin("a", trace, "x"), "`object` must be a vector, matrix or array of numbers, not \"a\".")
  expect_refused(expect_twin(1, trace, "y"), "`name` must be that of one tensor of the trace, not \"y\".")
  expect_refused(expect_twin(1, trace, "x"), "not \"x, which may be step0/x, step1/x\".")
  expect_refused(expect_twin(1, tempdir(), "x"), "`trace` must be the folder of a whole trace, with its manifest.json")
  expect_refused(expect_twin(1, trace, "step0/x", tolerance = -1), "`tolerance` must be a finite number of at least 0")
  file <- file.path(trace, "float64.npy")
  writeBin(readBin(file, "raw", file.size(file) - 8), file)
  expect_refused(expect_twin(2, trace, "step1/x"), "float64.npy is cut off")
})
