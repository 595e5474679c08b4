# NumPy's legacy random numbers, `numpy.random.RandomState`, bit for bit and in base R alone. The words are
# the Mersenne Twister's; what is made of them never changes any more (NumPy's NEP 19). Sources, all of NumPy
# 2.4.6: numpy/random/mtrand.pyx; src/legacy/legacy-distributions.c; src/mt19937/mt19937.h; and, for bounded
# whole numbers, src/distributions/distributions.c (`random_interval`, `random_bounded_uint64_fill`).
# Twin: python/twinnet/generator_numpy_legacy.py, in which NumPy itself draws.

#' NumPy's legacy generator, `numpy.random.RandomState`
#'
#' The methods have NumPy's names and arguments, and every draw the same 64 bits.
#'
#' - `random(size)`, `uniform(low, high, size)`: uniform on `[0, 1)` and on `[low, high)`.
#' - `standard_normal(size)`, `randn(...)`, `normal(loc, scale, size)`: normal, by the polar method. It makes
#'   two draws at a time, and the second is kept for the next call.
#' - `randint(low, high, size)`: whole numbers from `low` to `high - 1`, or from 0 to `low - 1`.
#' - `permutation(x)`: the numbers 0 to `x - 1`, the elements of a vector or the rows of an array, in random
#'   order. `shuffle(x)`: the elements or rows of `x` in random order (a copy, where NumPy works in place).
#' - `choice(a, size, replace, p)`: elements of the vector `a`, or numbers from 0 to `a - 1`.
#' - `get_state()`, `set_state(state)`: the state, as NumPy's `get_state(legacy=False)` has it and with the
#'   count of words beside it. `words_drawn()`: that count, of 32-bit words since seeding.
#'
#' `size` is a number, a vector of several (the shape of an array, filled in NumPy's order, the last index
#' fastest), or `NULL` for a single draw. Positions that are drawn count from 0, as in NumPy. Whole numbers
#' come as doubles, so the limits of `randint` lie within 2^53 of 0 and of each other. A number `x` or `a` of
#' length 1 is a count, as in R's own `sample()`; a population of one number is written `array(x, 1)`. Limits,
#' `loc` and `scale` are one number each, where NumPy would also take arrays.
#'
#' @param seed A whole number from 0 to 2^32 - 1, or several of them (`list(5)` is a sequence of one).
#' @return The generator: an environment of its methods.
#' @source NumPy 2.4.6, `numpy/random/mtrand.pyx`.
#' @examples
#' generator <- NumpyRandomState(42)
#' generator$randn(2, 3)
#' generator$permutation(5)
#' @export
NumpyRandomState <- function(seed) {
  self <- new.env(parent = emptyenv())
  self[["stream"]] <- mt_new(numpy_legacy_key(seed))
  self[["gauss"]] <- NULL # the second of two normal draws, until it is asked for
  words <- function(n) mt_words(self[["stream"]], n)
  doubles <- function(n) mt_doubles(self[["stream"]], n)

  methods <- list(
    random = function(size = NULL) {
      n <- check_size(size)
      in_shape(doubles(n), size)
    },
    uniform = function(low = 0, high = 1, size = NULL) {
      range <- check_range(low, high)
      n <- check_size(size)
      in_shape(low + range * doubles(n), size)
    },
    standard_normal = function(size = NULL) {
      n <- check_size(size)
      in_shape(polar_normals(self, n), size)
    },
    randn = function(...) {
      generator$standard_normal(c(...))
    },
    normal = function(loc = 0, scale = 1, size = NULL) {
      check_location_scale(loc, scale)
      n <- check_size(size)
      in_shape(loc + scale * polar_normals(self, n), size)
    },
    randint = function(low, high = NULL, size = NULL) {
      n <- check_size(size)
      if (n == 0) {
        return(in_shape(numeric(0), size)) # NumPy does not look at the limits then
      }
      limits <- check_limits(low, high)
      in_shape(masked_integers(words, n, limits[["low"]], limits[["range"]]), size)
    },
    permutation = function(x) {
      if (is_count(x)) {
        masked_order(words, check_whole(x, "x")) - 1
      } else {
        take_rows(x, masked_order(words, NROW(x)))
      }
    },
    shuffle = function(x) {
      if (length(x) == 0) x else take_rows(x, masked_order(words, NROW(x)))
    },
    choice = function(a, size = NULL, replace = TRUE, p = NULL) {
      n <- check_size(size)
      population <- check_population(a, n, check_flag(replace, "replace"), p)
      if (!is.null(p)) {
        positions <- weighted_positions(doubles, n, p, replace)
      } else if (replace) {
        positions <- if (n > 0) masked_integers(words, n, 0, population - 1) else numeric(0)
      } else {
        positions <- masked_order(words, population)[seq_len(n)] - 1
      }
      in_shape(chosen(a, positions), size)
    },
    get_state = function() {
      has_gauss <- !is.null(self[["gauss"]])
      list(
        bit_generator = "MT19937",
        state = mt_state(self[["stream"]]),
        has_gauss = as.double(has_gauss),
        gauss = if (has_gauss) self[["gauss"]] else 0,
        drawn = self[["stream"]][["drawn"]]
      )
    },
    set_state = function(state) {
      check_choice(state[["bit_generator"]], "bit_generator", "MT19937")
      mt_set_state(self[["stream"]], state[["state"]][["key"]], state[["state"]][["pos"]])
      self[["gauss"]] <- if (state[["has_gauss"]] != 0) state[["gauss"]]
      self[["stream"]][["drawn"]] <- check_drawn(state[["drawn"]])
      invisible(generator)
    },
    words_drawn = function() {
      self[["stream"]][["drawn"]]
    }
  )
  generator <- list2env(methods, parent = emptyenv())
  class(generator) <- c("NumpyRandomState", "twinnet_generator")
  generator
}

