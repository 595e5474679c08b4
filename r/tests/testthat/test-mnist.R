idx_file <- function(values, shape) {
  path <- tempfile(fileext = ".gz")
  file <- gzfile(path, "wb")
  writeBin(as.raw(c(0, 0, 8, length(shape))), file)
  writeBin(as.integer(shape), file, endian = "big")
  writeBin(as.raw(values), file)
  close(file)
  path
}

test_that("MNIST is read whole, with the first digits and counts that are known of it", {
  if (!nzchar(Sys.getenv("TWINNET_SHARED_DATA"))) { # the package alone, which has not MNIST: then it must say so
    expect_error(load_mnist(), "TWINNET_SHARED_DATA names the folder", fixed = TRUE)
    return(invisible())
  }
  mnist <- load_mnist()
  expect_identical(dim(mnist[["x_train"]]), c(60000L, 28L, 28L))
  expect_identical(dim(mnist[["x_test"]]), c(10000L, 28L, 28L))
  expect_identical(sort(unique(mnist[["labels_train"]])), 0:9)
  expect_length(mnist[["labels_test"]], 10000)
  batch <- mnist_batch(mnist[["x_test"]], c(10000, 1))
  expect_identical(dim(batch), c(2L, 784L))
  for (row in c(1, 15, 28)) {
    expect_identical(batch[2, 28 * (row - 1) + 1:28], as.integer(mnist[["x_test"]][1, row, ]) / 255)
  }
  expect_identical(mnist_images(mnist[["x_test"]], 10000)[1, 1, 15, ], batch[1, 28 * 14 + 1:28])
  expect_error(mnist_batch(mnist[["x_test"]], c(1, 10001)), "`rows` must be numbers of the 10000 images, from 1")
})

test_that("the last index runs fastest in a file", {
  path <- idx_file(0:23, c(2, 3, 4))
  on.exit(unlink(path))
  expect_identical(read_idx(path)[2, 1, ], as.raw(12:15))
})

test_that("a file that is foreign, damaged or another is refused by name", {
  path <- idx_file(0:23, c(2, 3, 4))
  on.exit(unlink(path))
  expect_error(read_idx(path, "00"), "is not the file expected: its MD5 is [0-9a-f]{32}, not 00")
  packed <- readBin(path, "raw", file.size(path))
  writeBin(packed[seq_len(length(packed) - 9)], path)
  expect_error(read_idx(path), paste(basename(path), "is damaged: it does not hold the 2 x 3 x 4 bytes"))
  writeLines("5,0,4,1", path)
  expect_error(read_idx(path), "is not an IDX file of unsigned bytes: it begins with 35 2c 30 2c")
  unlink(path)
  expect_error(read_idx(path), "There is no file")
})

test_that("reading leaves no connection open, whatever happens", {
  before <- nrow(showConnections())
  path <- idx_file(0:23, c(2, 3, 4))
  on.exit(unlink(path))
  read_idx(path)
  writeLines("5,0,4,1", path)
  expect_error(read_idx(path))
  expect_identical(nrow(showConnections()), before)
})

test_that("Fashion-MNIST's first images are read, and more are asked for with the ways to get them", {
  if (!nzchar(Sys.getenv("TWINNET_SHARED_DATA")) && !dir.exists(FASHION_MNIST_DEBIAN)) { # the package alone
    expect_error(load_fashion_mnist(2000, 500), "There are no 2000 + 500 images of Fashion-MNIST.", fixed = TRUE)
    return(invisible())
  }
  small <- load_fashion_mnist(2000, 500)
  expect_identical(dim(small[["x_train"]])[-1], c(28L, 28L))
  expect_identical(FASHION_MNIST_CLASSES[small[["labels_test"]][1:3] + 1], c("Ankle boot", "Pullover", "Trouser"))
})
