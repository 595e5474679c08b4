# What R alone can prove of the exact arithmetic.

test_that("exact runs have the checksums that every language has of them", {
  golden <- jsonlite::fromJSON(shared_data_path("golden/exact_runs.json"), simplifyVector = FALSE)
  has_mnist <- nzchar(Sys.getenv("TWINNET_SHARED_DATA")) # the package alone has not
  cases <- Filter(function(case) has_mnist || !case[["needs_mnist"]], golden[["cases"]])
  expect_gte(length(cases), 20)
  for (case in cases) {
    experiment <- experiment_variants(experiment_read(case[["experiment"]]))[[case[["variant"]]]]
    overrides <- lapply(case[["overrides"]], unlist)
    experiment <- do.call(experiment_override, c(list(experiment), overrides, arithmetic = "exact"))
    label <- paste(case[["variant"]], toString(overrides))
    expect_identical(run_checksum(experiment)[["run"]], case[["checksum"]], label = label)
  }
})

test_that("the arithmetic is what with_arithmetic() says, and again what it was, also after an error", {
  expect_identical(arithmetic_setting(), "native")
  inside <- with_arithmetic("exact", c(arithmetic_setting(), with_arithmetic("native", arithmetic_setting())))
  expect_identical(inside, c("exact", "native"))
  expect_error(with_arithmetic("exact", stop("within")), "within", fixed = TRUE)
  expect_identical(arithmetic_setting(), "native")
  expect_error(with_arithmetic("nearly", 1), "`arithmetic` must be one of", fixed = TRUE)
})

test_that("a fault of the arithmetic is named", {
  expect_null(exact_check(`+`, `*`, `%*%`))
  truncated <- function(x, y) {
    z <- x + y
    ifelse(abs(z) > abs(x) & abs(y) < abs(x), x, z)
  }
  single <- function(a, b) matrix(readBin(writeBin(as.vector(a %*% b), raw(), size = 4), "double", 1600, size = 4), 40)
  expect_error(exact_check(truncated, `*`, `%*%`), "not rounded to the nearest", fixed = TRUE)
  expect_error(exact_check(`+`, function(x, y) ifelse(abs(x * y) < 2^-1022, 0, x * y), `%*%`), "flushed", fixed = TRUE)
  expect_error(exact_check(`+`, `*`, single), "the BLAS rounds where it need not", fixed = TRUE)
})

test_that("exact products and functions are near the native ones", {
  a <- matrix(sin(1:6000), 100)
  b <- matrix(cos(1:3000), 60)
  expect_lt(max(abs(exact_matmul(a, b) - a %*% b)), 1e-14)
  expect_identical(exact_matmul_tn(t(a), b), exact_matmul(a, b))
  expect_identical(exact_matmul_nt(a, t(b)), exact_matmul(a, b))
  x <- c(a) * 5
  expect_lt(max(abs(exact_exp(x) / exp(x) - 1)), 5e-16)
  expect_lt(max(abs(exact_log(exp(x)) - x)), 1e-14)
  expect_lt(max(abs(exact_tanh(x) - tanh(x))), 5e-16)
})
