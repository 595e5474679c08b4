# R's random numbers: `set.seed`, `runif`, `rnorm`, `rexp`, `rbinom` and `sample`, with a state of their own.
# R's default generator: Mersenne-Twister, Inversion, and either kind of sampling (Rejection since R 3.6.0,
# Rounding before). R itself draws, from a private `.Random.seed` that stands in for the caller's meanwhile.
# Source: R 4.2.2, `?RNG`, src/main/RNG.c, src/main/random.c and src/nmath.
# Twin: python/twinnet/generator_r.py, which computes the same bits without R.

# What `.Random.seed` begins with: 3 Mersenne-Twister, 400 Inversion, 10000 Rejection.
R_KIND_CODES <- c(Rejection = 10403L, Rounding = 403L)

#' A generator that draws what R draws after `set.seed(seed)`
#'
#' The names and arguments of its methods are those of R's functions. Numeric arguments (`mean`, `sd`, ...)
#' are recycled, and the fraction of a count (`n`, and `size` of a sample) is dropped, as in R. The caller's
#' `.Random.seed` and `RNGkind()` stay as they are.
#'
#' - `runif(n, min = 0, max = 1)`. Where the limits are equal, no word is used.
#' - `rnorm(n, mean = 0, sd = 1)`. Where `sd` is 0 or `mean` infinite, no word is used.
#' - `rexp(n, rate = 1)`. Where `rate` is infinite, the draw is 0 and no word is used.
#' - `rbinom(n, size, prob)`, with at most 2^31 - 2 trials. Where `prob` is 0 or 1, or `size` is 0, no word is
#'   used.
#' - `sample(x, size = NULL, replace = FALSE, prob = NULL)`: elements of a vector; a single number of at least
#'   1 stands for 1, 2, ..., x.
#' - `sample_int(n, size = NULL, replace = FALSE, prob = NULL)`: numbers from 1 to `n`, R's `sample.int`.
#' - `shuffle(x)`: a vector in random order, `x[sample(length(x))]`.
#' - `get_random_seed()`: what R would keep in `.Random.seed`. `set_random_seed(vector)`: go on from such a
#'   vector (its code 10403 or 403); the count of words starts anew.
#' - `get_state()`: a list of `key` (624 words), `pos` (how many of them have been read), `sample_kind` and
#'   `drawn`, which `set_state(state)` of either language takes.
#' - `words_drawn()`: how many 32-bit words have been drawn since seeding.
#'
#' @param seed A whole number from -(2^31 - 1) to 2^31 - 1.
#' @param sample_kind `"Rejection"` or `"Rounding"`: how a sample's indices are made of words, as R does since
#'   3.6.0, or as it did before.
#' @return The generator, an environment whose functions are its methods. Its `set_` methods return it,
#'   invisibly. An argument that is not what it must be stops with an error, also where R warns and returns
#'   `NaN`.
#' @source R 4.2.2, `?RNG`, `?sample`.
#' @export
RGenerator <- function(seed, sample_kind = "Rejection") {
  stream <- mt_new(mt_seed_r(seed))
  sample_kind <- check_choice(sample_kind, "sample_kind", names(R_KIND_CODES))
  set_r_seed(stream, c(R_KIND_CODES[[sample_kind]], stream[["seed"]][-1]), drawn = 0)
  generator <- structure(new.env(parent = emptyenv()), class = c("RGenerator", "twinnet_generator"))

  generator[["runif"]] <- function(n, min = 0, max = 1) {
    n <- check_r_count(n, "n")
    low <- check_r_numbers(min, "min", "finite numbers", is.finite)
    high <- check_r_numbers(max, "max", "finite numbers", is.finite)
    check_argument(all(recycle_to(low, n) <= recycle_to(high, n)), "max", max, "at least `min`")
    # a word for each number, and none where there is no choice: then nobody has to count them afterwards
    single <- length(low) == 1 && length(high) == 1
    words <- if (single) n * (low < high) else sum(recycle_to(low, n) < recycle_to(high, n))
    generator[["words_drawn"]]()
    drawn <- with_private_seed(stream, stats::runif(n, low, high))
    set_r_seed(stream, stream[["seed"]], stream[["drawn"]] + words)
    drawn
  }

  generator[["rnorm"]] <- function(n, mean = 0, sd = 1) {
    n <- check_r_count(n, "n")
    mean <- check_r_numbers(mean, "mean", "numbers", function(x) !is.na(x))
    sd <- check_r_numbers(sd, "sd", "finite numbers of at least 0", function(x) is.finite(x) & x >= 0)
    with_private_seed(stream, stats::rnorm(n, mean, sd))
  }

  generator[["rexp"]] <- function(n, rate = 1) {
    n <- check_r_count(n, "n")
    must_be <- "positive numbers whose inverse is finite"
    rate <- check_r_numbers(rate, "rate", must_be, function(x) x > 0 & is.finite(1 / x))
    with_private_seed(stream, stats::rexp(n, rate))
  }

  generator[["rbinom"]] <- function(n, size, prob) {
    n <- check_r_count(n, "n")
    must_be <- sprintf("whole numbers from 0 to %d", .Machine[["integer.max"]] - 1L)
    is_size <- function(x) x >= 0 & x < .Machine[["integer.max"]] & x == floor(x)
    size <- check_r_numbers(size, "size", must_be, is_size)
    prob <- check_r_numbers(prob, "prob", "numbers from 0 to 1", function(x) x >= 0 & x <= 1)
    with_private_seed(stream, stats::rbinom(n, size, prob))
  }

  generator[["sample"]] <- function(x, size = NULL, replace = FALSE, prob = NULL) {
    check_r_vector(x, "x")
    if (length(x) == 1 && is.numeric(x) && is.finite(x) && x >= 1) {
      generator[["sample_int"]](x, size, replace, prob)
    } else {
      x[generator[["sample_int"]](length(x), size, replace, prob)]
    }
  }

  generator[["sample_int"]] <- function(n, size = NULL, replace = FALSE, prob = NULL) {
    n <- check_r_count(n, "n", if (is.null(prob)) 4.5e15 else .Machine[["integer.max"]])
    size <- if (is.null(size)) n else check_r_count(size, "size")
    replace <- check_flag(replace, "replace")
    check_argument(n > 0 || size == 0, "size", size, "0 where there is nothing to draw from")
    check_argument(replace || size <= n, "size", size, sprintf("at most %.0f without replacement", n))
    if (!is.null(prob)) {
      check_r_weights(prob, "prob", n, if (replace) 1 else max(size, 1))
    } else if (!replace && (n <= 1e7 || size > n / 2)) {
      must_be <- sprintf("at most %d where more than half of it is drawn", .Machine[["integer.max"]])
      check_argument(n <= .Machine[["integer.max"]], "n", n, must_be)
    }
    with_private_seed(stream, sample.int(n, size, replace, prob))
  }

  generator[["shuffle"]] <- function(x) {
    check_r_vector(x, "x")
    x[generator[["sample_int"]](length(x))]
  }

  generator[["get_random_seed"]] <- function() {
    stream[["seed"]]
  }

  generator[["set_random_seed"]] <- function(vector) {
    fits <- is.numeric(vector) && length(vector) == 626 && vector[[1]] %in% R_KIND_CODES
    fits <- fits && all(is.na(vector) | (abs(vector) < 2^31 & vector == floor(vector)))
    must_be <- "R's .Random.seed for Mersenne-Twister and Inversion: 626 integers from 10403 or 403 on"
    check_argument(fits, "vector", vector, must_be)
    mt_set_state(stream, words_from_integers(vector[-(1:2)]), vector[[2]])
    set_r_seed(stream, as.integer(vector), drawn = 0)
    invisible(generator)
  }

  generator[["get_state"]] <- function() {
    sample_kind <- names(R_KIND_CODES)[R_KIND_CODES == stream[["seed"]][[1]]]
    c(mt_state(stream), list(sample_kind = sample_kind, drawn = generator[["words_drawn"]]()))
  }

  generator[["set_state"]] <- function(state) {
    sample_kind <- check_choice(state[["sample_kind"]], "sample_kind", names(R_KIND_CODES))
    drawn <- check_whole(state[["drawn"]], "drawn", 0)
    mt_set_state(stream, state[["key"]], state[["pos"]])
    set_r_seed(stream, c(R_KIND_CODES[[sample_kind]], stream[["seed"]][-1]), drawn)
    invisible(generator)
  }

  generator[["words_drawn"]] <- function() {
    drawn <- stream[["drawn"]] + words_between(stream[["counted_to"]], stream[["seed"]])
    set_r_seed(stream, stream[["seed"]], drawn)
    drawn
  }

  generator
}

