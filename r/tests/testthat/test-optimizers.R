steps_of <- function(optimizer, params, grads, steps) {
  optimizer <- optimizer_check(optimizer)
  state <- optimizer_init(optimizer, params)
  for (step in seq_len(steps)) {
    stepped <- optimizer_step(optimizer, params, grads, state)
    params <- stepped[["params"]]
    state <- stepped[["state"]]
  }
  list(params = params, state = state)
}

test_that("every optimizer goes down a slope, keeps shapes and names, and leaves alone what has no gradient", {
  params <- list(w = matrix(c(1, 2, 3, 4), 2), b = c(5, 6))
  grads <- list(w = matrix(c(0.5, 0, 0, 1), 2), b = c(0, 2))
  for (name in OPTIMIZERS) {
    after <- steps_of(list(name = name), params, grads, 5)[["params"]]
    expect_identical(lapply(after, dim), lapply(params, dim), label = name)
    expect_identical(names(after), names(params), label = name)
    moved <- unlist(grads) > 0
    expect_true(all(unlist(after)[moved] < unlist(params)[moved]), label = name)
    expect_identical(unlist(after)[!moved], unlist(params)[!moved], label = name)
  }
})

test_that("the notes' momentum is sgd's with a velocity of -lr times as much", {
  params <- list(w = matrix(c(1, 2, 3, 4), 2))
  grads <- list(w = matrix(c(0.5, -1, 0.25, 1), 2))
  notes <- steps_of(list(name = "momentum", lr = 0.1, alpha = 0.9), params, grads, 10)
  pytorch <- steps_of(list(name = "sgd", lr = 0.1, momentum = 0.9), params, grads, 10)
  expect_lt(max(abs(notes[["params"]][["w"]] - pytorch[["params"]][["w"]])), 1e-14)
  velocity <- -0.1 * pytorch[["state"]][["momentum_buffer"]][["w"]]
  expect_lt(max(abs(notes[["state"]][["velocity"]][["w"]] - velocity)), 1e-14)
})

test_that("adam's first step is lr in size, whatever the gradient's", {
  params <- list(w = c(0, 0, 0, 0))
  after <- steps_of(list(name = "adam", lr = 0.01, eps = 0), params, list(w = c(1e-5, -1, 7, -1e5)), 1)
  expect_lt(max(abs(after[["params"]][["w"]] - c(-0.01, 0.01, -0.01, 0.01))), 1e-15)
})

test_that("a state can be saved and read back", {
  path <- tempfile()
  on.exit(unlink(path))
  params <- list(w = matrix(c(1, 2, 3, 4) / 3, 2))
  grads <- list(w = matrix(c(0.5, -1, 0.25, 1) / 7, 2))
  for (name in setdiff(OPTIMIZERS, "gradient_descent")) {
    optimizer <- optimizer_check(list(name = name))
    reached <- steps_of(optimizer, params, grads, 3)
    saveRDS(reached, path)
    read <- readRDS(path)
    expect_identical(
      optimizer_step(optimizer, read[["params"]], grads, read[["state"]]),
      optimizer_step(optimizer, reached[["params"]], grads, reached[["state"]])
    )
  }
})

test_that("unknown names and settings are refused, and the message lists the known ones", {
  expect_error(optimizer_check(list(name = "adamant")), "`optimizer` must be one of \"gradient_descent\", \"sgd\"")
  expect_error(optimizer_check(list(name = "sgd", betas = 1)), "`setting of sgd` must be one of \"name\", \"lr\"")
  expect_error(optimizer_check(list(name = "adam", beta2 = 1)), "`beta2` must be .* at least 0 and below 1")
  expect_error(optimizer_check(list(name = "adam", eps = NA)), "`eps` must be a finite number")
})
