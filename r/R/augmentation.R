# Augmentation: images changed at random, so that a network sees more of them than there are (course: lesson D).
# Images are arrays (n, h, w) or (n, c, h, w) of values in [0, 1], and stay so: what would leave the range is set to its
# end. Every draw comes from the generator that is passed in, by the functions of randomness.R.
# Twin: python/twinnet/augmentation.py.

#' Make each image brighter or darker: multiply it by a factor from `1 - amount` to `1 + amount`
#'
#' One uniform number an image is drawn, `factor = 1 - amount + 2 * amount * u`: what torchvision's
#' `ColorJitter(brightness=amount)` does to a batch's images one by one.
#'
#' @param images Values in \[0, 1\]: an array (n, h, w) or (n, c, h, w).
#' @param generator A generator, see [random_uniform()].
#' @param amount From 0, no change, to 1.
#' @return An array of the shape of `images`. Stops if an argument is not what it must be.
#' @references Course, lesson D.
#' @export
augment_brightness <- function(images, generator, amount) {
  check_images(images)
  amount <- check_number(amount, "amount", minimum = 0, maximum = 1)
  factors <- 1 - amount + 2 * amount * random_uniform(generator, nrow(images))
  clipped(images * factors) # the first index runs fastest, so the factors repeat image by image
}

#' Add a normal number of standard deviation `sd` to every pixel; one is drawn for each
#'
#' @param images Values in \[0, 1\]: an array (n, h, w) or (n, c, h, w).
#' @param generator A generator, see [random_uniform()].
#' @param sd At least 0.
#' @return An array of the shape of `images`. Stops if an argument is not what it must be.
#' @references Course, lesson D.
#' @export
augment_noise <- function(images, generator, sd) {
  check_images(images)
  sd <- check_number(sd, "sd", minimum = 0)
  clipped(images + sd * random_normal(generator, dim(images)))
}

#' Move each image by up to `pixels` rows and columns in either direction; zeros come in where it leaves
#'
#' An array (n, 2) of whole numbers from `-pixels` to `pixels` is drawn: rows down, columns to the right.
#'
#' @param images Values in \[0, 1\]: an array (n, h, w) or (n, c, h, w).
#' @param generator A generator, see [random_uniform()].
#' @param pixels At least 0 and below the images' height and width.
#' @return An array of the shape of `images`. Stops if an argument is not what it must be.
#' @references Course, lesson D.
#' @export
augment_shift <- function(images, generator, pixels) {
  check_images(images)
  n <- nrow(images)
  size <- rev(rev(dim(images))[1:2])
  pixels <- check_whole(pixels, "pixels", minimum = 0, maximum = min(size) - 1)
  moves <- random_integers(generator, -pixels, pixels + 1, c(n, 2))
  channels <- fill_by_column(images, c(n, if (length(dim(images)) == 4) ncol(images) else 1, size))
  shifted <- array(0, dim(channels))
  for (down in -pixels:pixels) { # all images that move alike at once
    for (right in -pixels:pixels) {
      moved <- which(moves[, 1] == down & moves[, 2] == right)
      rows <- overlap(down, size[[1]])
      columns <- overlap(right, size[[2]])
      shifted[moved, , rows[["to"]], columns[["to"]]] <- channels[moved, , rows[["from"]], columns[["from"]]]
    }
  }
  fill_by_column(shifted, dim(images))
}

# Where a row of `size` pixels that moves by `move` ends up, and which of its pixels stay in sight.
overlap <- function(move, size) {
  kept <- seq_len(size - abs(move))
  list(to = kept + max(move, 0), from = kept + max(-move, 0))
}

# Values below 0 set to 0 and those above 1 to 1.
clipped <- function(images) {
  fill_by_column(pmin.int(pmax.int(images, 0), 1), dim(images))
}

# Check that `images` is an array of images with values in [0, 1].
check_images <- function(images) {
  is_batch <- is.numeric(images) && length(dim(images)) %in% c(3, 4)
  check_argument(is_batch, "images", images, "an array (n, h, w) or (n, c, h, w)")
  within <- !is.na(images) & images >= 0 & images <= 1
  worst <- if (all(within)) 0 else max(images[!within])
  check_argument(all(within), "images", worst, "values from 0 to 1")
}
