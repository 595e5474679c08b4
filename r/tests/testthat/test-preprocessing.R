test_that("standardised columns are R's scale() but for the factor that its n - 1 makes", {
  x <- unname(as.matrix(datasets::iris[1:4]))
  scaled <- array(scale(x), dim(x))
  expect_lt(max(abs(sqrt(149 / 150) * standardise(x, standardise_fit(x)) - scaled)), 1e-13)
})

test_that("the standard deviation is the population's, and a constant column's is 1", {
  x <- cbind(c(1, 3, 5), c(0.1, 0.1, 0.1))
  fitted <- standardise_fit(x)
  expect_identical(fitted[["sd"]], c(sqrt(8 / 3), 1))
  expect_lt(max(abs(standardise(x, fitted)[, 2])), 1e-15)
})

test_that("other data are brought to the scale of those that were fitted", {
  fitted <- standardise_fit(cbind(c(0, 2), c(10, 30)))
  expect_identical(standardise(rbind(c(3, 40)), fitted), rbind(c(2, 2)))
  expect_error(standardise(rbind(c(3, 40, 5)), fitted), "`x` must be a matrix of 2 columns")
})

test_that("pixels become numbers from 0 to 1, and keep their places", {
  pixels <- array(0:255, c(2, 16, 8))
  expect_identical(scale_pixels(pixels), pixels / 255)
  expect_identical(scale_pixels(array(as.raw(pixels), dim(pixels))), pixels / 255)
  expect_error(scale_pixels(c(3, 256)), "`x` must be pixels from 0 to 255, not 256.", fixed = TRUE)
})

test_that("missing and infinite values are refused", {
  expect_error(standardise_fit(cbind(c(1, NA))), "`x` must be finite numbers, not NA")
  expect_error(standardise_fit(cbind(c(1, -Inf))), "`x` must be finite numbers, not -Inf")
})
