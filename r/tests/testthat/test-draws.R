drawn_by <- function(...) {
  output <- utils::capture.output(draws <- twinnet_draws(..., python = ""))
  list(draws = draws, output = output)
}

test_that("R's own draws stand beside those of its twin", {
  drawn <- drawn_by("r", 7, c("rnorm(3)", "sample(10, 4)", "rexp(25)"))
  draws <- drawn[["draws"]]
  set.seed(7, "Mersenne-Twister", "Inversion", "Rejection")
  expected <- c(rnorm(3), sample(10, 4), rexp(25))
  expect_identical(draws[["original"]], expected)
  expect_identical(draws[["r"]], expected)
  expect_identical(draws[["original_bits"]], draws[["r_bits"]])
  expect_identical(draws[["element"]], c(1:3, 1:4, 1:25))
  expect_true(all(draws[["equal"]]))
  words <- attr(draws, "words")
  expect_identical(words[["draws"]], c(3L, 4L, 25L))
  expect_identical(words[["original"]][[1]], 6)
  expect_identical(words[["original"]], words[["r"]])
  said <- sprintf("EQUAL: R %s and its twin in R draw the same bits in each of 32 draws", getRversion())
  expect_identical(drawn[["output"]][[length(drawn[["output"]])]], paste0(said, ", and use the same words."))
  expect_true("rexp(25): 25 drawn, the first 20" %in% drawn[["output"]])
})

test_that("samples of the old kind are drawn as R drew them", {
  draws <- drawn_by("r-rounding", 7, "sample(1000, 5)")[["draws"]]
  expect_true(all(draws[["equal"]]))
  expect_false(identical(draws[["r"]], drawn_by("r", 7, "sample(1000, 5)")[["draws"]][["r"]]))
})

test_that("without a Python the twin's draws are shown alone, and it is said why", {
  for (generator in setdiff(names(DRAWN_STREAMS), c("r", "r-rounding"))) {
    method <- if (generator == "torch") "rand" else "random"
    drawn <- drawn_by(generator, 7, sprintf("%s(3)", method))
    twin <- DRAWN_STREAMS[[generator]][["twin"]](7)
    expect_identical(drawn[["draws"]][["r"]], twin[[method]](3))
    expect_true(all(is.na(drawn[["draws"]][["original"]])))
    expect_true(all(is.na(drawn[["draws"]][["equal"]])))
    last <- drawn[["output"]][[length(drawn[["output"]])]]
    expect_match(last, "^NOT COMPARED: no Python was found; name one by the argument `python`")
  }
})

test_that("arrays are listed with the last index fastest", {
  draws <- drawn_by("numpy", 42, "normal(size = c(2, 3))")[["draws"]]
  expect_identical(draws[["r"]], as.vector(t(NumpyGenerator(42)$normal(size = c(2, 3)))))
})

test_that("text and whole numbers of 64 bits are shown in full", {
  draws <- drawn_by("torch", 1, c("random_(2)", "rand(2)"))[["draws"]]
  expect_match(draws[["r"]][1:2], "^[0-9]{17,19}$")
  expect_identical(as.numeric(draws[["r"]][3:4]), {
    generator <- TorchGenerator(1)
    generator$random_(2)
    generator$rand(2)
  })
  expect_setequal(drawn_by("python", 1, "shuffle(c('a', 'b', 'c'))")[["draws"]][["r"]], c("a", "b", "c"))
})

test_that("bits are those of the double, the sign first", {
  expect_identical(bits_of(c(1, -2, 0, 0.1)), c(
    "3ff0000000000000", "c000000000000000", "0000000000000000", "3fb999999999999a"
  ))
  expect_identical(bits_of(numeric(0)), character(0))
})

