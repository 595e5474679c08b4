# Windows that slide over images: what a kernel or a pool sees from each of its places.
# A window of size (kh, kw) that moves by a stride of (sh, sw) has oh x ow places in an image of h x w:
# oh = floor((h - kh) / sh) + 1, and likewise for ow. Images are (n, c, h, w), the same index meaning the same number in
# both languages. In memory the image's index runs fastest: whatever is done to a pixel is done to a run of n numbers,
# and images are a table with one row an image and one column a pixel of a channel. R gathers columns of that table,
# which is what it does fastest; NumPy looks through slices. Twin: python/twinnet/windows.py.

#' Check that an argument is an array of images
#'
#' @param x The argument's value.
#' @param name The argument's name.
#' @return `x`, an array (n, c, h, w). Stops if it is not an array of numbers with four dimensions.
#' @keywords internal
check_image_batch <- function(x, name) {
  ok <- is.numeric(x) && length(dim(x)) == 4
  check_argument(ok, name, x, "an array of numbers (n, channels, height, width)")
  x
}

#' Check one or two whole numbers, (vertical, horizontal)
#'
#' @param value The argument's value; one number stands for both directions.
#' @param name The argument's name.
#' @param minimum The smallest number that is allowed.
#' @return Two numbers. Stops if `value` is anything else.
#' @keywords internal
check_pair <- function(value, name, minimum) {
  is_vector <- is.numeric(value) && !is.factor(value) && is.null(dim(value)) && length(value) %in% 1:2
  ok <- is_vector && all(is.finite(value)) && all(value == floor(value) & value >= minimum)
  check_argument(ok, name, value, sprintf("one or two whole numbers of at least %.0f", minimum))
  rep_len(as.double(value), 2)
}

#' Check that a window fits into the images
#'
#' @param size Height and width of the window.
#' @param extent Height and width of the images.
#' @param name Name of the argument that has the size.
#' @param value That argument's value.
#' @param images What the message calls the images.
#' @return `NULL`, invisibly. Stops if the window is empty or larger than the images.
#' @keywords internal
check_window_size <- function(size, extent, name, value, images) {
  must_be <- sprintf("from 1 x 1 to %.0f x %.0f, the size of the %s", extent[[1]], extent[[2]], images)
  check_argument(all(size >= 1 & size <= extent), name, value, must_be)
}

#' How many places a window has down and across an image
#'
#' @param extent Height and width of the image.
#' @param size,stride Of the window.
#' @return Two numbers.
#' @keywords internal
window_counts <- function(extent, size, stride) {
  (extent - size) %/% stride + 1
}

#' Images with a margin of zeros, and without it
#'
#' @param x Images: an array (n, c, h, w).
#' @param padding Rows above and below, columns to the left and to the right.
#' @return Images, larger or smaller by twice the padding.
#' @name pad_images
#' @keywords internal
NULL

#' @rdname pad_images
pad_images <- function(x, padding) {
  if (all(padding == 0)) {
    return(x)
  }
  shape <- dim(x)
  padded <- as_dtype(array(0, shape + c(0, 0, 2 * padding)), dtype_of(x))
  padded[, , padding[[1]] + seq_len(shape[[3]]), padding[[2]] + seq_len(shape[[4]])] <- x
  padded
}

#' @rdname pad_images
crop_images <- function(x, padding) {
  if (all(padding == 0)) {
    return(x)
  }
  shape <- dim(x) - c(0, 0, 2 * padding)
  x[, , padding[[1]] + seq_len(shape[[3]]), padding[[2]] + seq_len(shape[[4]]), drop = FALSE]
}

# The columns, in a table of images of this shape, of what a window sees from its places: (c, oh, ow, kh, kw).
window_columns <- function(shape, size, stride) {
  pixels <- pixel_columns(shape)
  counts <- window_counts(shape[3:4], size, stride)
  top <- seq(0, by = stride[[1]], length.out = counts[[1]])
  left <- seq(0, by = stride[[2]], length.out = counts[[2]])
  columns <- array(0L, c(shape[[2]], counts, size))
  for (j in seq_len(size[[2]])) {
    for (i in seq_len(size[[1]])) {
      columns[, , , i, j] <- pixels[, top + i, left + j]
    }
  }
  columns
}

# The columns of all pixels: (c, h, w).
pixel_columns <- function(shape) {
  array(seq_len(prod(shape[-1])), shape[-1])
}

# Images as a table, one row an image: a copy, since from an array that shares its numbers with another R gathers half
# as fast.
image_table <- function(x) {
  table <- matrix(x, nrow(x), prod(dim(x)[-1]))
  oldClass(table) <- oldClass(x)
  table
}
