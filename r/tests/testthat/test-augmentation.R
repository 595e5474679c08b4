images <- array((0:59) / 59, c(3, 1, 4, 5))

test_that("brightness multiplies each image by a factor of its own", {
  changed <- augment_brightness(images, RGenerator(1), 0.5)
  factors <- 0.5 + RGenerator(1)$runif(3)
  for (i in 1:3) {
    expect_identical(changed[i, 1, , ], pmin(images[i, 1, , ] * factors[[i]], 1))
  }
})

test_that("noise adds a number to each pixel, and stays from 0 to 1", {
  changed <- augment_noise(images, RGenerator(1), 0.5)
  noise <- array(RGenerator(1)$rnorm(60), dim(images))
  expect_identical(changed, pmin(pmax(images + 0.5 * noise, 0), 1))
  expect_identical(range(changed), c(0, 1))
})

test_that("a shift moves images and brings in zeros", {
  moves <- random_integers(RGenerator(4), -1, 2, c(3, 2))
  changed <- augment_shift(images, RGenerator(4), 1)
  padded <- array(0, c(3, 6, 7))
  padded[, 2:5, 2:6] <- images
  for (i in 1:3) {
    expect_identical(changed[i, 1, , ], padded[i, 2:5 - moves[i, 1], 2:6 - moves[i, 2]])
  }
  expect_gt(length(unique(as.vector(moves))), 1)
})

test_that("images without channels, and all generators, will do", {
  plain <- array(images, c(3, 4, 5))
  for (constructor in list(RGenerator, NumpyGenerator, NumpyRandomState, TorchGenerator)) {
    for (augment in list(augment_brightness, augment_noise, augment_shift)) {
      changed <- augment(plain, constructor(2), 1)
      expect_identical(dim(changed), dim(plain))
      expect_false(identical(changed, plain))
    }
  }
})
