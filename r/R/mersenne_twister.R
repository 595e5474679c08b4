# The Mersenne Twister MT19937 as a private source of 32-bit words.
# With it, the ways in which R, NumPy, PyTorch and Python turn a seed into its key of 624 words.
# Words are doubles in [0, 2^32). They come from R's own Mersenne Twister: a stream keeps a `.Random.seed` of
# its own, which stands in for the caller's only while words are drawn. So R's speed is kept, and the caller's
# generator (its kind, its state, its absence) is found again exactly as it was.
# Sources: Matsumoto and Nishimura (1998), ACM TOMACS 8(1), and their mt19937ar.c (2002); R's src/main/RNG.c.
# Twin: python/twinnet/mersenne_twister.py

# What `.Random.seed` starts with: 3 Mersenne-Twister, 400 Inversion, 10000 Rejection.
MT_KIND_CODE <- 10403L

#' The key that R's `set.seed` makes of a seed
#'
#' Fifty steps of `s <- 69069 * s + 1` modulo 2^32 scramble the seed, one more is thrown away (it falls where
#' R keeps the position), and the next 624 are the key.
#'
#' @param seed A whole number from -(2^31 - 1) to 2^31 - 1.
#' @return The key: 624 doubles in `[0, 2^32)`.
#' @source R's `src/main/RNG.c`, `RNG_Init`.
#' @export
mt_seed_r <- function(seed) {
  seed <- check_whole(seed, "seed", -(2^31 - 1), 2^31 - 1)
  words <- numeric(675)
  word <- seed %% 2^32
  for (step in seq_along(words)) {
    word <- (69069 * word + 1) %% 2^32
    words[[step]] <- word
  }
  words[52:675]
}

#' The key that `init_genrand` makes of a 32-bit seed
#'
#' `numpy.random.RandomState(seed)` and `torch.manual_seed(seed)` start so.
#'
#' @param seed A whole number from 0 to 2^32 - 1.
#' @return The key: 624 doubles in `[0, 2^32)`.
#' @source Matsumoto and Nishimura, mt19937ar.c (2002), `init_genrand`.
#' @export
mt_init_genrand <- function(seed) {
  key <- numeric(624)
  key[[1]] <- check_whole(seed, "seed", 0, 2^32 - 1)
  for (j in seq_len(623)) {
    key[[j + 1]] <- (word_multiply(word_fold(key[[j]]), 1812433253) + j) %% 2^32
  }
  key
}

#' The key that `init_by_array` makes of several 32-bit words
#'
#' `numpy.random.RandomState(c(...))` and Python's `random.seed(...)` start so.
#'
#' @param key One or more whole numbers from 0 to 2^32 - 1.
#' @return The key of the generator: 624 doubles in `[0, 2^32)`.
#' @source Matsumoto and Nishimura, mt19937ar.c (2002), `init_by_array`.
#' @export
mt_init_by_array <- function(key) {
  words <- check_words(key, "key")
  mt <- mt_init_genrand(19650218)
  i <- 1
  for (k in seq_len(max(624, length(words))) - 1) {
    j <- k %% length(words)
    mixed <- word_xor(mt[[i + 1]], word_multiply(word_fold(mt[[i]]), 1664525))
    mt[[i + 1]] <- (mixed + words[[j + 1]] + j) %% 2^32
    i <- i + 1
    if (i == 624) {
      mt[[1]] <- mt[[624]]
      i <- 1
    }
  }
  for (k in seq_len(623)) {
    mixed <- word_xor(mt[[i + 1]], word_multiply(word_fold(mt[[i]]), 1566083941))
    mt[[i + 1]] <- (mixed - i) %% 2^32
    i <- i + 1
    if (i == 624) {
      mt[[1]] <- mt[[624]]
      i <- 1
    }
  }
  mt[[1]] <- 2^31
  mt
}

#' A private stream of 32-bit words
#'
#' @param key The key: 624 whole numbers in `[0, 2^32)`, not all 0.
#' @param pos How many words of the key have been read, from 1 to 624; 624 after seeding.
#' @return A stream: an environment whose `drawn` counts the words drawn since.
#' @source R's `src/main/RNG.c`, `MT_genrand`.
#' @export
mt_new <- function(key, pos = 624) {
  stream <- structure(new.env(parent = emptyenv()), class = "twinnet_mt_stream")
  stream[["drawn"]] <- 0
  mt_set_state(stream, key, pos)
  stream
}

#' Draw words
#'
#' @param stream A stream made by [mt_new()].
#' @param n How many, a whole number of at least 0.
#' @return `n` doubles in `[0, 2^32)`; the stream has moved on by `n` words.
#' @export
mt_words <- function(stream, n) {
  n <- check_whole(n, "n", 0)
  # runif gives word / 2^32, and the word 0 as 0.5 / (2^32 - 1): flooring gives every word back.
  words <- floor(with_private_seed(stream, stats::runif(n)) * 2^32)
  stream[["drawn"]] <- stream[["drawn"]] + n
  words
}

#' The state of a stream
#'
#' @inheritParams mt_words
#' @return A list with `key`, 624 doubles in `[0, 2^32)`, and `pos`, the number of them that have been read.
#' @export
mt_state <- function(stream) {
  seed <- stream[["seed"]]
  list(key = words_from_integers(seed[-(1:2)]), pos = as.double(seed[[2]]))
}

