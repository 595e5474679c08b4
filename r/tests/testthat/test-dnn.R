# The course's network as users call it.

rows <- local({
  generator <- RGenerator(1)
  c(generator$sample(1:50, 25), generator$sample(51:100, 25), generator$sample(101:150, 25))
})

test_that("train_dnn() prints the figures of the slides, from the seed alone", {
  printed <- capture.output(
    model <- train_dnn(x = 1:4, y = 5, traindata = iris[rows, ], testdata = iris[-rows, ], display = 500)
  )
  expect_identical(printed, c(
    "500 0.7114612 0.6666667", "1000 0.3486462 0.9733333", "1500 0.211176 0.9733333", "2000 0.1465573 0.9733333"
  ))
  predicted <- predict(model, iris[-rows, -5])
  expect_identical(levels(predicted), levels(iris[["Species"]]))
  expect_identical(sum(predicted == iris[-rows, 5]), 73L)
  expect_lt(max(abs(rowSums(predict(model, iris, type = "prob")) - 1)), 1e-14)
})

test_that("the slides' own set.seed() gives the same rows, and the caller's stream stays as it was", {
  set.seed(1)
  expect_identical(rows, c(sample(1:50, 25), sample(51:100, 25), sample(101:150, 25)))
  before <- .Random.seed
  train_dnn(traindata = iris, maxit = 2, display = 0)
  expect_identical(.Random.seed, before)
})

test_that("training in two parts gives what one longer training gives", {
  whole <- train_dnn(1:4, 5, iris[rows, ], iris[-rows, ], maxit = 300, display = 0)
  half <- train_dnn(1:4, 5, iris[rows, ], iris[-rows, ], maxit = 120, display = 0)
  resumed <- train_dnn(1:4, 5, iris[rows, ], iris[-rows, ], maxit = 180, display = 0, model = half)
  expect_identical(resumed[["run"]], whole[["run"]])
})

test_that("the formula is another way to say the columns", {
  by_formula <- dnn(Species ~ ., data = iris, maxit = 20, display = 0)
  expect_identical(by_formula[["run"]], train_dnn(1:4, 5, iris, maxit = 20, display = 0)[["run"]])
  expect_error(dnn(Species ~ log(Sepal.Width), data = iris), "`formula` must be plain columns of `data`", fixed = TRUE)
})

test_that("matrices, data frames and tables with other column orders predict alike", {
  model <- train_dnn(1:4, 5, iris, maxit = 50, display = 0)
  expect_identical(predict(model, iris), predict(model, iris[5:1]))
  expect_identical(predict(model, iris), predict(model, unname(as.matrix(iris[1:4]))))
  expect_error(predict(model, iris[1:3]), "`newdata` must be a table with the columns", fixed = TRUE)
  expect_error(predict(model, iris, type = "odds"), '`type` must be one of "class", "prob", not "odds".', fixed = TRUE)
})

test_that("a model prints, sums itself up and plots", {
  model <- train_dnn(1:4, 5, iris, maxit = 50, display = 0)
  expect_output(print(model), "Dense network 4 - 6 - 3, 50 steps of training")
  expect_output(print(summary(model)), "in all 51 parameters")
  file <- tempfile(fileext = ".png")
  png(file)
  plot(model)
  dev.off()
  expect_gt(file.size(file), 1000)
})

test_that("training that diverges warns and keeps the last good parameters", {
  expect_warning(
    model <- train_dnn(1:4, 5, iris, lr = 1e6, reg = 10, display = 0),
    "was not finite at step .* smaller `lr` than 1000000"
  )
  expect_true(params_finite(model[["run"]][["params"]]))
  expect_true(all(is.finite(predict(model, iris, type = "prob"))))
})

test_that("bad input is refused by the name of the argument and the user's own call", {
  refused <- function(message, ...) {
    error <- tryCatch(train_dnn(x = 1:4, y = 5, traindata = iris, ...), error = identity)
    expect_identical(conditionMessage(error), message)
    expect_identical(conditionCall(error)[[1]], quote(train_dnn))
  }
  refused("`lr` must be a finite number above 0, not -1.", lr = -1)
  refused("`hidden` must be a whole number of at least 1, not 0.", hidden = 0)
  refused("`maxit` must be a whole number of at least 0, not NA.", maxit = NA_real_)
  refused("`display` must be a whole number of at least 0, not (1, 2).", display = 1:2)
  missing_value <- iris
  missing_value[3, 2] <- NA
  expect_error(train_dnn(1:4, 5, missing_value), "`traindata[Sepal.Width]` must be a column of finite", fixed = TRUE)
  expect_error(train_dnn(1:4, 5, iris[1:50, ]), "`Species` must be a label with more than one class", fixed = TRUE)
  expect_error(train_dnn(1:4, 5, iris[0, ]), "`traindata` must be a table with at least one row", fixed = TRUE)
})
