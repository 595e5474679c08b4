test_that("the golden draws of NumPy's RandomState are drawn", {
  expect_golden_draws("generator_numpy_legacy", NumpyRandomState)
})

test_that("shapes are filled with the last index fastest", {
  draws <- NumpyRandomState(3)$random(24)
  cube <- NumpyRandomState(3)$random(c(2, 3, 4))
  expect_identical(dim(cube), c(2L, 3L, 4L))
  expect_identical(cube[2, 3, 4], draws[[24]])
  expect_identical(cube[1, 2, 1], draws[[5]])
})

test_that("the second of two normal draws is kept for the next call", {
  together <- NumpyRandomState(9)$standard_normal(6)
  generator <- NumpyRandomState(9)
  expect_identical(c(generator$randn(), generator$randn(3), generator$normal(0, 1, 2)), together)
  expect_identical(generator$get_state()[["has_gauss"]], 0)
})

test_that("a number is a count, an array of one number is a population", {
  expect_identical(NumpyRandomState(0)$permutation(array(7, 1)), array(7, 1))
  expect_identical(NumpyRandomState(0)$choice(array(7, 1), 2), c(7, 7))
  expect_identical(sort(NumpyRandomState(0)$permutation(7)), as.double(0:6))
})

test_that("a list of one seed is a sequence, as in NumPy", {
  expect_identical(NumpyRandomState(list(5))$random(), 0.62290169488970191)
  expect_identical(NumpyRandomState(5)$random(), 0.22199317108973948)
})

test_that("rows of a data frame, elements of a list and of a factor can be shuffled", {
  order <- NumpyRandomState(4)$permutation(150) + 1
  expect_identical(NumpyRandomState(4)$shuffle(iris), iris[order, ])
  expect_identical(NumpyRandomState(4)$shuffle(iris$Species), iris$Species[order])
  expect_identical(NumpyRandomState(4)$shuffle(as.list(1:150)), as.list(1:150)[order])
})

test_that("a stream goes on from its state", {
  generator <- NumpyRandomState(1)
  generator$standard_normal(7)
  state <- generator$get_state()
  draws <- generator$standard_normal(5)
  expect_identical(NumpyRandomState(2)$set_state(state)$standard_normal(5), draws)
  state[["bit_generator"]] <- "PCG64"
  expect_error(generator$set_state(state), '`bit_generator` must be one of "MT19937", not "PCG64".', fixed = TRUE)
})

test_that("the caller's .Random.seed and RNGkind stay as they are", {
  use <- function() {
    generator <- NumpyRandomState(c(1, 2))
    generator$random(1000)
    generator$choice(10, 3, FALSE, rep(0.1, 10))
    try(generator$choice(2, 3, FALSE), silent = TRUE)
  }
  kinds <- RNGkind()
  on.exit(RNGkind(kinds[[1]], kinds[[2]], kinds[[3]]))
  set.seed(5, kind = "Super-Duper", normal.kind = "Box-Muller")
  before <- .Random.seed
  use()
  expect_identical(.Random.seed, before)
  expect_identical(RNGkind()[1:2], c("Super-Duper", "Box-Muller"))
  rm(".Random.seed", envir = globalenv())
  use()
  expect_false(exists(".Random.seed", globalenv()))
})

test_that("limits that doubles cannot hold are refused", {
  generator <- NumpyRandomState(1)
  expect_error(generator$randint(0, 2^54), "`high` must be a whole number")
  expect_error(generator$randint(-2^53, 2^53), "`high` must be at most 2^53 above `low`", fixed = TRUE)
  expect_error(generator$random("3"), '`size` must be whole numbers of at least 0, not "3".', fixed = TRUE)
  expect_identical(generator$words_drawn(), 0)
})
