test_that("the golden splits of scikit-learn's train_test_split are made", {
  golden <- jsonlite::fromJSON(shared_data_path("golden/splits.json"), simplifyVector = FALSE)
  expect_gte(length(golden[["cases"]]), 5)
  for (case in golden[["cases"]]) {
    rows <- do.call(train_test_split_indices, c(case["n"], lapply(case[["arguments"]], unlist)))
    expect_identical(rows[["train"]] - 1L, unlist(case[["train"]]))
    expect_identical(rows[["test"]] - 1L, unlist(case[["test"]]))
  }
})

test_that("rows are counted from 1 and every row is used once", {
  rows <- train_test_split_indices(150, test_size = 50, random_state = 3)
  expect_identical(sort(c(rows[["train"]], rows[["test"]])), 1:150)
  expect_identical(sort(shuffle_indices(9, 1)), 1:9)
  folds <- kfold_indices(11, 3, TRUE, 2)
  expect_identical(sort(unlist(lapply(folds, `[[`, "test"))), 1:11)
  expect_identical(lengths(lapply(folds, `[[`, "test")), c(4L, 4L, 3L))
})

test_that("a factor is split by its labels, whatever the order of its levels", {
  plain <- train_test_split_indices(150, random_state = 1, stratify = as.character(iris$Species))
  turned <- factor(iris$Species, levels = rev(levels(iris$Species)))
  expect_identical(train_test_split_indices(150, random_state = 1, stratify = turned), plain)
  expect_identical(sort(as.vector(table(iris$Species[plain[["test"]]]))), c(12L, 13L, 13L))
})

test_that("text is sorted by code points, whatever the locale", {
  labels <- rep(c("b", "A", "a", "B"), each = 5)
  expect_identical(check_classes(labels, 20, c(train = 10, test = 10)), rep(c(4L, 1L, 3L, 2L), each = 5))
})

test_that("the caller's .Random.seed stays as it is", {
  set.seed(5)
  before <- .Random.seed
  train_test_split_indices(150, random_state = 1, stratify = iris$Species)
  kfold_indices(10, 2, TRUE, 1)
  expect_identical(.Random.seed, before)
})
