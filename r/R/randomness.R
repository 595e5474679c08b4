# Random arrays from whichever generator is passed in: what training, dropout and augmentation draw.
# Each function calls the method that the original's users would call, so a stream stays that of R, NumPy or PyTorch:
#
# function        RGenerator        NumpyGenerator         NumpyRandomState       TorchGenerator
# random_uniform  runif             random                 random                 rand
# random_normal   rnorm             standard_normal        standard_normal        randn
# random_integers sample_int        integers               randint                randint
# random_order    sample_int        permutation            permutation            randperm
# random_mask     runif(n) < 1 - p  random(shape) < 1 - p  random(shape) < 1 - p  dropout_mask
#
# R's generator fills an array column by column, the others row by row; the same index means the same element in both
# languages. Twin: python/twinnet/randomness.py.

#' Random arrays from any generator
#'
#' `random_uniform()` draws from the uniform distribution on (0, 1) (R) or \[0, 1) (the others), `random_normal()` from
#' the standard normal distribution. `random_integers()` draws whole numbers from `low` to `high - 1`, each as likely as
#' the others. `random_order()` draws an order in which to visit `n` rows. `random_mask()` draws what dropout keeps: 1
#' with probability `1 - p`, else 0.
#'
#' @param generator One of [RGenerator()], [NumpyGenerator()], [NumpyRandomState()], [TorchGenerator()].
#' @param shape,size Sizes of the array; of one size it is a vector.
#' @param dtype What PyTorch draws the numbers as, `"float64"` or `"float32"`; the others draw `"float64"` only.
#' @param low,high The limits, up to 2^52 in size; `high` is excluded.
#' @param n How many rows.
#' @param p The probability of 0, from 0 to 1.
#' @return An array of that shape; of `random_order()`, row numbers, from 1. They stop if an argument is not what it
#'   must be.
#' @source The methods of R, NumPy and PyTorch that users of each call for this; see the generators.
#' @name random_uniform
NULL

#' @rdname random_uniform
#' @export
random_uniform <- function(generator, shape, dtype = "float64") {
  sizes <- check_draw(generator, shape, dtype = dtype)
  switch(class(generator)[[1]],
    RGenerator = array_by_column(generator$runif(prod(sizes)), sizes),
    NumpyGenerator = ,
    NumpyRandomState = generator$random(sizes),
    TorchGenerator = generator$rand(sizes, dtype)
  )
}

#' @rdname random_uniform
#' @export
random_normal <- function(generator, shape, dtype = "float64") {
  sizes <- check_draw(generator, shape, dtype = dtype)
  switch(class(generator)[[1]],
    RGenerator = array_by_column(generator$rnorm(prod(sizes)), sizes),
    NumpyGenerator = ,
    NumpyRandomState = generator$standard_normal(sizes),
    TorchGenerator = generator$randn(sizes, dtype)
  )
}

#' @rdname random_uniform
#' @export
random_integers <- function(generator, low, high, size) {
  sizes <- check_draw(generator, size, "size")
  low <- check_whole(low, "low", minimum = -2^52, maximum = 2^52)
  high <- check_whole(high, "high", minimum = low + 1, maximum = 2^52)
  switch(class(generator)[[1]],
    RGenerator = {
      drawn <- generator$sample_int(high - low, prod(sizes), replace = TRUE)
      array_by_column(drawn - 1 + low, sizes)
    },
    NumpyGenerator = generator$integers(low, high, sizes),
    NumpyRandomState = generator$randint(low, high, sizes),
    TorchGenerator = generator$randint(low, high, sizes)
  )
}

#' @rdname random_uniform
#' @export
random_order <- function(generator, n) {
  check_generator(generator)
  n <- check_whole(n, "n", minimum = 0)
  switch(class(generator)[[1]],
    RGenerator = generator$sample_int(n),
    NumpyGenerator = ,
    NumpyRandomState = generator$permutation(n) + 1,
    TorchGenerator = generator$randperm(n) + 1
  )
}

#' @rdname random_uniform
#' @export
random_mask <- function(generator, shape, p) {
  sizes <- check_draw(generator, shape)
  p <- check_number(p, "p", minimum = 0, maximum = 1)
  switch(class(generator)[[1]],
    TorchGenerator = generator$dropout_mask(sizes, p, "float64"),
    (random_uniform(generator, sizes) < 1 - p) * 1
  )
}

# Check that a generator is of a known kind.
check_generator <- function(generator) {
  kinds <- c("RGenerator", "NumpyGenerator", "NumpyRandomState", "TorchGenerator")
  check_argument(inherits(generator, kinds), "generator", generator, paste("one of", paste(kinds, collapse = ", ")))
}

# The sizes of the array to draw, if the generator is known and draws that dtype.
check_draw <- function(generator, shape, name = "shape", dtype = "float64") {
  check_generator(generator)
  check_choice(dtype, "dtype", if (inherits(generator, "TorchGenerator")) c("float64", "float32") else "float64")
  check_argument(length(shape) > 0, name, shape, "at least one whole number")
  vapply(shape, function(size) check_whole(size, name, minimum = 0), 0)
}

# The values as an array filled column by column; of one size, as a vector.
array_by_column <- function(values, sizes) {
  if (length(sizes) > 1) fill_by_column(values, sizes) else values
}