#' Set the state of a stream
#'
#' The count of words drawn is left as it is.
#'
#' @inheritParams mt_words
#' @inheritParams mt_new
#' @return The stream, invisibly.
#' @export
mt_set_state <- function(stream, key, pos) {
  key <- check_words(key, "key")
  check_argument(length(key) == 624 && any(key != 0), "key", key, "624 words, some of them above 0")
  pos <- check_whole(pos, "pos", 1, 624)
  stream[["seed"]] <- c(MT_KIND_CODE, as.integer(pos), integers_from_words(key))
  invisible(stream)
}

#' Mark where a stream stands
#'
#' @inheritParams mt_words
#' @return A mark, for [mt_rewind()].
#' @export
mt_mark <- function(stream) {
  list(seed = stream[["seed"]], drawn = stream[["drawn"]])
}

#' Go back to a mark and on from there
#'
#' A reader that cannot know how many words it will use marks the stream, draws plenty, and gives back what it
#' did not use.
#'
#' @inheritParams mt_words
#' @param mark A mark of this stream, made by [mt_mark()].
#' @param used How many words after the mark the stream is to stand at.
#' @return The stream, invisibly.
#' @export
mt_rewind <- function(stream, mark, used) {
  stream[["seed"]] <- mark[["seed"]]
  stream[["drawn"]] <- mark[["drawn"]]
  mt_words(stream, used)
  invisible(stream)
}

# --- what only R needs: its global state lent and restored, 32-bit words as doubles ---

# The value of `draw`, an expression that draws from R's generator, with the stream's own `.Random.seed` in
# the place of the caller's.
with_private_seed <- function(stream, draw) {
  global <- globalenv()
  caller <- keep_caller_rng(global)
  on.exit(restore_caller_rng(global, caller))
  global[[".Random.seed"]] <- stream[["seed"]]
  value <- force(draw)
  stream[["seed"]] <- global[[".Random.seed"]]
  value
}

# The caller's `.Random.seed`; where there is none yet, the code of the kinds that R holds inside.
keep_caller_rng <- function(global) {
  seed <- global[[".Random.seed"]]
  list(exists = !is.null(seed), seed = if (is.null(seed)) rng_kind_code() else seed)
}

# R takes its kinds from the first number of `.Random.seed`, and RNGkind() makes it do so now: they are the
# caller's again even where `.Random.seed` goes.
restore_caller_rng <- function(global, caller) {
  ours <- global[[".Random.seed"]][[1]]
  global[[".Random.seed"]] <- caller[["seed"]]
  if (!identical(caller[["seed"]][[1]], ours)) {
    RNGkind()
  }
  if (!caller[["exists"]]) {
    rm(".Random.seed", envir = global)
  }
}

# R's kinds as the number that `.Random.seed` would start with.
rng_kind_code <- function() {
  kinds <- list(
    c(
      "Wichmann-Hill", "Marsaglia-Multicarry", "Super-Duper", "Mersenne-Twister", "Knuth-TAOCP",
      "user-supplied", "Knuth-TAOCP-2002", "L'Ecuyer-CMRG"
    ),
    c(
      "Buggy Kinderman-Ramage", "Ahrens-Dieter", "Box-Muller", "user-supplied", "Inversion",
      "Kinderman-Ramage"
    ),
    c("Rounding", "Rejection")
  )
  used <- RNGkind()
  digits <- c(match(used[[1]], kinds[[1]]), match(used[[2]], kinds[[2]]), match(used[[3]], kinds[[3]])) - 1
  as.integer(sum(digits * c(1, 100, 10000)))
}

# R keeps a word as the integer with the same 32 bits, so that 2^31 is NA_integer_.
integers_from_words <- function(words) {
  signed <- ifelse(words >= 2^31, words - 2^32, words)
  signed[words == 2^31] <- NA
  as.integer(signed)
}

words_from_integers <- function(integers) {
  words <- as.double(integers)
  words[is.na(words)] <- 2^31
  ifelse(words < 0, words + 2^32, words)
}

# The product of two words modulo 2^32: by 16-bit halves, since a double is exact to 2^53 only.
word_multiply <- function(a, b) {
  a_high <- a %/% 65536
  a_low <- a - a_high * 65536
  (((a_high * b) %% 65536) * 65536 + a_low * b) %% 2^32
}

# The exclusive or of two words: by 16-bit halves, since bitwXor takes R's signed integers only.
word_xor <- function(a, b) {
  a_high <- a %/% 65536
  b_high <- b %/% 65536
  bitwXor(a_high, b_high) * 65536 + bitwXor(a - a_high * 65536, b - b_high * 65536)
}

# word ^ (word >> 30), the mixing step of both initialisations; it changes the two lowest bits only.
word_fold <- function(word) {
  low <- word %% 4
  word - low + bitwXor(low, word %/% 2^30)
}

check_words <- function(value, name) {
  whole <- is.numeric(value) && length(value) > 0 && all(is.finite(value)) && all(value == floor(value))
  check_argument(whole && all(value >= 0 & value < 2^32), name, value, "whole numbers from 0 to 4294967295")
  as.double(value)
}
