# MNIST and Fashion-MNIST: digits and clothes, read from IDX files and kept as bytes until a batch of them is used.
# An IDX file is two zero bytes, a type (08: unsigned bytes), the number of dimensions, their sizes as 32-bit words with
# the highest byte first, and the values with the last index running fastest (LeCun, Cortes, Burges; the files and their
# licences are in shared_data/mnist and shared_data/fashion_mnist_small). Twin: python/twinnet/mnist.py.

# The files of each data set, and the MD5 of what they hold unpacked.
MNIST_CHECKSUMS <- c(
  "train-images-idx3-ubyte.gz" = "6bbc9ace898e44ae57da46a324031adb",
  "train-labels-idx1-ubyte.gz" = "a25bea736e30d166cdddb491f175f624",
  "t10k-images-idx3-ubyte.gz" = "2646ac647ad5339dbf082846283269ea",
  "t10k-labels-idx1-ubyte.gz" = "27ae3e4e09519cfbb04c329615203637"
)
FASHION_MNIST_CHECKSUMS <- c(
  "train-images-idx3-ubyte.gz" = "f4a8712d7a061bf5bd6d2ca38dc4d50a",
  "train-labels-idx1-ubyte.gz" = "9018921c3c673c538a1fc5bad174d6f9",
  "t10k-images-idx3-ubyte.gz" = "8181f5470baa50b63fa0f6fddb340f0a",
  "t10k-labels-idx1-ubyte.gz" = "15d484375f8d13e6eb1aabb0c3f46965"
)
# Its first 2000 and 500 images, which are in shared_data.
FASHION_MNIST_SMALL_CHECKSUMS <- c(
  "train-images-idx3-ubyte.gz" = "7f9091a9289757d4759f4db021f25698",
  "train-labels-idx1-ubyte.gz" = "286ec15c542ee97cbedb47658809cb4d",
  "t10k-images-idx3-ubyte.gz" = "4255ad7a7e77f5f027f05fd7644a6d38",
  "t10k-labels-idx1-ubyte.gz" = "46aa1f456ad6a5c48b50f4f28b2cc651"
)
FASHION_MNIST_DEBIAN <- "/usr/share/datasets/fashion-mnist"
FASHION_MNIST_HOME <- "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"

#' The classes of Fashion-MNIST
#' @export
FASHION_MNIST_CLASSES <- c(
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot"
)

#' Read an IDX file of unsigned bytes
#'
#' @param path The file, as it is or compressed by gzip.
#' @param checksum The MD5 of the file's unpacked bytes, in hexadecimal digits, if it is to be checked.
#' @return An array of bytes (`raw`) of the dimensions that the file's header says; of one dimension, a vector. Stops if
#'   there is no such file, or it is not an IDX file of unsigned bytes, or is damaged, or is another than the
#'   checksum's.
#' @references LeCun, Cortes and Burges, The MNIST database of handwritten digits.
#' @export
read_idx <- function(path, checksum = NULL) {
  if (!file.exists(path) || dir.exists(path)) {
    stop(sprintf("There is no file %s.", path))
  }
  file <- gzfile(path, "rb") # which reads files that are not packed, too
  on.exit(close(file))
  magic <- read_bytes(file, 4)
  dimensions <- as.integer(magic[4])
  if (length(magic) < 4 || !identical(magic[1:3], as.raw(c(0, 0, 8))) || dimensions == 0) {
    begins <- if (length(magic) > 0) paste(magic, collapse = " ") else "nothing"
    what <- sprintf("is not an IDX file of unsigned bytes: it begins with %s, not with 00 00 08", begins)
    refuse_file(path, what)
  }
  sizes <- read_bytes(file, 4 * dimensions)
  if (length(sizes) < 4 * dimensions) {
    refuse_file(path, sprintf("is damaged: it ends before the sizes of its %d dimensions", dimensions))
  }
  shape <- drop(256^(3:0) %*% matrix(as.integer(sizes), 4))
  size <- prod(shape)
  data <- if (size < 2^31 - 1) read_bytes(file, size + 1) else raw()
  if (length(data) != size || !ends_whole(path, 4 + 4 * dimensions + size)) {
    promised <- paste(sprintf("%.0f", shape), collapse = " x ")
    refuse_file(path, sprintf("is damaged: it does not hold the %s bytes that its header promises", promised))
  }
  if (!is.null(checksum)) {
    digest <- md5_of(magic, sizes, data)
    if (digest != checksum) {
      refuse_file(path, sprintf("is not the file expected: its MD5 is %s, not %s", digest, checksum))
    }
  }
  if (dimensions > 1) fill_by_row(data, shape) else data
}

#' The MNIST images and labels, or others in files of the same names
#'
#' @param folder Where the four files are; if left out, those of MNIST in `shared_data`, and their checksums are
#'   checked.
#' @return A list: `x_train` (60000, 28, 28) and `x_test` (10000, 28, 28), pixels from 0 to 255 as bytes (`raw`);
#'   `labels_train` and `labels_test`, whole numbers from 0 to 9. Stops with a message that names the file that is
#'   missing, is damaged, is another, or does not go with the others.
#' @references LeCun, Cortes and Burges, The MNIST database of handwritten digits. Course, lessons B, C and E.
#' @export
load_mnist <- function(folder = NULL) {
  if (is.null(folder)) read_image_set(shared_data_path("mnist"), MNIST_CHECKSUMS) else read_image_set(folder)
}

