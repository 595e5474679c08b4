# NumPy's random numbers, `numpy.random.default_rng`, bit for bit and in base R alone.
# A seed becomes 128 bits of state and 128 of increment by SeedSequence (O'Neill 2015, "Developing a seed_seq
# alternative"). PCG64 makes 64-bit words of them (O'Neill 2014, "PCG", HMC-CS-2014-0905: XSL-RR 128/64):
#   state <- state * MULTIPLIER + increment  modulo 2^128
#   word  <- (high 64 bits xor low 64 bits of the state) rotated to the right by the highest 6 bits of the state
# Sources, all of NumPy 2.4.6: numpy/random/bit_generator.pyx, _pcg64.pyx, _generator.pyx,
# _bounded_integers.pyx.in, src/pcg64/pcg64.h, src/distributions/distributions.c. NumPy promises no stream
# across versions for these draws.
# Twin: python/twinnet/generator_numpy.py, in which NumPy itself draws.

#' Mix a seed into as many words as are asked for, `numpy.random.SeedSequence`
#'
#' - `generate_state(n_words)`: 32-bit words, as doubles.
#' - `spawn(n_children)`: a list of further seed sequences, new ones at every call.
#' - `entropy`, `spawn_key`, `pool_size`, `n_children_spawned`: what the sequence was made of.
#'
#' @param entropy Whole numbers of at least 0, of any size: numbers below 2^53, or strings in decimal
#'   (`"12345"`) or hexadecimal (`"0xffff"`) digits; one, or a vector or list of several.
#' @param spawn_key Whole numbers of at least 0: the places of this sequence and its ancestors among their
#'   siblings.
#' @param pool_size How many words are mixed, at least 4.
#' @param n_children_spawned How many children there are already.
#' @return The seed sequence: an environment of its methods and fields.
#' @source NumPy 2.4.6, `numpy/random/bit_generator.pyx`.
#' @examples
#' SeedSequence(42)$generate_state(4)
#' SeedSequence("0x1f2e3d4c5b6a79880123456789abcdef")$spawn(2)[[2]]$spawn_key
#' @export
SeedSequence <- function(entropy, spawn_key = NULL, pool_size = 4, n_children_spawned = 0) {
  pool_size <- check_whole(pool_size, "pool_size", 4)
  run_words <- seed_words(check_seed(entropy, "entropy"), "entropy")
  spawn_words <- seed_words(spawn_key, "spawn_key")
  if (length(spawn_words) > 0) {
    run_words <- c(run_words, numeric(max(0, pool_size - length(run_words))))
  }
  pool <- mixed_pool(c(run_words, spawn_words), pool_size)

  members <- list(
    entropy = entropy,
    spawn_key = spawn_key,
    pool_size = pool_size,
    n_children_spawned = check_whole(n_children_spawned, "n_children_spawned", 0),
    generate_state = function(n_words) {
      state_words(pool, check_whole(n_words, "n_words", 0))
    },
    spawn = function(n_children) {
      spawned <- sequence[["n_children_spawned"]]
      children <- spawned + seq_len(check_whole(n_children, "n_children", 0)) - 1
      sequence[["n_children_spawned"]] <- spawned + length(children)
      lapply(children, function(child) SeedSequence(entropy, c(spawn_key, child), pool_size))
    }
  )
  sequence <- list2env(members, parent = emptyenv())
  class(sequence) <- "SeedSequence"
  sequence
}

