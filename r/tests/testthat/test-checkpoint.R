test_that("a run that was saved goes on as if nothing had been in between", {
  experiment <- experiment_override(experiment_read("iris_dnn"), lr = 0.05)
  experiment[["optimizer"]] <- optimizer_check(list(name = "adam"))
  experiment[["batch_size"]] <- 20
  data <- experiment_data(experiment)
  run <- train(experiment, data, train_start(experiment), 10, evaluate_every = 3)
  path <- tempfile(fileext = ".safetensors")
  on.exit(unlink(path))
  checkpoint_write(path, run, experiment)
  expect_equal(checkpoint_read(path, experiment), run, tolerance = 0)
  whole <- train(experiment, data, run, 20, evaluate_every = 3)
  resumed <- train_saved(experiment, data, path, 30, save_every = 7, evaluate_every = 3)
  expect_equal(resumed, whole, tolerance = 0)
  expect_equal(checkpoint_read(path, experiment), whole, tolerance = 0)
})

test_that("a checkpoint of another experiment is refused, and stays", {
  experiment <- experiment_read("xor_mlp")
  path <- tempfile(fileext = ".safetensors")
  on.exit(unlink(path))
  checkpoint_write(path, train_start(experiment), experiment)
  before <- tools::md5sum(path)
  another <- experiment_override(experiment, seed = 7)
  expect_error(checkpoint_read(path, another), "is a checkpoint of another experiment: its `seed` is ")
  expect_error(train_saved(another, experiment_data(another), path, 10), "is a checkpoint of another experiment")
  expect_identical(tools::md5sum(path), before)
  expect_error(safetensors_write(file.path(path, "below"), list()), "What was there before is unchanged.", fixed = TRUE)
})

test_that("parameters alone are written and read", {
  experiment <- experiment_read("xor_mlp")
  params <- train_start(experiment)[["params"]]
  path <- tempfile(fileext = ".safetensors")
  on.exit(unlink(path))
  params_write(path, params)
  expect_identical(params_read(path, experiment), params)
})
