test_that("the golden weights of PyTorch are drawn", {
  golden <- jsonlite::fromJSON(shared_data_path("golden/torch_init.json"), simplifyVector = FALSE)
  expect_gte(length(golden[["cases"]]), 5)
  for (case in golden[["cases"]]) {
    generator <- TorchGenerator(case[["seed"]], "avx2")
    for (call in case[["calls"]]) {
      draws <- do.call(call[["function"]], c(list(generator), lapply(call[["arguments"]], unlist)))
      draws <- if (is.list(draws)) draws else list(tensor = draws)
      for (name in names(call[["result"]])) {
        expected <- call[["result"]][[name]]
        values <- as.numeric(unlist(expected[["values"]]))
        shape <- unlist(expected[["shape"]])
        expected <- if (length(shape) > 1) fill_by_row(values, shape) else values
        label <- sprintf("%s, %s, seed %s", call[["function"]], name, case[["seed"]])
        expect_identical(draws[[name]], expected, label = label)
      }
    }
  }
})

test_that("gains and fans are PyTorch's", {
  expect_identical(calculate_gain("tanh"), 5 / 3)
  expect_identical(calculate_gain("leaky_relu", 0), sqrt(2))
  expect_identical(calculate_gain("leaky_relu"), sqrt(2 / (1 + 0.01^2)))
  expect_identical(fan_in_and_fan_out(c(8, 3, 5, 5)), list(fan_in = 75, fan_out = 200))
  expect_error(calculate_gain("gelu"), "`nonlinearity` must be one of", fixed = TRUE)
  expect_error(fan_in_and_fan_out(3), "`shape` must be two sizes or more", fixed = TRUE)
  expect_warning(calculate_gain("leaky_relu", 0.5102), "last bit of PyTorch's gain may differ", fixed = TRUE)
})

test_that("a layer without biases has weights only", {
  expect_named(linear_init(TorchGenerator(0), 3, 2, bias = FALSE), "weight")
  expect_identical(dim(conv2d_init(TorchGenerator(0), 3, 8, c(5, 2))[["weight"]]), c(8L, 3L, 5L, 2L))
})