#' NumPy's generator, `numpy.random.default_rng`
#'
#' The methods have NumPy's names and arguments, and every draw the same 64 bits.
#'
#' - `random(size, dtype)`: uniform on `[0, 1)`, of 53 bits (`"float64"`) or of 24 (`"float32"`).
#'   `uniform(low, high, size)`: uniform on `[low, high)`.
#' - `standard_normal(size)`, `normal(loc, scale, size)`, `standard_exponential(size)`, `exponential(scale,
#'   size)`: by ziggurats.
#' - `integers(low, high, size, dtype, endpoint)`: whole numbers from `low` to `high - 1` (to `high` with
#'   `endpoint`), or from 0 to `low - 1`, by Lemire's method. The stream depends on `dtype`: one of `"int64"`,
#'   `"int32"`, `"int16"`, `"int8"`, the same with `u`, and `"bool"`.
#' - `permutation(x)`: the numbers 0 to `x - 1`, the elements of a vector or the rows of an array, in random
#'   order. `shuffle(x)`: the elements or rows of `x` in random order (a copy, where NumPy works in place).
#' - `choice(a, size, replace, p, shuffle)`: elements of the vector `a`, or numbers from 0 to `a - 1`.
#' - `spawn(n_children)`: a list of independent generators.
#' - `get_state()`, `set_state(state)`: the state as NumPy's `bit_generator.state` has it, its numbers of 128
#'   bits as strings of decimal digits, and the count of words beside it. `words_drawn()`: that count, of
#'   64-bit words since seeding.
#'
#' Half a word that a 32-bit draw leaves over is kept for the next 32-bit draw. For `size`, positions, counts
#' and the limits of whole numbers see [NumpyRandomState()].
#'
#' @param seed What [SeedSequence()] takes as its entropy, or a seed sequence.
#' @return The generator: an environment of its methods.
#' @source NumPy 2.4.6, `numpy/random/_generator.pyx`.
#' @examples
#' generator <- NumpyGenerator(42)
#' generator$standard_normal(c(2, 3))
#' generator$integers(1, 6, size = 10, endpoint = TRUE)
#' @export
NumpyGenerator <- function(seed) {
  sequence <- if (inherits(seed, "SeedSequence")) seed else SeedSequence(check_seed(seed))
  stream <- pcg_new(sequence$generate_state(8))
  doubles <- function(n) pcg_doubles(stream, n)
  halves <- function(n) pcg_halves(stream, n)

  methods <- list(
    random = function(size = NULL, dtype = "float64") {
      check_choice(dtype, "dtype", c("float64", "float32"))
      n <- check_size(size)
      in_shape(if (dtype == "float64") doubles(n) else floor(halves(n) / 2^8) / 2^24, size)
    },
    uniform = function(low = 0, high = 1, size = NULL) {
      range <- check_range(low, high)
      check_argument(range >= 0 && 1 / range > 0, "high", high, "at least `low`")
      n <- check_size(size)
      in_shape(low + range * doubles(n), size)
    },
    standard_normal = function(size = NULL) {
      n <- check_size(size)
      in_shape(ziggurat_normals(stream, n), size)
    },
    normal = function(loc = 0, scale = 1, size = NULL) {
      check_location_scale(loc, scale)
      n <- check_size(size)
      in_shape(loc + scale * ziggurat_normals(stream, n), size)
    },
    standard_exponential = function(size = NULL) {
      n <- check_size(size)
      in_shape(ziggurat_exponentials(stream, n), size)
    },
    exponential = function(scale = 1, size = NULL) {
      check_location_scale(0, scale)
      n <- check_size(size)
      in_shape(scale * ziggurat_exponentials(stream, n), size)
    },
    integers = function(low, high = NULL, size = NULL, dtype = "int64", endpoint = FALSE) {
      check_choice(dtype, "dtype", names(INTEGER_LIMITS))
      n <- check_size(size)
      if (n == 0) {
        return(in_shape(numeric(0), size)) # NumPy does not look at the limits then
      }
      type <- INTEGER_LIMITS[[dtype]]
      check_flag(endpoint, "endpoint")
      limits <- check_limits(low, high, endpoint, type[["minimum"]], type[["maximum"]])
      in_shape(lemire_integers(stream, n, limits[["low"]], limits[["range"]], type[["bits"]]), size)
    },
    permutation = function(x) {
      if (is_count(x)) {
        masked_order(halves, check_whole(x, "x")) - 1
      } else {
        take_rows(x, masked_order(halves, NROW(x)))
      }
    },
    shuffle = function(x) {
      if (length(x) == 0) x else take_rows(x, masked_order(halves, NROW(x)))
    },
    choice = function(a, size = NULL, replace = TRUE, p = NULL, shuffle = TRUE) {
      n <- check_size(size)
      population <- check_population(a, n, check_flag(replace, "replace"), p)
      check_flag(shuffle, "shuffle")
      if (!is.null(p)) {
        positions <- weighted_positions(doubles, n, p, replace)
      } else if (replace) {
        positions <- if (n > 0) lemire_integers(stream, n, 0, population - 1, 64) else numeric(0)
      } else {
        positions <- distinct_positions(stream, n, population, shuffle)
      }
      in_shape(chosen(a, positions), size)
    },
    spawn = function(n_children) {
      lapply(sequence$spawn(n_children), NumpyGenerator)
    },
    get_state = function() {
      list(
        bit_generator = "PCG64",
        state = list(
          state = decimal_from_words(stream[["state"]]),
          inc = decimal_from_words(stream[["increment"]])
        ),
        has_uint32 = as.double(stream[["has_half"]]),
        uinteger = stream[["half"]],
        drawn = stream[["drawn"]]
      )
    },
    set_state = function(state) {
      check_choice(state[["bit_generator"]], "bit_generator", "PCG64")
      pcg_set_state(
        stream,
        state = check_words_128(state[["state"]][["state"]], "state"),
        increment = check_words_128(state[["state"]][["inc"]], "inc")
      )
      stream[["has_half"]] <- state[["has_uint32"]] != 0
      stream[["half"]] <- check_whole(state[["uinteger"]], "uinteger", 0, 2^32 - 1)
      stream[["drawn"]] <- check_drawn(state[["drawn"]])
      invisible(generator)
    },
    words_drawn = function() {
      stream[["drawn"]]
    }
  )
  generator <- list2env(methods, parent = emptyenv())
  class(generator) <- c("NumpyGenerator", "twinnet_generator")
  generator
}

