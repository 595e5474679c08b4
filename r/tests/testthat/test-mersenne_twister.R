# Run code with R's generator as a caller might have left it, and put back what there was before.
with_callers_rng <- function(prepare, code) {
  caller <- keep_caller_rng(globalenv())
  on.exit(restore_caller_rng(globalenv(), caller))
  suppressWarnings(force(prepare))
  force(code)
}

forget_seed <- function() {
  suppressWarnings(rm(".Random.seed", envir = globalenv()))
}

test_that("the words are those that the authors of the Mersenne Twister published", {
  # mt19937ar.out, and the 10000th word that the C++ standard gives for the seed 5489.
  array <- mt_new(mt_init_by_array(c(0x123, 0x234, 0x345, 0x456)))
  expect_identical(mt_words(array, 5), c(1067595299, 955945823, 477289528, 4107218783, 4228976476))
  default <- mt_words(mt_new(mt_init_genrand(5489)), 10000)
  expect_identical(default[1:3], c(3499211612, 581869302, 3890346734))
  expect_identical(default[[10000]], 4123659995)
})

test_that("the key of an R seed is the one that set.seed makes", {
  for (seed in c(0, 1, -1, 42, 2^31 - 1, -(2^31 - 1))) {
    with_callers_rng(set.seed(seed, "Mersenne-Twister"), {
      expect_identical(integers_from_words(mt_seed_r(seed)), .Random.seed[-(1:2)])
    })
  }
})

test_that("the words are those of R's own twister, the words 0 and 2^31 of the key among them", {
  key <- mt_seed_r(3)
  key[c(2, 3, 600)] <- c(0, 2^31, 2^31)
  stream <- mt_new(key, 1)
  expect_identical(mt_state(stream), list(key = key, pos = 1))
  with_callers_rng(assign(".Random.seed", c(10403L, 1L, integers_from_words(key)), globalenv()), {
    expected <- floor(stats::runif(2000) * 2^32)
    expect_identical(mt_words(stream, 2000), expected)
  })
  expect_identical(expected[[1]], 0)
})

test_that("32-bit words are multiplied and combined without loss", {
  expect_identical(word_multiply(2^32 - 1, 2^32 - 1), 1)
  expect_identical(word_multiply(65537, 65537), 131073)
  expect_identical(word_multiply(c(0, 3), 2^31), c(0, 2^31))
  expect_identical(word_xor(2^32 - 1, c(0, 1, 2^31, 2^32 - 1)), c(2^32 - 1, 2^32 - 2, 2^31 - 1, 0))
  expect_identical(words_from_integers(integers_from_words(c(0, 1, 2^31, 2^32 - 1))), c(0, 1, 2^31, 2^32 - 1))
})

test_that("words that are given back come again, and are counted once", {
  expected <- mt_words(mt_new(mt_seed_r(1)), 2000)
  stream <- mt_new(mt_seed_r(1))
  mt_words(stream, 100)
  mark <- mt_mark(stream)
  mt_words(stream, 1500)
  mt_rewind(stream, mark, 623)
  expect_identical(stream[["drawn"]], 723)
  expect_identical(mt_words(stream, 1277), expected[724:2000])
})

test_that("a caller of any kind keeps its state and its kinds", {
  uniforms <- c("Wich", "Mars", "Super", "Mersenne", "Knuth-TAOCP", "Knuth-TAOCP-2002", "L'Ecuyer")
  normals <- c("Kinderman-Ramage", "Ahrens", "Box", "Inversion")
  for (kind in uniforms) {
    for (normal in normals) {
      for (sampling in c("Rounding", "Rejection")) {
        with_callers_rng({
          RNGkind(kind, normal, sampling)
          set.seed(1)
        }, {
          before <- .Random.seed
          kinds <- RNGkind()
          mt_words(mt_new(mt_seed_r(1)), 10)
          expect_identical(.Random.seed, before)
          # R's own memory of its kinds, which shows once `.Random.seed` is gone
          forget_seed()
          expect_identical(RNGkind(), kinds)
          mt_words(mt_new(mt_seed_r(1)), 10)
          expect_false(exists(".Random.seed", globalenv()))
          expect_identical(RNGkind(), kinds)
        })
      }
    }
  }
})

test_that("the second normal draw that Box-Muller has put by is not lost", {
  with_callers_rng({
    RNGkind("Mersenne-Twister", "Box-Muller", "Rejection")
    set.seed(1)
  }, {
    expected <- stats::rnorm(4)
    set.seed(1)
    first <- stats::rnorm(1)
    mt_words(mt_new(mt_seed_r(1)), 10)
    expect_identical(c(first, stats::rnorm(3)), expected)
  })
})

test_that("an error while drawing leaves the caller and the stream as they were", {
  with_callers_rng(set.seed(5, "Wichmann-Hill"), {
    before <- .Random.seed
    stream <- mt_new(mt_seed_r(1))
    state <- mt_state(stream)
    expect_error(with_private_seed(stream, stop(stats::runif(1))))
    expect_identical(.Random.seed, before)
    expect_identical(mt_state(stream), state)
    forget_seed()
    expect_error(with_private_seed(stream, stop(stats::runif(1))))
    expect_false(exists(".Random.seed", globalenv()))
  })
})