# The Mersenne Twister's key: init_genrand for one number, init_by_array for a sequence.
numpy_legacy_key <- function(seed) {
  if (length(seed) == 1 && !is.list(seed)) {
    mt_init_genrand(seed)
  } else {
    mt_init_by_array(check_words(unlist(seed), "seed"))
  }
}

# --- what NumPy's two generators share: the checks of their arguments ---

# How many draws make up an array of this shape.
check_size <- function(size) {
  whole <- is.null(size) || (is.numeric(size) && all(is.finite(size)) && all(size >= 0 & size == floor(size)))
  check_argument(whole, "size", size, "whole numbers of at least 0")
  prod(size)
}

# `high - low`, which must not overflow.
check_range <- function(low, high) {
  range <- check_number(high, "high") - check_number(low, "low")
  check_argument(is.finite(range), "high", high, "less than the largest double away from `low`")
  range
}

check_location_scale <- function(loc, scale) {
  check_argument(is.numeric(loc) && length(loc) == 1, "loc", loc, "a number")
  is_number <- is.numeric(scale) && length(scale) == 1
  negative <- is_number && !is.nan(scale) && (scale < 0 || 1 / scale < 0) # -0 is negative to NumPy
  check_argument(is_number && !negative, "scale", scale, "a number that is not negative")
}

# The lowest number to draw and how far the highest lies above it. Without `high`, `low` is the upper limit.
check_limits <- function(low, high, endpoint = FALSE, minimum = -2^53, maximum = 2^53) {
  name <- if (is.null(high)) "low" else "high"
  upper <- check_whole(if (is.null(high)) low else high, name)
  low <- if (is.null(high)) 0 else check_whole(low, "low", minimum)
  highest <- if (endpoint) upper else upper - 1
  must_be <- sprintf("%s %.15g", if (endpoint) "at least" else "above", low)
  check_argument(highest >= low, name, upper, must_be)
  largest <- if (endpoint) maximum else maximum + 1
  check_argument(highest <= maximum, name, upper, sprintf("at most %.15g", largest))
  # R has no larger whole numbers; NumPy's go on to 2^63
  check_argument(highest - low < 2^53, name, upper, "at most 2^53 above `low`")
  list(low = low, range = highest - low)
}