# The types of whole numbers that `integers` knows. In R, 64 bits end at 2^53.
INTEGER_LIMITS <- list(
  int64 = list(bits = 64, minimum = -2^53, maximum = 2^53),
  int32 = list(bits = 32, minimum = -2^31, maximum = 2^31 - 1),
  int16 = list(bits = 16, minimum = -2^15, maximum = 2^15 - 1),
  int8 = list(bits = 8, minimum = -2^7, maximum = 2^7 - 1),
  uint64 = list(bits = 64, minimum = 0, maximum = 2^53),
  uint32 = list(bits = 32, minimum = 0, maximum = 2^32 - 1),
  uint16 = list(bits = 16, minimum = 0, maximum = 2^16 - 1),
  uint8 = list(bits = 8, minimum = 0, maximum = 2^8 - 1),
  bool = list(bits = 1, minimum = 0, maximum = 1)
)

# A seed of one or several whole numbers; NumPy would take the computer's own entropy where there is none.
check_seed <- function(seed, name = "seed") {
  check_argument(!is.null(seed), name, seed, "whole numbers of at least 0")
  seed_words(seed, name)
  seed
}

# --- what only R needs: whole numbers of any size, as 32-bit words, the lowest first ---

# The words of one or several seeds. A seed has as many as it needs, and 0 has one.
seed_words <- function(seeds, name) {
  words <- lapply(seeds, function(seed) {
    if (is.character(seed)) {
      return(words_from_text(seed, name))
    }
    seed <- check_whole(seed, name, 0)
    if (seed < 2^32) seed else c(seed %% 2^32, seed %/% 2^32)
  })
  as.double(unlist(words))
}

# The words of a number in decimal digits, or in hexadecimal digits after 0x.
words_from_text <- function(text, name) {
  check_argument(grepl("^([0-9]+|0x[0-9a-fA-F]+)$", text), name, text, "digits, or 0x and hexadecimal digits")
  hexadecimal <- startsWith(text, "0x")
  base <- if (hexadecimal) 16 else 10
  digits <- strtoi(strsplit(sub("^0x", "", text), "")[[1]], base)
  words <- 0
  for (digit in digits) {
    words <- words * base
    words[[1]] <- words[[1]] + digit
    carry <- 0
    for (i in seq_along(words)) {
      sum <- words[[i]] + carry
      carry <- sum %/% 2^32
      words[[i]] <- sum - carry * 2^32
    }
    words <- c(words, if (carry > 0) carry)
  }
  words
}

# A number in decimal digits, six at a time from the lowest.
decimal_from_words <- function(words) {
  text <- ""
  while (any(words > 0)) {
    remainder <- 0
    for (i in rev(seq_along(words))) {
      value <- remainder * 2^32 + words[[i]]
      words[[i]] <- value %/% 10^6
      remainder <- value %% 10^6
    }
    text <- paste0(sprintf("%06.0f", remainder), text)
  }
  sub("^0*(?=.)", "", paste0("0", text), perl = TRUE)
}

# The four words of a number of 128 bits, given as text.
check_words_128 <- function(text, name) {
  check_argument(is.character(text) && length(text) == 1, name, text, "a string of digits")
  words <- words_from_text(text, name)
  check_argument(length(words) <= 4, name, text, "below 2^128")
  c(words, numeric(4 - length(words)))
}

