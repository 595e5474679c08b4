test_that("golden fused multiply-adds are rounded once", {
  cases <- jsonlite::fromJSON(shared_data_path("golden/float32.json"), simplifyVector = FALSE)[["cases"]]
  expect_length(cases, 4)
  for (case in cases) {
    numbers <- lapply(case[c("a", "b", "c", "result")], function(x) as.numeric(unlist(x)))
    fused <- get(case[["function"]])(numbers[["a"]], numbers[["b"]], numbers[["c"]])
    expect_identical(fused, numbers[["result"]], label = case[["function"]])
  }
})

test_that("rounding to float32 is to the nearest, ties to even", {
  expect_identical(f32_round(0.1), 13421773 / 2^27)
  expect_identical(f32_round(c(1 + 2^-24, 1 + 3 * 2^-24, 1 + 2^-24 + 2^-52)), c(1, 1 + 2^-22, 1 + 2^-23))
  expect_identical(f32_round(c(2^-150, 2^-150 * 1.5, 3 * 2^-150)), c(0, 2^-149, 2^-148))
  expect_identical(f32_round(c(2^128, -2^128, 2^128 - 2^103, 2^128 - 2^103 - 2^75)), c(Inf, -Inf, Inf, 2^128 - 2^104))
  expect_identical(1 / f32_round(-0), -Inf)
  expect_identical(f32_round(c(NaN, 1)), c(NaN, 1))
  expect_identical(f32_round(matrix(1:6, 2)), matrix(as.double(1:6), 2))
  expect_identical(f32_round(numeric(0)), numeric(0))
})

test_that("one rounding is not two", {
  a <- 1 + 2^-30
  expect_identical(fma64(a, a, -1), 2^-29 + 2^-60)
  expect_false(fma64(a, a, -1) == a * a - 1)
  b <- 1 + 2^-12
  expect_identical(fma32(b, b, -1), 2^-11 + 2^-24)
  expect_identical(fma32(2^-12, 2^-12, 1 + 2^-23), 1 + 2^-22)
  # 2^-54 below a tie: the double sum is the tie itself
  expect_identical(fma32(2^-12 * (1 + 2^-15), 2^-12 * (1 - 2^-15), 1 + 2^-23), 1 + 2^-23)
})

test_that("a zero has IEEE's sign", {
  expect_identical(1 / fma64(c(0, 0, -0, -0), c(1, -1, 1, -1), -0), c(Inf, -Inf, -Inf, Inf))
  expect_identical(1 / fma32(c(0, 0, -0, -0), c(1, -1, 1, -1), -0), c(Inf, -Inf, -Inf, Inf))
  expect_identical(1 / fma64(3, 5, -15), Inf)
})

test_that("numbers that would over- or underflow are refused", {
  expect_error(fma64(2^960, 1, 1), "`a` must be below 2^960 in size, not 9.7453140114e+288.", fixed = TRUE)
  expect_error(fma64(1, 1, c(0, NaN)), "`c` must be below 2^960 in size, not NaN.", fixed = TRUE)
  expect_error(fma64(2^-500, 2^-500, 1), "`a * b` must be 0 or from 2^-900 to 2^960 in size", fixed = TRUE)
})
