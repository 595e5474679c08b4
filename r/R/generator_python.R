# Python's random numbers, its module `random`, bit for bit and in base R alone.
# The words are the Mersenne Twister's, seeded by init_by_array. Sources, of CPython 3.11: Lib/random.py and
# Modules/_randommodule.c.
# Twin: python/twinnet/generator_python.py, in which Python itself draws.

#' Python's generator, `random.Random`
#'
#' The methods have Python's names and arguments, and every draw the same 64 bits. Where Python makes one draw,
#' `size` asks for several: a number, a vector of several (a shape, filled with the last index fastest), or `NULL`
#' for a single draw.
#'
#' - `random(size)`, `uniform(a, b, size)`: uniform on `[0, 1)` and between `a` and `b`.
#' - `gauss(mu, sigma, size)`: normal. It makes two draws at a time, and the second is kept for the next call.
#' - `getrandbits(k, size)`: whole numbers of `k` bits, at most 53 here.
#' - `randrange(start, stop, step, size)`: from `start` up to but not with `stop`, or from 0 up to but not with
#'   `start`. `randint(a, b, size)`: from `a` to `b`, with both.
#' - `choice(seq)`: one element. `sample(population, k)`: `k` different elements. `shuffle(x)`: all, in random order
#'   (a copy, where Python works in place). A number instead of a vector stands for 0, 1, ... below it, Python's
#'   `range`; a population of one number is written `array(x, 1)`.
#' - `get_state()`, `set_state(state)`: the state, of which Python's `getstate()` has `version`, `key`, `pos` and
#'   `gauss_next`; and the count of words. `words_drawn()`: that count, of 32-bit words since seeding.
#'
#' Whole numbers come as doubles, so the ends of a range lie within 2^53 of 0 and of each other.
#'
#' @param seed A whole number of any size and sign (the sign does not matter): a number within 2^53 of 0, or a string
#'   of decimal (`"12345"`) or hexadecimal (`"0xffff"`) digits. Python's own seeding by text is another.
#' @return The generator: an environment of its methods.
#' @source CPython 3.11, `Lib/random.py`.
#' @examples
#' generator <- PythonRandom(42)
#' generator$random(3)
#' generator$sample(letters, 5)
#' @export
PythonRandom <- function(seed) {
  self <- new.env(parent = emptyenv())
  self[["stream"]] <- mt_new(mt_init_by_array(python_seed_words(seed)))
  self[["gauss"]] <- NULL # the second of two normal draws, until it is asked for
  words <- function(n) mt_words(self[["stream"]], n)

  methods <- list(
    random = function(size = NULL) {
      n <- check_size(size)
      in_shape(mt_doubles(self[["stream"]], n), size)
    },
    uniform = function(a, b, size = NULL) {
      check_real(a, "a")
      check_real(b, "b")
      n <- check_size(size)
      in_shape(a + (b - a) * mt_doubles(self[["stream"]], n), size)
    },
    gauss = function(mu = 0, sigma = 1, size = NULL) {
      check_real(mu, "mu")
      check_real(sigma, "sigma")
      n <- check_size(size)
      in_shape(mu + gauss_draws(self, n) * sigma, size)
    },
    getrandbits = function(k, size = NULL) {
      check_whole(k, "k", 0, 53)
      n <- check_size(size)
      in_shape(random_bits(words, n, k), size)
    },
    randrange = function(start, stop = NULL, step = 1, size = NULL) {
      range <- check_steps(start, stop, step)
      n <- check_size(size)
      in_shape(range[["start"]] + range[["step"]] * random_below(words, n, range[["count"]]), size)
    },
    randint = function(a, b, size = NULL) {
      check_whole(a, "a")
      check_argument(check_whole(b, "b") >= a, "b", b, "at least `a`")
      generator$randrange(a, b + 1, 1, size)
    },
    choice = function(seq) {
      count <- check_sequence(seq, "seq")
      check_argument(count > 0, "seq", seq, "not empty")
      chosen(seq, random_below(words, 1, count))
    },
    shuffle = function(x) {
      order <- swapped_order(check_sequence(x, "x"), 1, 1, function(count, mask) high_bits(words(count), mask))
      chosen(x, order - 1)
    },
    sample = function(population, k) {
      count <- check_sequence(population, "population")
      check_whole(k, "k", 0)
      check_argument(k <= count, "k", k, sprintf("at most %.15g, the size of the population", count))
      chosen(population, sampled_positions(words, count, k))
    },
    get_state = function() {
      state <- mt_state(self[["stream"]])
      list(
        version = 3,
        key = state[["key"]],
        pos = state[["pos"]],
        gauss_next = self[["gauss"]],
        drawn = self[["stream"]][["drawn"]]
      )
    },
    set_state = function(state) {
      check_whole(state[["version"]], "version", 3, 3)
      mt_set_state(self[["stream"]], state[["key"]], state[["pos"]])
      self[["gauss"]] <- state[["gauss_next"]]
      self[["stream"]][["drawn"]] <- check_drawn(state[["drawn"]])
      invisible(generator)
    },
    words_drawn = function() {
      self[["stream"]][["drawn"]]
    }
  )
  generator <- list2env(methods, parent = emptyenv())
  class(generator) <- c("PythonRandom", "twinnet_generator")
  generator
}

