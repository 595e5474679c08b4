# Every element, not their mean, which is what expect_equal() looks at.
expect_each_near <- function(a, b, tolerance) {
  expect_length(a, length(b))
  expect_lte(max(abs(a - b) / abs(b)), tolerance)
}

test_that("the golden draws of NumPy's default_rng are drawn", {
  expect_golden_draws("generator_numpy", NumpyGenerator)
})

test_that("shapes are filled with the last index fastest", {
  draws <- NumpyGenerator(3)$random(24)
  cube <- NumpyGenerator(3)$random(c(2, 3, 4))
  expect_identical(dim(cube), c(2L, 3L, 4L))
  expect_identical(cube[2, 3, 4], draws[[24]])
  expect_identical(cube[1, 2, 1], draws[[5]])
})

test_that("half a word is kept for the next 32-bit draw, past draws of whole words", {
  together <- NumpyGenerator(9)$integers(0, 2^32, 6)
  generator <- NumpyGenerator(9)
  apart <- c(generator$integers(0, 2^32), generator$integers(0, 2^32, 4))
  expect_identical(generator$get_state()[["has_uint32"]], 1)
  generator$random(3)
  expect_identical(c(apart, generator$integers(0, 2^32)), together)
  expect_identical(generator$words_drawn(), 6)
})

test_that("one seed can be written in several ways", {
  words <- SeedSequence("0x1f2e3d4c5b6a7988")$generate_state(4)
  expect_identical(SeedSequence("2246800662264969608")$generate_state(4), words)
  expect_identical(SeedSequence(c(0x5b6a7988, 0x1f2e3d4c))$generate_state(4), words)
  expect_identical(SeedSequence(list("0x5b6a7988", 0x1f2e3d4c))$generate_state(4), words)
  expect_identical(NumpyGenerator(7)$random(3), NumpyGenerator(SeedSequence(7))$random(3))
})

test_that("children are new ones at every call", {
  sequence <- SeedSequence(1)
  keys <- lapply(c(sequence$spawn(2), sequence$spawn(1)), function(child) child$spawn_key)
  expect_identical(keys, list(0, 1, 2))
  expect_identical(sequence$n_children_spawned, 3)
  expect_identical(sequence$spawn(1)[[1]]$spawn(1)[[1]]$spawn_key, c(3, 0))
})

test_that("numbers of 128 bits are written and read in decimal digits", {
  expect_identical(decimal_from_words(c(0, 0, 0, 0)), "0")
  expect_identical(decimal_from_words(rep(2^32 - 1, 4)), "340282366920938463463374607431768211455")
  for (text in c("0", "9", "1000000", "4294967296", "123456789012345678901234567890")) {
    expect_identical(decimal_from_words(words_from_text(text, "text")), text)
  }
})

test_that("the matrices of the jumps lead where single steps lead", {
  state <- digits_from_words(c(1, 2, 3, 4))
  increment <- digits_from_words(c(5, 6, 7, 8))
  stream <- pcg_new(numeric(8))
  pcg_set_state(stream, c(1, 2, 3, 4), c(5, 6, 7, 8))
  for (step in 1:70) {
    state <- multiply_add_128(state, PCG_MULTIPLIER, increment)
    pcg_block(stream, 1)
    expect_identical(stream[["state"]], words_from_digits(state))
  }
  at_once <- pcg_new(numeric(8))
  pcg_set_state(at_once, c(1, 2, 3, 4), c(5, 6, 7, 8))
  pcg_block(at_once, 70)
  expect_identical(at_once[["state"]], stream[["state"]])
})

test_that("the sums of the jumps are exact: they stay below 2^53", {
  for (jump in PCG_JUMPS) {
    for (word in 1:4) {
      largest <- rowSums(jump[["state"]][[word]] + jump[["increment"]][[word]]) * (2^16 - 1)
      expect_lt(max(largest) + 2^32, 2^53)
    }
  }
})

test_that("the constants of the ziggurats are those of their formulas, but for the last bits", {
  normal <- ZIGGURAT_NORMAL
  expect_identical(lengths(normal[c("k", "w", "f")]), c(k = 256L, w = 256L, f = 256L))
  edges <- normal[["w"]] * 2^52 # the width of layer i; the last is where the tail begins, layer 0 is wider
  expect_each_near(edges[[256]], normal[["r"]], 1e-12)
  expect_each_near(normal[["f"]][-1], exp(-edges[-1]^2 / 2), 1e-12)
  expect_each_near(normal[["k"]][-(1:2)], floor(2^52 * edges[2:255] / edges[3:256]), 1e-12)
  expect_each_near(normal[["inv_r"]], 1 / normal[["r"]], 1e-15)
  exponential <- ZIGGURAT_EXPONENTIAL
  edges <- exponential[["w"]] * 2^53
  expect_each_near(edges[[256]], exponential[["r"]], 1e-12)
  expect_each_near(exponential[["f"]][-1], exp(-edges[-1]), 1e-12)
  expect_each_near(exponential[["k"]][-(1:2)], floor(2^53 * edges[2:255] / edges[3:256]), 1e-12)
})

test_that("a stream goes on from its state", {
  generator <- NumpyGenerator(1)
  generator$integers(5, size = 7)
  state <- generator$get_state()
  draws <- generator$integers(5, size = 7)
  expect_identical(NumpyGenerator(2)$set_state(state)$integers(5, size = 7), draws)
})

test_that("the caller's .Random.seed stays as it is", {
  use <- function() {
    generator <- NumpyGenerator(c(1, 2))
    generator$standard_normal(1000)
    try(generator$choice(2, 3, FALSE), silent = TRUE)
  }
  set.seed(5)
  before <- .Random.seed
  use()
  expect_identical(.Random.seed, before)
  rm(".Random.seed", envir = globalenv())
  use()
  expect_false(exists(".Random.seed", globalenv()))
})

test_that("limits that doubles cannot hold are refused", {
  generator <- NumpyGenerator(1)
  expect_error(generator$integers(0, 2^54), "`high` must be a whole number")
  expect_error(generator$integers(-2^53, 2^53), "`high` must be at most 2^53 above `low`", fixed = TRUE)
  expect_error(NumpyGenerator(2^60), "`seed` must be a whole number of at least 0, not")
  expect_identical(generator$words_drawn(), 0)
})