# Set a stream's `.Random.seed`, and how many words it has drawn so far.
set_r_seed <- function(stream, seed, drawn) {
  stream[["seed"]] <- seed
  stream[["counted_to"]] <- seed
  stream[["drawn"]] <- drawn
}

# How many words lie between two states of one stream: R does not tell how many it uses, so a scout draws
# until it has the later state's key.
words_between <- function(from, to) {
  if (identical(from, to)) {
    return(0)
  }
  scout <- new.env(parent = emptyenv())
  scout[["seed"]] <- c(MT_KIND_CODE, from[-1])
  scout[["drawn"]] <- 0
  while (!identical(scout[["seed"]][-(1:2)], to[-(1:2)])) {
    mt_words(scout, 624)
  }
  scout[["drawn"]] + to[[2]] - from[[2]]
}

# `value` without its fraction, if it is one number of at least 0.
check_r_count <- function(value, name, maximum = Inf) {
  trunc(check_number(value, name, minimum = 0, maximum = maximum))
}

# `value` as a plain vector, if it is one or more numbers that are all `allowed`.
check_r_numbers <- function(value, name, must_be, allowed) {
  numeric <- is.numeric(value) && !is.factor(value) && is.null(dim(value)) && length(value) > 0
  check_argument(numeric && isTRUE(all(allowed(value))), name, value, must_be)
  as.double(value)
}

# Check `n` weights, as many of them positive as needed.
check_r_weights <- function(value, name, n, positive) {
  weights <- check_r_numbers(value, name, "finite numbers of at least 0", function(x) is.finite(x) & x >= 0)
  check_argument(length(weights) == n, name, value, sprintf("%.0f numbers, one for each element", n))
  must_be <- sprintf("numbers of which at least %.0f are positive", positive)
  check_argument(sum(weights > 0) >= positive, name, value, must_be)
}

# Check that `value` is an atomic vector.
check_r_vector <- function(value, name) {
  check_argument(is.atomic(value) && !is.null(value) && is.null(dim(value)), name, value, "a vector")
}

# Repeat `values` to length `n`; a single one is left as it is, since arithmetic repeats it.
recycle_to <- function(values, n) {
  if (length(values) == 1) values else rep_len(values, n)
}
