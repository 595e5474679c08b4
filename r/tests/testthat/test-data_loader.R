test_that("a network is PyTorch's in all that is random, from its seed alone", {
  golden <- jsonlite::fromJSON(shared_data_path("golden/data_loader.json"), simplifyVector = FALSE)
  expect_gte(length(golden[["cases"]]), 1)
  for (case in golden[["cases"]]) {
    generator <- TorchGenerator(case[["seed"]], "avx2")
    layers <- list(
      conv1 = conv2d_init(generator, 1, 4, 3),
      conv2 = conv2d_init(generator, 4, 8, 3),
      linear1 = linear_init(generator, 128, 16),
      linear2 = linear_init(generator, 16, 3)
    )
    for (name in names(layers)) {
      for (part in c("weight", "bias")) {
        expected <- as.numeric(unlist(case[["weights"]][[paste0(name, ".", part)]]))
        drawn <- layers[[name]][[part]]
        drawn <- as.vector(if (is.null(dim(drawn))) drawn else aperm(drawn))
        expect_identical(drawn, expected, label = paste(name, part))
      }
    }
    step <- 0
    for (epoch in 1:3) {
      for (batch in data_loader_batches(data_loader_order(generator, 200), batch_size = 32)) {
        step <- step + 1
        expect_identical(batch, unlist(case[["batches"]][[step]]), label = paste("batch", step))
        mask <- generator$dropout_mask(c(length(batch), 8, 4, 4), 0.25)
        expect_identical(paste(aperm(mask), collapse = ""), case[["masks"]][[step]], label = paste("mask", step))
      }
    }
    expect_identical(step, 21)
    expect_identical(generator$words_drawn(), as.double(case[["words_drawn"]]))
  }
})

test_that("a loader that does not shuffle draws all the same", {
  generator <- TorchGenerator(0)
  expect_identical(data_loader_order(generator, 5, shuffle = FALSE), 0:4)
  expect_identical(generator$words_drawn(), 2)
})

test_that("a loader's own generator draws the permutation, and another one at the end", {
  generator <- TorchGenerator(0)
  order <- data_loader_order(generator, 10, own_generator = TRUE)
  expect_identical(generator$words_drawn(), 2 + 9 + 9)
  again <- TorchGenerator(0)
  expect_identical(data_loader_order(again, 10, own_generator = TRUE, finish = FALSE), order)
  expect_identical(again$words_drawn(), 2 + 9)
})

test_that("batches are cut as PyTorch cuts them", {
  expect_identical(data_loader_batches(0:6, 3), list(0:2, 3:5, 6L))
  expect_identical(data_loader_batches(0:6, 3, drop_last = TRUE), list(0:2, 3:5))
  expect_identical(data_loader_batches(0:1, 3, drop_last = TRUE), list())
  expect_error(data_loader_batches(0:6, 0), "`batch_size` must be a whole number of at least 1", fixed = TRUE)
  expect_error(data_loader_order(TorchGenerator(0), 0), "`n` must be a whole number of at least 1", fixed = TRUE)
})