# The 16-bit digits of words, the lowest first, and back: products of digits are exact in doubles.
digits_from_words <- function(words) {
  as.vector(rbind(words %% 2^16, words %/% 2^16))
}

words_from_digits <- function(digits) {
  as.vector(c(1, 2^16) %*% matrix(digits, 2))
}

# a * b + c modulo 2^128, all in eight digits.
multiply_add_128 <- function(a, b, c) {
  for (i in 1:8) {
    c[i:8] <- c[i:8] + a[[i]] * b[1:(9 - i)]
  }
  carry <- 0
  for (i in 1:8) {
    sum <- c[[i]] + carry
    carry <- sum %/% 2^16
    c[[i]] <- sum - carry * 2^16
  }
  c
}

# --- what only R needs: SeedSequence ---

# Words of entropy mixed into a pool: every word into one of the pool's, the pool's into each other, and what
# did not fit into all of them.
mixed_pool <- function(entropy, pool_size) {
  extra <- entropy[-seq_len(pool_size)]
  hashes <- hash_constants(0x43b0d7e5, 0x931e8875, pool_size * (pool_size + length(extra)))
  padded <- c(entropy, numeric(pool_size))[seq_len(pool_size)]
  each <- seq_len(pool_size)
  pool <- hash_words(padded, hashes[, each])
  used <- pool_size
  for (source in each) {
    others <- each[-source]
    pool[others] <- mix_words(pool[others], hash_words(pool[[source]], hashes[, used + seq_along(others)]))
    used <- used + length(others)
  }
  for (word in extra) {
    pool <- mix_words(pool, hash_words(word, hashes[, used + each]))
    used <- used + pool_size
  }
  pool
}

# n words from a pool, read round and round.
state_words <- function(pool, n) {
  hashes <- hash_constants(0x8b51f9dd, 0x58f38ded, n)
  hash_words(rep_len(pool, n), hashes)
}

# For each of n hashes the constant before it (row 1) and after it (row 2).
hash_constants <- function(first, multiplier, n) {
  constants <- Reduce(word_multiply, rep(multiplier, n), accumulate = TRUE, first)
  rbind(constants[seq_len(n)], constants[-1])
}

hash_words <- function(words, constants) {
  xor_shift(word_multiply(word_xor(words, constants[1, ]), constants[2, ]))
}

mix_words <- function(x, y) {
  xor_shift((word_multiply(x, 0xca01f9dd) - word_multiply(y, 0x4973f715)) %% 2^32)
}

# word ^ (word >> 16)
xor_shift <- function(words) {
  word_xor(words, words %/% 2^16)
}

# --- what only R needs: PCG64 ---

# k steps of the generator are state * a + increment * g, where a = MULTIPLIER^k and g = 1 + MULTIPLIER + ...
# + MULTIPLIER^(k - 1), modulo 2^128. So states far ahead come at once, many of them by one matrix product: a
# word of the result is the sum of the 16-bit digits of the state, each times that word of a * 2^16, a * 2^32,
# ..., and of what the lower words carry. The sums stay below 2^53, so they are exact in whatever order they
# are added. A block of draws takes two such jumps: from the state to LEAPS places that lie STEPS apart, and
# from each of these to the STEPS states that follow.
PCG_STEPS <- 64
PCG_LEAPS <- 256
PCG_MULTIPLIER <- digits_from_words(words_from_text("0x2360ed051fc65da44385df649fccf645", "multiplier"))

# The a and g of n jumps: none, one, ..., n - 1 of those given.
repeated_jumps <- function(jump, n) {
  jumps <- list(list(a = c(1, numeric(7)), g = numeric(8)))
  for (k in seq_len(n - 1)) {
    last <- jumps[[k]]
    jumps[[k + 1]] <- list(
      a = multiply_add_128(last[["a"]], jump[["a"]], numeric(8)),
      g = multiply_add_128(last[["g"]], jump[["a"]], jump[["g"]])
    )
  }
  jumps
}

# For each of the four words of a product with these factors, a matrix: a row for each factor and a column for
# each digit that it may be multiplied with, first the lower digits of the four words, then the upper.
product_coefficients <- function(factors) {
  shifted <- lapply(c(0, 2, 4, 6, 1, 3, 5, 7), function(shift) {
    vapply(factors, function(digits) words_from_digits(c(numeric(shift), digits)[1:8]), numeric(4))
  })
  lapply(1:4, function(word) vapply(shifted, function(words) words[word, ], numeric(length(factors))))
}

