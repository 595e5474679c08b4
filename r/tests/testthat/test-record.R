test_that("what is recorded is read back, shape and all", {
  folder <- tempfile("trace")
  x <- array(rnorm(24), c(2, 3, 4))
  value <- with_recording(folder, {
    expect_identical(record("x", x), x)
    record_step(3)
    expect_identical(record_phase("forward"), "")
    record("out", c(TRUE, FALSE), of = "relu1")
    record("rows", c(5L, -1L, 2147483647L))
    record("nothing", NULL)
    "done"
  })
  expect_identical(value, "done")
  expect_identical(record_read(folder, "step0/x"), x)
  expect_identical(record_read(folder, "step3/forward/relu1.out"), c(TRUE, FALSE))
  expect_identical(record_read(folder, "step3/forward/rows"), c(5, -1, 2147483647))
  expect_error(record_read(folder, "step3/forward/nothing"), "key")
})

test_that("a recording that fails is left half-written, and another may begin", {
  folder <- tempfile("trace")
  expect_error(with_recording(folder, {
    record("x", 1)
    stop("no")
  }), "no")
  expect_false(is_recording())
  expect_error(record_read(folder, "step0/x"), "whole trace")
  with_recording(folder, record("x", 2))
  expect_identical(record_read(folder, "step0/x"), 2)
})

test_that("training records itself and computes what it computes without", {
  folder <- tempfile("trace")
  experiment <- experiment_override(experiment_read("iris_dnn"), maxit = 3)
  data <- experiment_data(experiment)
  plain <- train(experiment, data, train_start(experiment), 3)
  recorded <- with_recording(folder, train(experiment, data, train_start(experiment), 3))
  expect_identical(recorded[["params"]], plain[["params"]])
  for (key in names(plain[["params"]])) {
    expect_identical(record_read(folder, paste0("step3/update/", key)), plain[["params"]][[key]])
  }
})

test_that("what cannot be recorded is refused, and a foreign folder left alone", {
  folder <- tempfile("trace")
  with_recording(folder, {
    expect_error(record("x", "text"), "numbers")
    expect_error(record('a "name"', 1), "quotes")
    expect_error(record_start(folder), "only one")
  })
  file <- file.path(folder, "thesis.tex")
  writeLines("years of work", file)
  expect_error(record_start(folder), "earlier trace")
  expect_true(file.exists(file))
})