# The size of the population `a`: its length, or the number that it is.
check_population <- function(a, n, replace, p) {
  check_argument(length(dim(a)) < 2, "a", a, "a vector or a whole number")
  population <- if (is_count(a)) check_whole(a, "a") else length(a)
  must_be <- if (is_count(a)) "above 0 unless nothing is drawn" else "not empty unless nothing is drawn"
  check_argument(population > 0 || n == 0, "a", a, must_be)
  if (!is.null(p)) {
    check_choice_weights(p, population)
  }
  must_be <- sprintf("at most %.15g without replacement", population)
  check_argument(replace || n <= max(population, 0), "size", n, must_be)
  if (!replace && !is.null(p)) {
    possible <- sum(p > 0)
    must_be <- sprintf("at most %d, the number of elements of `p` above 0", possible)
    check_argument(n <= possible, "size", n, must_be)
  }
  population
}

# NumPy sums by Kahan's method and allows a difference of sqrt(2^-52).
check_choice_weights <- function(p, population) {
  check_argument(is.numeric(p) && length(dim(p)) < 2, "p", p, "a vector of probabilities")
  check_argument(length(p) == population, "p", p, sprintf("as long as the population, %.15g", population))
  check_argument(!anyNA(p) && all(p >= 0), "p", p, "numbers of at least 0")
  total <- compensated_sum(p)
  check_argument(isTRUE(abs(total - 1) <= 2^-26), "p", p, "probabilities whose sum is 1")
}

# The count of words in a state; NumPy's own states have none.
check_drawn <- function(drawn) {
  if (is.null(drawn)) 0 else check_whole(drawn, "drawn", 0)
}

# --- what only R needs: NumPy's algorithms ---

# Draws as an array of the shape `size`, filled with the last index fastest.
in_shape <- function(draws, size) {
  if (length(size) < 2) draws else fill_by_row(draws, size)
}

# Whether `x` is a number, which stands for 0, 1, ..., x - 1.
is_count <- function(x) {
  is.numeric(x) && length(x) == 1 && is.null(dim(x))
}

# The elements of a vector, or what an array has at these places of its first axis.
take_rows <- function(x, rows) {
  if (is.null(dim(x))) {
    x[rows]
  } else {
    others <- lapply(dim(x)[-1], seq_len)
    do.call(`[`, c(list(x, rows), others, list(drop = FALSE)))
  }
}

# The elements at these positions, which count from 0, or the positions themselves where `a` is a count.
chosen <- function(a, positions) {
  if (is_count(a)) positions else c(a)[positions + 1]
}

# n draws by rejection. `accepted(k)` makes k candidates and returns those that pass: no word is drawn in
# vain.
draw_accepted <- function(n, accepted) {
  pieces <- list(numeric(0))
  while (n > 0) {
    piece <- accepted(n)
    pieces[[length(pieces) + 1]] <- piece
    n <- n - length(piece)
  }
  unlist(pieces)
}

# The sizes of the blocks in which n draws are made, so that the working vectors stay in the processor's
# cache.
block_sizes <- function(n, largest) {
  c(rep(largest, n %/% largest), if (n %% largest > 0) n %% largest)
}

# Doubles of 53 bits in [0, 1): the 27 high bits of a word, then the 26 high bits of the next.
# runif gives word / 2^32, so scaling and flooring it shifts a word to the right.
mt_doubles <- function(stream, n) {
  blocks <- lapply(block_sizes(n, 32768), function(count) {
    bits <- floor(with_private_seed(stream, stats::runif(2 * count)) * c(2^27, 2^26))
    stream[["drawn"]] <- stream[["drawn"]] + 2 * count
    dim(bits) <- c(2, count)
    as.vector(c(2^-27, 2^-53) %*% bits)
  })
  as.double(unlist(blocks))
}