jump_coefficients <- function(jumps) {
  list(
    state = product_coefficients(lapply(jumps, `[[`, "a")),
    increment = product_coefficients(lapply(jumps, `[[`, "g"))
  )
}

# The jumps by 1, 2, ..., STEPS, and by 0, STEPS, 2 * STEPS, ...
PCG_JUMPS <- local({
  steps <- repeated_jumps(list(a = PCG_MULTIPLIER, g = c(1, numeric(7))), PCG_STEPS + 1)
  leaps <- repeated_jumps(steps[[PCG_STEPS + 1]], PCG_LEAPS)
  list(steps = jump_coefficients(steps[-1]), leaps = jump_coefficients(leaps))
})

# A stream of 64-bit words from eight words of a seed sequence, two of them to a number of 64 bits. The first
# number is the high half of what is added to the state, the third that of the increment.
pcg_new <- function(words) {
  zero <- numeric(8)
  one <- c(1, zero[-1])
  increment <- multiply_add_128(2 * one, digits_from_words(words[c(7, 8, 5, 6)]), one)
  # of two steps from the state 0, the first leads to the increment, and the words are added to that
  sum <- multiply_add_128(one, increment, digits_from_words(words[c(3, 4, 1, 2)]))
  state <- multiply_add_128(sum, PCG_MULTIPLIER, increment)
  stream <- structure(new.env(parent = emptyenv()), class = "twinnet_pcg_stream")
  pcg_set_state(stream, words_from_digits(state), words_from_digits(increment))
  stream[["has_half"]] <- FALSE
  stream[["half"]] <- 0
  stream[["drawn"]] <- 0
  stream
}

# The state, and with the increment the matrices of the jumps: what the increment adds is their last column.
# From that column 2^31 is taken away, for the sake of xor_words.
pcg_set_state <- function(stream, state, increment) {
  digits <- split_words(increment)
  stream[["state"]] <- state
  stream[["increment"]] <- increment
  for (name in names(PCG_JUMPS)) {
    jump <- PCG_JUMPS[[name]]
    stream[[name]] <- Map(function(a, g) cbind(a, g %*% digits - 2^31), jump[["state"]], jump[["increment"]])
  }
}

# The states that these jumps lead to from each of several states, the four words in the rows of a matrix.
# Returns a list of four words, each with a row for a jump and a column for a state, and each 2^31 too small.
pcg_jump <- function(jumps, states) {
  digits <- rbind(split_words(states), 1)
  words <- vector("list", 4)
  carry <- 0
  for (word in 1:4) {
    sums <- jumps[[word]] %*% digits + carry
    carry <- floor(sums * 2^-32 + 0.5)
    words[[word]] <- sums - carry * 2^32
  }
  words
}

# The lower 16 bits of the words in the rows of a matrix, then the upper.
split_words <- function(words) {
  upper <- floor(words * 2^-16)
  rbind(as.matrix(words - upper * 2^16), as.matrix(upper))
}

# The next n words, at most STEPS * LEAPS, as their high and low halves.
pcg_block <- function(stream, n) {
  starts <- do.call(cbind, pcg_jump(stream[["leaps"]], stream[["state"]]))
  used <- seq_len(ceiling(n / PCG_STEPS))
  states <- pcg_jump(stream[["steps"]], t(starts[used, , drop = FALSE] + 2^31))
  if (n < length(states[[1]])) {
    states <- lapply(states, `[`, seq_len(n))
  }
  stream[["state"]] <- vapply(states, `[[`, 0, n) + 2^31
  stream[["drawn"]] <- stream[["drawn"]] + n
  pcg_output(states)
}

# XSL-RR: the high half of the state xor the low half, rotated to the right. Of two 32-bit halves the rotation
# exchanges the two (if it is by 32 or more), then moves the low bits of each into the other.
pcg_output <- function(states) {
  low <- xor_words(states[[1]], states[[3]])
  high <- xor_words(states[[2]], states[[4]])
  exchanged <- (high - low) * (states[[4]] >= 0)
  shift <- ROTATIONS[as.integer(states[[4]] * 2^-26 + 33)]
  low <- (low + exchanged) * shift
  high <- (high - exchanged) * shift
  high_whole <- floor(high)
  low_whole <- floor(low)
  list(high = high_whole + (low - low_whole) * 2^32, low = low_whole + (high - high_whole) * 2^32)
}

