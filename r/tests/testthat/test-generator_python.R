test_that("the golden draws of Python's random module are drawn", {
  expect_golden_draws("generator_python", PythonRandom)
})

test_that("the sign of a seed does not matter, and digits are the number that they write", {
  draws <- PythonRandom(2^40 + 1)$random(5)
  expect_identical(PythonRandom(-2^40 - 1)$random(5), draws)
  expect_identical(PythonRandom("1099511627777")$random(5), draws)
  expect_identical(PythonRandom("-0x10000000001")$random(5), draws)
})

test_that("the second of two normal draws is kept for the next call", {
  together <- PythonRandom(9)$gauss(0, 1, 6)
  generator <- PythonRandom(9)
  expect_identical(c(generator$gauss(), generator$gauss(0, 1, 3), generator$gauss(0, 1, 2)), together)
  expect_null(generator$get_state()[["gauss_next"]])
})

test_that("numbers are ranges, vectors and lists are populations", {
  order <- PythonRandom(4)$shuffle(26) + 1
  expect_identical(PythonRandom(4)$shuffle(letters), letters[order])
  expect_identical(PythonRandom(4)$shuffle(as.list(letters)), as.list(letters)[order])
  expect_identical(PythonRandom(4)$choice(array(7, 1)), 7)
  expect_identical(PythonRandom(4)$sample(letters, 0), character(0))
  expect_error(PythonRandom(4)$shuffle(matrix(1:4, 2)), "`x` must be a vector or a whole number of at least 0")
})

test_that("a stream goes on from its state", {
  generator <- PythonRandom(1)
  generator$gauss(0, 1, 7)
  state <- generator$get_state()
  draws <- generator$gauss(0, 1, 5)
  expect_identical(PythonRandom(2)$set_state(state)$gauss(0, 1, 5), draws)
})

test_that("the caller's .Random.seed stays as it is", {
  use <- function() {
    generator <- PythonRandom(3)
    generator$gauss(0, 1, 10)
    generator$sample(100, 10)
    try(generator$sample(2, 3), silent = TRUE)
  }
  set.seed(5)
  before <- .Random.seed
  use()
  expect_identical(.Random.seed, before)
  rm(".Random.seed", envir = globalenv())
  use()
  expect_false(exists(".Random.seed", globalenv()))
})

test_that("ranges that doubles cannot hold are refused", {
  generator <- PythonRandom(1)
  expect_error(generator$getrandbits(54), "`k` must be a whole number of at least 0 and at most 53, not 54.")
  expect_error(generator$randrange(-2^53, 2^53), "`stop` must be less than 2^53 away from `start`", fixed = TRUE)
})