#' The Fashion-MNIST images and labels: clothes instead of digits
#'
#' @param train,test How many training and test images are needed, at least. The first 2000 and 500 are read from
#'   `shared_data/fashion_mnist_small`; for more, all are read from `shared_data/fashion_mnist` or from where Debian's
#'   package dataset-fashion-mnist has them. Checksums are checked.
#' @return As [load_mnist()]; label i, from 0, is of class i + 1 of [FASHION_MNIST_CLASSES]. Stops if there are not that
#'   many images, and says how to get them; or with a message that names the file that is damaged or is another.
#' @references Xiao, Rasul and Vollgraf (2017), Fashion-MNIST: a novel image dataset for benchmarking machine learning
#'   algorithms.
#' @export
load_fashion_mnist <- function(train = 60000, test = 10000) {
  folder <- file.path(shared_data_folder(), "fashion_mnist")
  small <- list(list(file.path(shared_data_folder(), "fashion_mnist_small"), FASHION_MNIST_SMALL_CHECKSUMS))
  places <- if (train <= 2000 && test <= 500) small
  places <- c(places, lapply(c(folder, FASHION_MNIST_DEBIAN), list, FASHION_MNIST_CHECKSUMS))
  for (place in places) {
    if (file.exists(file.path(place[[1]], "train-images-idx3-ubyte.gz"))) {
      return(read_image_set(place[[1]], place[[2]]))
    }
  }
  stop(
    sprintf("There are no %d + %d images of Fashion-MNIST. Get them by `make fashion` in a checkout ", train, test),
    "of twinnet, or on Debian or Ubuntu by `sudo apt-get install dataset-fashion-mnist`, or put the four files of ",
    sprintf("%s into %s. The first 2000 + 500 are in twinnet's shared_data.", FASHION_MNIST_HOME, folder)
  )
}

#' Some of the images, as the first layer of a network takes them
#'
#' `mnist_images()` is for a convolution layer, `mnist_batch()` for an affine layer.
#'
#' @param x Images from [load_mnist()], bytes: an array (n, h, w).
#' @param rows Which images, m numbers from 1.
#' @return Pixels in \[0, 1\]: an array (m, 1, h, w), or a matrix (m, h * w) with the pixels of an image's first row
#'   first. Stops if a row is not one of the images.
#' @export
mnist_images <- function(x, rows) {
  images <- scale_pixels(x[check_rows(rows, nrow(x)), , , drop = FALSE])
  fill_by_column(images, c(length(rows), 1, dim(x)[-1]))
}

#' @rdname mnist_images
#' @export
mnist_batch <- function(x, rows) {
  shape <- dim(x)
  check_rows(rows, shape[[1]])
  # as a matrix the pixels of an image stand column after column: put them row after row, in a tenth of aperm()'s time
  pixels <- fill_by_column(x[rows, , , drop = FALSE], c(length(rows), prod(shape[-1])))
  by_row <- as.vector(t(matrix(seq_len(ncol(pixels)), shape[[2]], shape[[3]])))
  scale_pixels(pixels[, by_row, drop = FALSE])
}

# The images and labels of the four files in a folder.
read_image_set <- function(folder, checksums = NULL) {
  train <- read_part("train", folder, checksums)
  test <- read_part("t10k", folder, checksums)
  list(
    x_train = train[["images"]],
    labels_train = train[["labels"]],
    x_test = test[["images"]],
    labels_test = test[["labels"]]
  )
}

# The images and labels of the files of one part, "train" or "t10k", if they go together.
read_part <- function(part, folder, checksums) {
  names <- paste0(part, c("-images-idx3-ubyte.gz", "-labels-idx1-ubyte.gz"))
  paths <- file.path(folder, names)
  arrays <- lapply(paths, function(path) read_idx(path, if (!is.null(checksums)) checksums[[basename(path)]]))
  images <- arrays[[1]]
  labels <- as.integer(arrays[[2]])
  dimensions <- vapply(arrays, function(array) max(length(dim(array)), 1), 0)
  for (i in which(dimensions != c(3, 1))) {
    refuse_file(paths[[i]], sprintf("holds an array of %d dimensions, not of %d", dimensions[[i]], c(3, 1)[[i]]))
  }
  if (length(labels) != nrow(images)) {
    refuse_file(paths[[2]], sprintf("holds %d labels for %d images", length(labels), nrow(images)))
  }
  if (length(labels) > 0 && max(labels) > 9) {
    refuse_file(paths[[2]], sprintf("holds the label %d, and labels are from 0 to 9", max(labels)))
  }
  list(images = images, labels = labels)
}

# The next `n` bytes of a file, or none if it cannot be unpacked that far.
read_bytes <- function(file, n) {
  tryCatch(readBin(file, "raw", n), warning = function(damaged) raw(), error = function(damaged) raw())
}

# Whether a file, if it is packed, ends with the length of what it holds, as gzip's files do; R does not notice where
# only the end is missing.
ends_whole <- function(path, unpacked) {
  packed <- readBin(path, "raw", file.size(path))
  if (!identical(packed[1:2], as.raw(c(31, 139)))) {
    return(TRUE)
  }
  end <- as.integer(packed[length(packed) - 3:0])
  sum(256^(0:3) * end) == unpacked %% 2^32
}

# The MD5 of bytes, by way of a file: R has it for files only.
md5_of <- function(...) {
  path <- tempfile()
  on.exit(unlink(path))
  file <- file(path, "wb")
  for (bytes in list(...)) {
    writeBin(bytes, file)
  }
  close(file)
  unname(tools::md5sum(path))
}

# `rows`, if they are rows of `n`.
check_rows <- function(rows, n) {
  within <- is.numeric(rows) && isTRUE(all(rows >= 1 & rows <= n))
  check_argument(within, "rows", rows, sprintf("numbers of the %d images, from 1", n))
  rows
}