# 2^-r for a rotation by r or by 32 + r.
ROTATIONS <- rep(2^-(0:31), 2)

# The exclusive or of words that are 2^31 too small, so that they are R's integers. Only 0 would become R's
# NA, and so would a result of 2^31: with these, which are rare, word_xor has to do.
xor_words <- function(a, b) {
  if (min(a, b) > -2^31) {
    signed <- bitwXor(a, b)
    if (!anyNA(signed)) {
      return(signed + 2^32 * (signed < 0))
    }
  }
  word_xor(a + 2^31, b + 2^31)
}

# The next n words as their high and low halves.
pcg_words <- function(stream, n) {
  blocks <- block_sizes(n, PCG_STEPS * PCG_LEAPS)
  words <- lapply(blocks, function(count) pcg_block(stream, count))
  list(
    high = as.double(unlist(lapply(words, `[[`, "high"))),
    low = as.double(unlist(lapply(words, `[[`, "low")))
  )
}

# The same as a matrix with the high halves in its first row.
pcg_pairs <- function(stream, n) {
  words <- pcg_words(stream, n)
  matrix(c(words[["high"]], words[["low"]]), 2, n, byrow = TRUE)
}

# Doubles of 53 bits in [0, 1), a word each.
pcg_doubles <- function(stream, n) {
  blocks <- block_sizes(n, PCG_STEPS * PCG_LEAPS)
  as.double(unlist(lapply(blocks, function(count) double_from_halves(pcg_block(stream, count)))))
}

double_from_halves <- function(words) {
  words[["high"]] * 2^-32 + floor(words[["low"]] * 2^-11) * 2^-53
}

# 32-bit words: the low half of a word, then its high half, which is kept where it is not asked for yet.
pcg_halves <- function(stream, n) {
  kept <- if (n > 0 && stream[["has_half"]]) stream[["half"]]
  words <- pcg_words(stream, ceiling((n - length(kept)) / 2))
  halves <- c(kept, rbind(words[["low"]], words[["high"]]))
  if (n > 0) {
    stream[["has_half"]] <- length(halves) > n
  }
  if (length(words[["high"]]) > 0) {
    stream[["half"]] <- words[["high"]][[length(words[["high"]])]]
  }
  halves[seq_len(n)]
}

# --- what only R needs: NumPy's algorithms ---

# A ziggurat covers the density with 256 layers, and almost every word says at once where in which layer a
# draw lies (Marsaglia and Tsang 2000). The other words are settled one after the other, with further doubles.
# These are words too, and most of them are here already; no value comes of them, nor of a word that is
# refused.
ziggurat_draws <- function(stream, n, place, settle) {
  draw_accepted(n, function(count) {
    words <- pcg_words(stream, count)
    tries <- place(words)
    values <- tries[["value"]]
    doubles <- double_from_halves(words)
    read <- 0
    for (i in which(!tries[["inside"]])) {
      if (i <= read) {
        next
      }
      read <- i
      settled <- NULL
      while (is.null(settled)) {
        if (read == length(doubles)) {
          doubles <- c(doubles, pcg_doubles(stream, 1))
        }
        read <- read + 1
        settled <- settle(values[[i]], tries[["layer"]][[i]], tries[["place"]][[i]], doubles[(i + 1):read])
      }
      values[[i]] <- settled
      values[(i + 1):read] <- NA
    }
    values[!is.na(values)]
  })
}

# Normal draws. Of a word, 8 bits choose a layer, one the sign, and 52 the place in the layer.
ziggurat_normals <- function(stream, n) {
  width <- c(ZIGGURAT_NORMAL[["w"]], -ZIGGURAT_NORMAL[["w"]])
  inside <- c(ZIGGURAT_NORMAL[["k"]], ZIGGURAT_NORMAL[["k"]])
  ziggurat_draws(stream, n, settle = settle_normal, place = function(words) {
    upper <- floor(words[["low"]] * 2^-9)
    place <- upper + (words[["high"]] - floor(words[["high"]] * 2^-29) * 2^29) * 2^23
    entry <- words[["low"]] - upper * 2^9 + 1 # the layer, and 256 more if the sign is negative
    value <- place * width[entry]
    list(value = value, inside = place < inside[entry], layer = (entry - 1) %% 256, place = place)
  })
}

