test_that("the golden draws of PyTorch's generator are drawn", {
  expect_golden_draws("generator_torch", function(seed) TorchGenerator(seed, "avx2"))
})

test_that("shapes are filled with the last index fastest", {
  draws <- TorchGenerator(3)$rand(24)
  cube <- TorchGenerator(3)$rand(c(2, 3, 4))
  expect_identical(dim(cube), c(2L, 3L, 4L))
  expect_identical(cube[2, 3, 4], draws[[24]])
  expect_identical(cube[1, 2, 1], draws[[5]])
  kept <- TorchGenerator(3)$bernoulli(matrix(c(1, 0, 1, 0), 2))
  expect_identical(kept, matrix(c(1, 0, 1, 0), 2))
})

test_that("the second of two normal numbers is kept for the next call", {
  together <- TorchGenerator(9)$randn(6, "float64")
  generator <- TorchGenerator(9)
  apart <- c(generator$randn(1, "float64"), generator$randn(3, "float64"), generator$randn(2, "float64"))
  expect_identical(apart, together)
  generator$randn(1)
  expect_false(is.null(generator$get_state()[["next_normal"]]))
  generator$manual_seed(9)
  expect_null(generator$get_state()[["next_normal"]])
  expect_identical(generator$randn(6, "float64"), together)
})

test_that("float32 numbers are float32 values", {
  generator <- TorchGenerator(1)
  for (draws in list(generator$rand(20), generator$uniform_(20, -1, 3), generator$randn(5), generator$randn(50))) {
    expect_identical(f32_round(draws), draws)
  }
  expect_false(all(f32_round(generator$rand(20, "float64")) == generator$rand(20, "float64")))
})

test_that("seeds beyond 2^53 are strings of digits, and negative ones count from 2^64", {
  expect_identical(TorchGenerator(7)$initial_seed(), 7)
  expect_identical(TorchGenerator(2^53 - 1)$initial_seed(), 2^53 - 1)
  expect_identical(TorchGenerator(2^53)$initial_seed(), "9007199254740992")
  expect_identical(TorchGenerator(-1)$initial_seed(), "18446744073709551615")
  expect_identical(TorchGenerator("-9223372036854775808")$initial_seed(), "9223372036854775808")
  expect_identical(TorchGenerator("18446744073709551615")$rand(3), TorchGenerator(-1)$rand(3))
  expect_identical(TorchGenerator(2^32 + 5)$rand(3), TorchGenerator(5)$rand(3))
  for (seed in list("18446744073709551616", "-9223372036854775809", 2^54, 1.5, "1e3", NA, c(1, 2), NULL)) {
    expect_error(TorchGenerator(seed), "`seed` must be a whole number from -2^63 to 2^64 - 1", fixed = TRUE)
  }
})

test_that("whole numbers of 64 bits keep all their digits", {
  expect_identical(digits_of_words(c(0, 0, 2^31, 2^32 - 1), c(0, 1e6, 0, 2^32 - 1)),
                   c("0", "1000000", "9223372036854775808", "18446744073709551615"))
  expect_identical(words_of_digits("18446744073709551615"), c(2^32 - 1, 2^32 - 1))
  expect_identical(words_of_digits("1000000"), c(0, 1e6))
  expect_identical(minus_words(c(0, 1)), c(2^32 - 1, 2^32 - 1))
  expect_identical(minus_words(c(2^31, 0)), c(2^31, 0))
  expect_match(TorchGenerator(0)$random_(50), "^[0-9]{1,19}$")
  expect_identical(TorchGenerator(0)$random_(0), character(0))
  # 2^64 - 1 = 2047 (mod 2^53 - 1), and 2^64 - 1 = 0 (mod 3 * 5 * 17 * 257 * 65537)
  expect_identical(remainder_of_words(2^32 - 1, 2^32 - 1, 2^53 - 1), 2047)
  expect_identical(remainder_of_words(c(2^32 - 1, 1), c(2^32 - 1, 5), 2^32 - 1), c(0, 6))
})

test_that("a stream goes on from its state, and from PyTorch's bytes", {
  generator <- TorchGenerator(1)
  generator$randn(7)
  state <- generator$get_state()
  bytes <- generator$torch_state()
  expect_type(bytes, "raw")
  expect_length(bytes, 5056)
  draws <- generator$randn(5)
  expect_identical(TorchGenerator(2)$set_state(state)$randn(5), draws)
  taken <- TorchGenerator(2)$from_torch_state(bytes)
  expect_identical(taken$torch_state(), bytes)
  expect_identical(taken$randn(5), draws)
  expect_identical(taken$initial_seed(), 1)
  fresh <- TorchGenerator(3)
  expect_identical(TorchGenerator(4)$from_torch_state(fresh$torch_state())$words_drawn(), 0)
  bytes[[13]] <- as.raw(0)
  expect_error(taken$from_torch_state(bytes), "seeded state")
  expect_error(taken$from_torch_state(bytes[-1]), "5056 bytes")
})

test_that("the words are counted", {
  generator <- TorchGenerator(5)
  generator$rand(1000)
  generator$randn(17, "float64")
  generator$dropout_mask(10, 0)
  generator$dropout_mask(10, 1)
  expect_identical(generator$words_drawn(), 1000 + 2 * (17 + 16))
})

test_that("the caller's generator is left alone", {
  set.seed(1)
  before <- .Random.seed
  generator <- TorchGenerator(1)
  generator$randn(20)
  generator$randperm(9)
  try(generator$rand(-1), silent = TRUE)
  expect_identical(.Random.seed, before)
})

test_that("bad arguments are refused by name", {
  generator <- TorchGenerator(0)
  expect_error(generator$rand(-1), "`size` must be a whole number of at least 0, not -1.", fixed = TRUE)
  expect_error(generator$uniform_(3, 1, 0), "`b` must be a finite number of at least 1", fixed = TRUE)
  expect_error(generator$normal_(3, 0, -1), "`std` must be a finite number of at least 0, not -1.", fixed = TRUE)
  expect_error(generator$randint(3, 3, 1), "`high` must be a whole number of at least 4, not 3.", fixed = TRUE)
  expect_error(generator$bernoulli(c(0.5, 1.5)), "`p` must be probabilities, from 0 to 1", fixed = TRUE)
  expect_error(generator$bernoulli_(3, 2), "`p` must be a finite number", fixed = TRUE)
  expect_error(generator$rand(3, "float16"), "`dtype` must be one of", fixed = TRUE)
  expect_error(TorchGenerator(0, "sse2"), "`variant` must be one of", fixed = TRUE)
  expect_identical(generator$words_drawn(), 0)
})