test_that("one bit, one draw or one word is a difference", {
  request <- lapply("runif(4)", draw_request, "r")
  r <- draw_in_r("r", 1, request)
  verdict_of <- function(original) {
    draws <- draws_frame("runif(4)", original, r)
    attr(draws, "source") <- list(title = "R", seed = 1, label = "R 9", missing = NULL)
    draws_verdict(draws)
  }
  original <- c(list(label = "R 9"), r)
  expect_match(verdict_of(original), "EQUAL: R 9 and its twin in R draw the same bits in each of 4 draws")
  changed <- original
  changed[["values"]][[1]][[3]] <- changed[["values"]][[1]][[3]] * (1 + .Machine[["double.eps"]])
  expect_match(verdict_of(changed), "DIFFERENT: .* differ in 1 of 4 draws, the first in runif\\(4\\) at element 3")
  shorter <- original
  shorter[["values"]][[1]] <- shorter[["values"]][[1]][1:3]
  expect_match(verdict_of(shorter), "DIFFERENT: .* differ in 1 of 4 draws, .* at element 4")
  longer <- original
  longer[["values"]][[1]] <- c(longer[["values"]][[1]], 0.5)
  expect_match(verdict_of(longer), "DIFFERENT: .* differ in 1 of 5 draws, .* at element 5")
  thirsty <- original
  thirsty[["words"]] <- thirsty[["words"]] + 1
  expect_match(verdict_of(thirsty), "DIFFERENT: .* use different numbers of words, first in runif\\(4\\)")
})

test_that("a part of the draws is printed as a data frame", {
  draws <- drawn_by("r", 7, "rnorm(3)")[["draws"]]
  expect_match(utils::capture.output(print(draws[2, ]))[[1]], "call +element +original")
  expect_identical(draws[draws[["element"]] == 2, "r"], draws[["r"]][[2]])
  expect_identical(dim(draws[c("call", "r")]), c(3L, 2L))
})

test_that("values for Python keep all their bits", {
  expect_identical(as_json(0.1 + 0.2), "0.30000000000000004")
  expect_identical(as_json(list(a = NULL, b = c(1, 2.5), c = "x\"y", d = TRUE)),
                   '{"a": null, "b": [1, 2.5], "c": "x\\"y", "d": true}')
  expect_identical(as_json(matrix(1:6, 2)), "[[1, 3, 5], [2, 4, 6]]")
  expect_identical(as_json(array(1:8, c(2, 2, 2))), "[[[1, 5], [3, 7]], [[2, 6], [4, 8]]]")
  expect_identical(as_json(array(5, 1)), "[5]")
  expect_identical(as_json(list(5)), "[5]")
  expect_identical(as_json(numeric(0)), "[]")
  expect_identical(as_json(-Inf), "-Infinity")
  expect_identical(as_json(structure(list(), names = character())), "{}")
  expect_identical(as_json(2^53), "9007199254740992")
})

test_that("the caller's generator is left as it was", {
  set.seed(99, "Wichmann-Hill", "Box-Muller")
  before <- .Random.seed
  drawn_by("r", 7, c("rnorm(3)", "sample(10)"))
  expect_identical(.Random.seed, before)
  expect_identical(RNGkind()[1:2], c("Wichmann-Hill", "Box-Muller"))
  RNGkind("default", "default", "default")
  rm(".Random.seed", envir = globalenv())
  drawn_by("r-rounding", 7, "rnorm(3)")
  expect_false(exists(".Random.seed", globalenv(), inherits = FALSE))
  expect_identical(RNGkind(), c("Mersenne-Twister", "Inversion", "Rejection"))
})

test_that("bad input is named, and calls are not evaluated beyond literals", {
  expect_error(drawn_by("fortran", 1, "rnorm(2)"), '`generator` must be one of "r", "r-rounding", "numpy"')
  expect_error(drawn_by("r", 1, "rcauchy(2)"), '`method` must be one of "runif", "rnorm"')
  expect_error(drawn_by("r", 1, c("rnorm(2)", "2")), '`calls` must be calls such as "runif(5)", not "2".', fixed = TRUE)
  expect_error(drawn_by("r", 1, character()), "`calls` must be one string or more, not nothing.", fixed = TRUE)
  expect_error(drawn_by("r", 1, "rnorm(2, var = 1)"), "unused argument \\(var = 1\\); the arguments are n, mean, sd")
  expect_error(drawn_by("r", 1, "rnorm(stop('evaluated'))"), 'could not find function "stop"')
  expect_error(drawn_by("r", 1, "rnorm(LETTERS)"), "object 'LETTERS' not found")
  expect_error(drawn_by("r", 2^31, "rnorm(2)"), "`seed` must be a whole number of at least -2147483647")
})