# The value, another one, NA if there is none, or NULL if more doubles are needed. Layer 0 has the tail, which
# is drawn by Marsaglia's method; in the others the value must lie below the density.
settle_normal <- function(value, layer, place, doubles) {
  if (layer > 0) {
    edges <- ZIGGURAT_NORMAL[["f"]][c(layer, layer + 1)]
    height <- (edges[[1]] - edges[[2]]) * doubles[[1]] + edges[[2]]
    return(if (height < exp(-0.5 * value * value)) value else NA)
  }
  if (length(doubles) %% 2 == 0) {
    logs <- -log1p(-doubles[length(doubles) - c(1, 0)])
    beyond <- ZIGGURAT_NORMAL[["inv_r"]] * logs[[1]]
    if (logs[[2]] + logs[[2]] > beyond * beyond) {
      sign <- if (floor(place * 2^-8) %% 2 == 1) -1 else 1
      return(sign * (ZIGGURAT_NORMAL[["r"]] + beyond))
    }
  }
  NULL
}

# Exponential draws. Of a word, the lowest 3 bits are not used, 8 choose a layer, and 53 the place in the
# layer.
ziggurat_exponentials <- function(stream, n) {
  ziggurat_draws(stream, n, settle = settle_exponential, place = function(words) {
    upper <- floor(words[["low"]] * 2^-11)
    place <- upper + words[["high"]] * 2^21
    layer <- floor((words[["low"]] - upper * 2^11) * 2^-3)
    value <- place * ZIGGURAT_EXPONENTIAL[["w"]][layer + 1]
    list(value = value, inside = place < ZIGGURAT_EXPONENTIAL[["k"]][layer + 1], layer = layer, place = place)
  })
}

settle_exponential <- function(value, layer, place, doubles) {
  if (layer == 0) {
    return(ZIGGURAT_EXPONENTIAL[["r"]] - log1p(-doubles[[1]]))
  }
  edges <- ZIGGURAT_EXPONENTIAL[["f"]][c(layer, layer + 1)]
  height <- (edges[[1]] - edges[[2]]) * doubles[[1]] + edges[[2]]
  if (height < exp(-value)) value else NA
}

# Whole numbers from low to low + range by Lemire's method (2019, arXiv:1805.10941): a random word times range
# + 1 has the number in its high part; the word is refused if the low part is too low.
lemire_integers <- function(stream, n, low, range, bits) {
  if (range == 0) {
    return(rep(low, n))
  }
  if (range >= 2^32) {
    tries <- function(count) lemire_long(pcg_pairs(stream, count), range + 1)
  } else if (bits >= 32) {
    tries <- function(count) lemire_short(pcg_halves(stream, count), range + 1)
  } else {
    pieces <- piece_source(stream, bits)
    tries <- function(count) lemire_short(pieces(count), range + 1, bits)
  }
  low + draw_accepted(n, function(count) {
    numbers <- tries(count)
    numbers[!is.na(numbers)]
  })
}

# A number from 0 to each of these bounds, which ascend where some of them are 2^32 or more. 0 takes no word.
lemire_below <- function(stream, bounds) {
  numbers <- numeric(length(bounds))
  short <- bounds > 0 & bounds < 2^32
  long <- bounds >= 2^32
  numbers[short] <- lemire_each(bounds[short] + 1, lemire_short, function(n) matrix(pcg_halves(stream, n), 1))
  numbers[long] <- lemire_each(bounds[long] + 1, lemire_long, function(n) pcg_pairs(stream, n))
  numbers
}

# A number below each of these counts. A word that is refused is left out, and the words after it serve the
# counts that wait. Words are the columns of a matrix.
lemire_each <- function(counts, lemire, draw) {
  numbers <- numeric(length(counts))
  done <- 0
  left <- draw(0)
  while (done < length(counts)) {
    waiting <- (done + 1):min(done + 1000, length(counts))
    words <- cbind(left, draw(length(waiting) - ncol(left)))
    tries <- lemire(words, counts[waiting])
    passed <- c(which(is.na(tries)), length(waiting) + 1)[[1]] - 1
    numbers[waiting[seq_len(passed)]] <- tries[seq_len(passed)]
    done <- done + passed
    left <- words[, -seq_len(passed + 1), drop = FALSE]
  }
  numbers
}

# The numbers below `counts` that words of so many bits give, NA where a word is refused. Words of fewer than
# 32 bits are moved to the upper end of 32, and so is the limit.
lemire_short <- function(words, counts, bits = 32) {
  product <- multiply_words(as.vector(words) * 2^(32 - bits), counts)
  lowest <- ((2^bits - counts) %% counts) * 2^(32 - bits)
  ifelse(product[["low"]] < lowest, NA, product[["high"]])
}