# n standard normal draws, the one kept from the last call first.
polar_normals <- function(self, n) {
  if (n == 0) {
    return(numeric(0))
  }
  kept <- self[["gauss"]]
  pairs <- ceiling((n - length(kept)) / 2)
  draws <- c(kept, draw_accepted(2 * pairs, function(count) polar_pairs(self[["stream"]], count / 2)))
  self[["gauss"]] <- if (length(draws) > n) draws[[n + 1]]
  draws[seq_len(n)]
}

# Marsaglia's polar method: points of the square, and for those inside the circle two normal draws each.
polar_pairs <- function(stream, count) {
  points <- matrix(2 * mt_doubles(stream, 2 * count) - 1, 2)
  x1 <- points[1, ]
  x2 <- points[2, ]
  r2 <- x1 * x1 + x2 * x2
  inside <- which(r2 < 1 & r2 != 0)
  r2 <- r2[inside]
  f <- sqrt(-2 * log(r2) / r2)
  as.vector(rbind(f * x2[inside], f * x1[inside]))
}

# Whole numbers from low to low + range: so many low bits as `range` has, again while they exceed it.
# `words` is a function that draws 32-bit words. A number of more than 32 bits takes two, the high one first.
masked_integers <- function(words, n, low, range) {
  if (range == 0) {
    return(rep(low, n))
  }
  bits <- bit_length(range)
  draw_accepted(n, function(count) {
    if (bits <= 32) {
      candidates <- words(count) %% 2^bits
    } else {
      pairs <- matrix(words(2 * count), 2)
      candidates <- (pairs[1, ] %% 2^(bits - 32)) * 2^32 + pairs[2, ]
    }
    low + candidates[candidates <= range]
  })
}

# The order 1, ..., n after Fisher and Yates's swaps from its end, each with a place drawn by masked rejection.
masked_order <- function(words, n) {
  swapped_order(n, 1, 0, function(count, mask) words(count) %% mask)
}

# The order 1, ..., n after swapping each element i = n - 1, ..., last (counted from 0) with one of those up to it.
# `places(count, mask)` draws places below `mask`, the power of 2 above i + extra; those beyond i are refused.
swapped_order <- function(n, last, extra, places) {
  order <- seq_len(max(n, 0))
  i <- n - 1
  while (i >= last) {
    mask <- 2^bit_length(i + extra)
    same_mask <- i + extra - mask / 2 + 1
    for (j in places(min(same_mask, i - last + 1), mask)) { # each swap takes at least one place
      if (j <= i) {
        moved <- order[[i + 1]]
        order[[i + 1]] <- order[[j + 1]]
        order[[j + 1]] <- moved
        i <- i - 1
      }
    }
  }
  order
}

# Positions from 0, with probabilities. `doubles` is a function that draws them on [0, 1).
weighted_positions <- function(doubles, n, p, replace) {
  if (replace) {
    return(as.double(findInterval(doubles(n), cumulated(p))))
  }
  found <- numeric(0)
  while (length(found) < n) {
    p[found + 1] <- 0
    drawn <- findInterval(doubles(n - length(found)), cumulated(p))
    found <- c(found, unique(drawn))
  }
  found
}

# The running sums divided by the last, in double precision throughout, where R's own cumsum has more.
cumulated <- function(p) {
  sums <- Reduce(`+`, p, accumulate = TRUE)
  sums / sums[[length(sums)]]
}

# Kahan's sum: what an addition rounds off is taken from the next term.
compensated_sum <- function(x) {
  total <- 0
  lost <- 0
  for (term in x) {
    corrected <- term - lost
    sum <- total + corrected
    lost <- (sum - total) - corrected
    total <- sum
  }
  total
}

# How many bits a whole number has: the powers of 2 that do not exceed it.
bit_length <- function(x) {
  sum(x >= 2^(0:53))
}