# The words of a seed without its sign.
python_seed_words <- function(seed) {
  check_argument(length(seed) == 1 && !is.list(seed), "seed", seed, "a whole number")
  if (is.character(seed)) {
    words_from_text(sub("^-", "", seed), "seed")
  } else {
    seed_words(abs(check_whole(seed, "seed")), "seed")
  }
}

check_real <- function(value, name) {
  check_argument(is.numeric(value) && length(value) == 1, name, value, "a number")
}

# The first number of a range, the steps between them and how many they are.
check_steps <- function(start, stop, step) {
  check_whole(start, "start")
  check_whole(step, "step")
  if (is.null(stop)) {
    check_argument(start > 0, "start", start, "above 0 without `stop`")
    check_argument(step == 1, "step", step, "1 without `stop`")
    return(list(start = 0, step = 1, count = start))
  }
  check_whole(stop, "stop")
  check_argument(step != 0, "step", step, "a whole number other than 0")
  count <- ceiling((stop - start) / step)
  check_argument(count > 0, "stop", stop, sprintf("beyond `start`, %.15g, in the direction of `step`", start))
  check_argument(abs(stop - start) < 2^53, "stop", stop, "less than 2^53 away from `start`") # else not exact
  list(start = start, step = step, count = count)
}

# How many elements a vector has, or a number stands for.
check_sequence <- function(x, name) {
  check_argument(length(dim(x)) < 2, name, x, "a vector or a whole number of at least 0")
  if (is_count(x)) check_whole(x, name, 0) else length(x)
}

# --- what only R needs: Python's algorithms ---

# The highest bits of words, as whole numbers below `mask`, a power of 2.
high_bits <- function(words, mask) {
  floor(words * (mask / 2^32))
}

# n whole numbers of k bits, the high ones of a word; of two words where k is above 32, the low word first.
random_bits <- function(words, n, k) {
  if (k == 0) {
    numeric(n)
  } else if (k <= 32) {
    high_bits(words(n), 2^k)
  } else {
    pairs <- matrix(words(2 * n), 2)
    pairs[1, ] + high_bits(pairs[2, ], 2^(k - 32)) * 2^32
  }
}

# n whole numbers below a count, of as many bits as the count has, again while they are not below it.
random_below <- function(words, n, count) {
  bits <- bit_length(count)
  draw_accepted(n, function(missing) {
    numbers <- random_bits(words, missing, bits)
    numbers[numbers < count]
  })
}

# n standard normal draws, the one kept from the last call first: pairs by Box and Muller's method.
gauss_draws <- function(self, n) {
  if (n == 0) {
    return(numeric(0))
  }
  kept <- self[["gauss"]]
  pairs <- ceiling((n - length(kept)) / 2)
  uniforms <- matrix(mt_doubles(self[["stream"]], 2 * pairs), 2)
  angle <- uniforms[1, ] * (2 * pi)
  radius <- sqrt(-2 * log(1 - uniforms[2, ]))
  draws <- c(kept, rbind(cos(angle) * radius, sin(angle) * radius))
  self[["gauss"]] <- if (length(draws) > n) draws[[n + 1]]
  draws[seq_len(n)]
}

# k different positions of n, from 0. Where they are many, each is taken out of a pool and the last of the pool moves
# into the gap, so that they gather in reverse order behind the pool; else those drawn before are drawn again.
sampled_positions <- function(words, n, k) {
  table_size <- 21 + if (k > 5) 4^ceiling(log(k * 3) / log(4)) else 0
  if (n <= table_size) {
    order <- swapped_order(n, n - k, 1, function(count, mask) high_bits(words(count), mask))
    return(rev(order[n - k + seq_len(k)]) - 1)
  }
  found <- numeric(0)
  while (length(found) < k) {
    found <- unique(c(found, random_below(words, k - length(found), n)))
  }
  found
}