# The same for words of 64 bits, as their high halves in a row and their low halves in another.
lemire_long <- function(words, counts) {
  upper <- counts %/% 2^32
  lower <- counts - upper * 2^32
  low_lower <- multiply_words(words[2, ], lower)
  low_upper <- multiply_words(words[2, ], upper)
  high_lower <- multiply_words(words[1, ], lower)
  high_upper <- multiply_words(words[1, ], upper)
  second <- low_lower[["high"]] + low_upper[["low"]] + high_lower[["low"]]
  carry <- floor(second * 2^-32)
  second <- second - carry * 2^32
  third <- low_upper[["high"]] + high_lower[["high"]] + high_upper[["low"]] + carry
  lowest <- power_modulo(64, counts)
  lowest_upper <- lowest %/% 2^32
  lowest_lower <- lowest - lowest_upper * 2^32
  refused <- second < lowest_upper | (second == lowest_upper & low_lower[["low"]] < lowest_lower)
  ifelse(refused, NA, high_upper[["high"]] * 2^32 + third)
}

# words * factor, the factor at most 2^32, as 32-bit words: by the factor's 16-bit halves, for exactness.
multiply_words <- function(words, factor) {
  factor_upper <- floor(factor * 2^-16)
  lower <- words * (factor - factor_upper * 2^16)
  carry <- floor(lower * 2^-16)
  upper <- words * factor_upper + carry
  high <- floor(upper * 2^-16)
  list(high = high, low = (upper - high * 2^16) * 2^16 + (lower - carry * 2^16))
}

# 2^exponent modulo numbers of at most 2^53.
power_modulo <- function(exponent, numbers) {
  powers <- 1 %% numbers
  for (i in seq_len(exponent)) {
    powers <- 2 * powers
    powers <- powers - numbers * (powers >= numbers)
  }
  powers
}

# A function that draws pieces of fewer than 32 bits: so many of a word, from its low end. It keeps the rest
# of a word for its next call, but is itself made anew for every call of `integers`.
piece_source <- function(stream, bits) {
  self <- new.env(parent = emptyenv())
  self[["left"]] <- numeric(0)
  shifts <- 2^-seq(0, 32 - bits, by = bits)
  function(n) {
    words <- pcg_halves(stream, ceiling(max(0, n - length(self[["left"]])) * bits / 32))
    pieces <- c(self[["left"]], floor(rep(words, each = length(shifts)) * shifts) %% 2^bits)
    self[["left"]] <- pieces[-seq_len(n)]
    pieces[seq_len(n)]
  }
}

# n different positions of a population, counted from 0. Where they are many of a large one, its last n after
# the swaps that reach them; else Floyd's algorithm, whose result is shuffled if that is asked for.
distinct_positions <- function(stream, n, population, shuffle) {
  if (n == 0) {
    return(numeric(0))
  }
  cutoff <- if (shuffle) 50 else 20
  if (population > 10000 && n > population %/% cutoff) {
    places <- lemire_below(stream, (population - 1):max(population - n, 1))
    return(swap_down(seq_len(population) - 1, places)[(population - n + 1):population])
  }
  positions <- floyd_positions(stream, n, population)
  if (shuffle && n > 1) swap_down(positions, lemire_below(stream, (n - 1):1)) else positions
}

# Exchange the last element with that at the first of these places (from 0), the last but one with the second,
# ...
swap_down <- function(x, places) {
  for (step in seq_along(places)) {
    i <- length(x) + 1 - step
    j <- places[[step]] + 1
    moved <- x[[i]]
    x[[i]] <- x[[j]]
    x[[j]] <- moved
  }
  x
}

# Floyd's algorithm: for each j of the last n positions, in ascending order, a position from 0 to j, or j
# itself if that position has been taken: by an earlier draw, or by an earlier j that stood in for its draw.
floyd_positions <- function(stream, n, population) {
  last <- (population - n):(population - 1)
  drawn <- lemire_below(stream, last)
  taken <- duplicated(drawn)
  for (k in which(!taken & drawn >= last[[1]])) {
    earlier <- drawn[[k]] - last[[1]] + 1
    taken[[k]] <- earlier < k && taken[[earlier]]
  }
  ifelse(taken, last, drawn)
}
