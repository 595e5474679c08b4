# The values of calls in R itself after set.seed, and the state they leave; the global state is put back.
in_r_itself <- function(seed, sample_kind, calls) {
  caller <- keep_caller_rng(globalenv())
  on.exit(restore_caller_rng(globalenv(), caller))
  suppressWarnings(set.seed(seed, "Mersenne-Twister", "Inversion", sample_kind))
  list(draws = lapply(calls, eval), seed = globalenv()[[".Random.seed"]])
}

# The same calls with the generator's methods in the place of R's functions.
in_the_class <- function(generator, calls) {
  lapply(calls, eval, envir = mget(ls(generator), envir = generator), enclos = environment())
}

calls <- expression(
  runif(5), rnorm(7), rexp(9), rbinom(11, 1, 0.3), rbinom(5, 100, 0.5), sample(13), runif(623),
  rnorm(625, 2, 3), runif(4, c(1, 2), c(2, 2)), rnorm(4, c(0, Inf), c(1, 0)), rexp(3, c(1, Inf)), rnorm(0),
  sample(7, 0),
  rbinom(6, c(0, 50), c(0.1, 0.9, 1)), sample(c("a", "b", "c")), sample(5.7), sample(0.5), sample(1),
  sample(100, 150, TRUE), sample(70000, 5), sample(2e7, 4), sample(3e9, 4), sample(300, 9, TRUE, 301:600),
  sample(6, 4, prob = c(1, 2, 2, 1, 0, 3)), sample(6, 9, TRUE, c(1, 2, 2, 1, 0, 3)),
  sample(iris[["Species"]], 5), sample(c(a = 1, b = 2, c = 3))
)

test_that("the golden draws of R are drawn", {
  golden <- jsonlite::fromJSON(shared_data_path("golden/generator_r.json"), simplifyVector = FALSE)
  expect_gte(length(golden[["cases"]]), 5)
  for (case in golden[["cases"]]) {
    generator <- RGenerator(case[["seed"]], case[["sample_kind"]])
    for (call in case[["calls"]]) {
      draws <- do.call(generator[[call[["method"]]]], lapply(call[["arguments"]], unlist))
      label <- sprintf("%s, seed %s, %s", call[["method"]], case[["seed"]], case[["sample_kind"]])
      expect_identical(as.double(draws), as.double(unlist(call[["result"]])), label = label)
    }
    expect_identical(generator$get_random_seed()[1:5], unlist(case[["random_seed"]]))
  }
})

test_that("the methods draw what R's functions draw after set.seed", {
  for (sample_kind in c("Rejection", "Rounding")) {
    for (seed in c(0, 1, -1, 42, 2^31 - 1, -(2^31 - 1))) {
      expected <- in_r_itself(seed, sample_kind, calls)
      generator <- RGenerator(seed, sample_kind)
      expect_identical(in_the_class(generator, calls), expected[["draws"]])
      expect_identical(generator$get_random_seed(), expected[["seed"]])
    }
  }
})

test_that("shuffle puts a vector in the order of sample(length(x))", {
  expected <- in_r_itself(3, "Rejection", expression(letters[sample(length(letters))]))
  expect_identical(RGenerator(3)$shuffle(letters), expected[["draws"]][[1]])
  expect_identical(RGenerator(3)$shuffle(7.5), 7.5)
})

test_that("a stream goes on from its state, and its words are counted", {
  generator <- RGenerator(1, "Rounding")
  generator$rnorm(700)
  expect_identical(generator$words_drawn(), 1400)
  generator$sample(10)
  state <- generator$get_state()
  expect_identical(state[["drawn"]], 1410)
  draws <- generator$sample(100)
  expect_identical(RGenerator(2)$set_state(state)$sample(100), draws)
  expect_identical(RGenerator(2)$set_state(state)$words_drawn(), 1410)
  seed <- generator$get_random_seed()
  expect_identical(RGenerator(2)$set_random_seed(seed)$sample(100), generator$sample(100))
  expect_identical(RGenerator(2)$set_random_seed(seed)$words_drawn(), 0)
})

test_that("a state with the word 2^31, which R shows as NA, can be taken and given", {
  seed <- RGenerator(1)$get_random_seed()
  seed[c(3, 100)] <- NA
  generator <- RGenerator(1)$set_random_seed(seed)
  expect_identical(generator$get_random_seed(), seed)
  expect_identical(generator$get_state()[["key"]][c(1, 98)], c(2^31, 2^31))
})

test_that("an argument that draws, draws from the caller's generator", {
  expected <- in_r_itself(8, "Rejection", expression(runif(1), runif(1)))
  caller <- keep_caller_rng(globalenv())
  on.exit(restore_caller_rng(globalenv(), caller))
  set.seed(8, "Mersenne-Twister", "Inversion", "Rejection")
  generator <- RGenerator(1)
  draws <- generator$rnorm(3, mean = stats::runif(1), sd = stats::runif(1))
  expect_identical(draws, RGenerator(1)$rnorm(3, expected[["draws"]][[1]], expected[["draws"]][[2]]))
  expect_identical(globalenv()[[".Random.seed"]], expected[["seed"]])
})

test_that("the caller's .Random.seed and RNGkind stay as they are, also when a call fails", {
  caller <- keep_caller_rng(globalenv())
  on.exit(restore_caller_rng(globalenv(), caller))
  suppressWarnings(RNGkind("Wichmann-Hill", "Box-Muller", "Rounding"))
  set.seed(3)
  before <- .Random.seed
  kinds <- RNGkind()
  use <- function() {
    for (sample_kind in c("Rejection", "Rounding")) {
      generator <- RGenerator(1, sample_kind)
      in_the_class(generator, calls)
      expect_error(generator$sample(3, 4))
      expect_error(generator$rnorm(3, sd = -1))
      generator$words_drawn()
    }
  }
  use()
  expect_identical(.Random.seed, before)
  rm(".Random.seed", envir = globalenv())
  expect_identical(RNGkind(), kinds)
  use()
  expect_false(exists(".Random.seed", globalenv()))
  expect_identical(RNGkind(), kinds)
})

test_that("errors name the argument", {
  generator <- RGenerator(1)
  expect_error(generator$rnorm(3, sd = -1), "`sd` must be finite numbers of at least 0, not -1", fixed = TRUE)
  expect_error(RGenerator(NA), "`seed` must be a whole number")
  expect_error(RGenerator(2^31), "`seed` must be a whole number")
  expect_error(RGenerator(1, "rounding"), '`sample_kind` must be one of "Rejection"', fixed = TRUE)
  expect_error(generator$rnorm(2, NA_real_), "`mean` must be numbers, not NA.", fixed = TRUE)
  expect_error(generator$sample(iris), "`x` must be a vector")
  expect_error(generator$set_random_seed(NULL), "`vector` must be R's .Random.seed", fixed = TRUE)
})
