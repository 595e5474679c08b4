# PyTorch's random numbers on the CPU: what they are after torch.manual_seed(seed), bit for bit.
# The words are the Mersenne Twister's. How they become numbers is PyTorch's, as of 2.13.0: its files
# aten/src/ATen/CPUGeneratorImpl.cpp, core/DistributionsHelper.h, core/TransformationHelper.h,
# native/cpu/DistributionTemplates.h, native/TensorFactories.cpp and native/Dropout.cpp. PyTorch promises no
# stream across versions. Twin: python/twinnet/generator_torch.py.
#
# Two things depend on the machine that runs PyTorch.
# - Its processor. `variant` says which of PyTorch's kernels are meant: "avx2" (x86-64 with AVX2, nearly all
#   since 2015; AVX-512 draws the same), whose compiler fuses multiply-adds, or "default" (x86-64 without).
#   torch.backends.cpu.get_cpu_capability() names them. Left out, it is what the environment variable
#   ATEN_CPU_CAPABILITY asks of PyTorch, and "avx2" where that is not set. Other processors are not covered.
# - Its C library: normal numbers of float64, and those of any dtype drawn fewer than 16 at a time, use its
#   log, log1p, sin and cos. They are computed with this machine's; where that is not Linux on x86-64, a
#   warning says so.

TORCH_DTYPES <- c("float32", "float64")
TORCH_VARIANTS <- c("avx2", "default")
TORCH_LARGEST <- c(float32 = (2 - 2^-23) * 2^127, float64 = 2^950) # PyTorch: float64's largest
LONGEST_PERMUTATION <- 2^32 %/% 20 - 1 # PyTorch permutes otherwise from here on
TORCH_BLOCK <- 16384 # normal numbers at a time, so that the working arrays stay in the processor's cache

#' PyTorch's random numbers on the CPU
#'
#' A generator that draws what PyTorch draws on the CPU after `torch.manual_seed(seed)`, bit for bit.
#' Numbers of dtype "float32" are float32 values held in doubles. A `size` stands for the tensor that is
#' filled: a whole number, or the sizes of an array's dimensions; arrays are filled with the last index
#' running fastest, as PyTorch's are, so that the same index means the same element.
#'
#' @section Methods:
#' - `manual_seed(seed)` starts anew from a seed.
#' - `initial_seed()`: the seed that the generator started from, a negative one as 2^64 + seed, as PyTorch
#'   does; a number, or from 2^53 on a string.
#' - `words(n)`: 32-bit words. `words_drawn()`: how many have been drawn since seeding.
#' - `rand(size, dtype)`: uniform on \[0, 1), as `torch.rand`. `uniform_(size, a, b, dtype)`: on \[a, b), as
#'   `tensor.uniform_`; the limits finite, 0 or from 2^-800 to 2^950 apart.
#' - `randn(size, dtype)`: standard normal, as `torch.randn`. `normal_(size, mean, std, dtype)`, as
#'   `tensor.normal_`; the mean below 2^950 in size, the standard deviation 0 or from 2^-800 to 2^950. Sixteen or
#'   more are made of uniform numbers in blocks of 16; fewer come in pairs, of which a second number left over is
#'   kept for the next such call.
#' - `randint(low, high, size)`: whole numbers from `low` to `high - 1`, as `torch.randint`; the limits up
#'   to 2^53 in size, less than 2^53 apart.
#' - `random_(size)`: whole numbers from 0 to 2^63 - 1 as strings of digits, as `tensor.random_` fills a
#'   tensor of int64.
#' - `randperm(n)`: a permutation of 0, 1, ..., n - 1, as `torch.randperm`, for `n` up to 214748363, from
#'   where on PyTorch permutes otherwise.
#' - `bernoulli(p, dtype)`: 1 with the probability that an element of an array gives, else 0, as
#'   `torch.bernoulli(p)`; the dtype is that of the probabilities, and decides how many words are drawn.
#' - `bernoulli_(size, p, dtype)`: 1 with probability `p`, else 0, as `tensor.bernoulli_(p)`, from two words
#'   for any dtype.
#' - `dropout_mask(size, p, dtype)`: 1 where a dropout layer keeps an element and 0 where it drops it (with
#'   probability `p`), as `torch.nn.functional.dropout(x, p)`. The layer's output is `x * (mask / (1 - p))`;
#'   dropout of whole channels draws a mask of size (n, c, 1, 1). PyTorch draws nothing if `p` is 0 or 1.
#'   Builds of it that leave this to Intel's MKL (earlier releases, on Intel processors) draw otherwise.
#' - `get_state()`, `set_state(state)`: all that the next draws depend on, as a list that the twin in Python
#'   takes too: `seed`, its decimal digits; `variant`; `key`, 624 words, and `pos`, how many of them have
#'   been read; `words_drawn`; `next_normal` and `next_float_normal`, the normal numbers kept for the next
#'   call, or `NULL`.
#' - `torch_state()`, `from_torch_state(state)`: the same as the 5056 raw bytes of `torch.get_rng_state()`.
#'   After `from_torch_state`, `words_drawn` counts from where the key was last renewed, since PyTorch keeps
#'   no count.
#'
#' @param seed A whole number from -2^63 to 2^64 - 1; beyond 2^53, where doubles end, its digits as a
#'   string. Its lowest 32 bits make the stream.
#' @param variant Which of PyTorch's kernels to follow: "avx2" (x86-64 with AVX2 or AVX-512, nearly all
#'   since 2015) or "default" (x86-64 without). Left out, what the environment variable ATEN_CPU_CAPABILITY
#'   asks of PyTorch, and "avx2" where that is not set. Other processors are not covered.
#' @return The generator, an environment with the methods below.
#' @source PyTorch 2.13.0: `aten/src/ATen/CPUGeneratorImpl.cpp`, `core/DistributionsHelper.h`,
#'   `core/TransformationHelper.h`, `native/cpu/DistributionTemplates.h`, `native/TensorFactories.cpp` and
#'   `native/Dropout.cpp`.
#' @examples
#' generator <- TorchGenerator(0)
#' generator$randn(3)
#' generator$rand(c(2, 3), dtype = "float64")
#' @export
TorchGenerator <- function(seed, variant = NULL) {
  self <- structure(new.env(parent = emptyenv()), class = c("TorchGenerator", "twinnet_generator"))
  chosen <- if (is.null(variant)) torch_default_variant() else variant
  self$variant <- check_choice(chosen, "variant", TORCH_VARIANTS)
  self$warned <- FALSE

  self$manual_seed <- function(seed) {
    self$seed <- check_torch_seed(seed)
    self$stream <- mt_new(mt_init_genrand(self$seed[[2]]))
    self$next_normal <- NULL
    self$next_float_normal <- NULL
    invisible(self)
  }

  self$initial_seed <- function() {
    high <- self$seed[[1]]
    low <- self$seed[[2]]
    if (high < 2^21) high * 2^32 + low else digits_of_words(high, low)
  }

  self$words <- function(n) {
    mt_words(self$stream, n)
  }

  self$words_drawn <- function() {
    self$stream[["drawn"]]
  }

  self$rand <- function(size, dtype = "float32") {
    shape <- check_torch_size(size)
    dtype <- check_choice(dtype, "dtype", TORCH_DTYPES)
    torch_array(self$uniforms(prod(shape), dtype), shape, dtype)
  }

  self$uniform_ <- function(size, a = 0, b = 1, dtype = "float32") {
    shape <- check_torch_size(size)
    dtype <- check_choice(dtype, "dtype", TORCH_DTYPES)
    largest <- TORCH_LARGEST[[dtype]]
    a <- check_number(a, "a", minimum = -largest, maximum = largest)
    b <- check_number(b, "b", minimum = a, maximum = largest)
    check_torch_scale(b - a, "b - a", dtype)
    drawn <- self$uniforms(prod(shape), dtype)
    torch_array(torch_stretch(drawn, a, b, dtype, self$variant), shape, dtype)
  }

  self$randn <- function(size, dtype = "float32") {
    self$normal_(size, dtype = dtype)
  }

  self$normal_ <- function(size, mean = 0, std = 1, dtype = "float32") {
    shape <- check_torch_size(size)
    dtype <- check_choice(dtype, "dtype", TORCH_DTYPES)
    largest <- TORCH_LARGEST[["float64"]]
    mean <- check_number(mean, "mean", minimum = -largest, maximum = largest)
    std <- check_torch_scale(check_number(std, "std", minimum = 0), "std", "float64")
    n <- prod(shape)
    if (dtype == "float64" || n < 16) {
      self$warn_of_libm("normal_")
    }
    drawn <- if (n < 16) self$few_normals(n, mean, std) else self$many_normals(n, mean, std, dtype)
    torch_array(drawn, shape, dtype)
  }

  self$randint <- function(low, high, size) {
    low <- check_whole(low, "low")
    high <- check_whole(high, "high", low + 1)
    shape <- check_torch_size(size)
    span <- check_whole(high - low, "high - low", maximum = 2^53 - 1)
    n <- prod(shape)
    if (span < 2^28) {
      drawn <- self$words(n) %% span
    } else {
      words <- matrix(self$words(2 * n), 2)
      drawn <- remainder_of_words(words[1, ], words[2, ], span)
    }
    torch_array(drawn + low, shape)
  }

  self$random_ <- function(size) {
    shape <- check_torch_size(size)
    words <- matrix(self$words(2 * prod(shape)), 2)
    torch_array(digits_of_words(words[1, ] %% 2^31, words[2, ]), shape)
  }

  self$randperm <- function(n) {
    n <- check_whole(n, "n", 0, LONGEST_PERMUTATION)
    order <- seq_len(n) - 1L
    step <- seq_len(max(n - 1, 0))
    partner <- step + self$words(length(step)) %% (n - step + 1)
    for (i in step) {
      j <- partner[[i]]
      swapped <- order[[i]]
      order[[i]] <- order[[j]]
      order[[j]] <- swapped
    }
    order
  }

  self$bernoulli <- function(p, dtype = "float32") {
    dtype <- check_choice(dtype, "dtype", TORCH_DTYPES)
    check_argument(is.numeric(p) && isTRUE(all(p >= 0 & p <= 1)), "p", p, "probabilities, from 0 to 1")
    drawn <- torch_array(self$uniforms(length(p), dtype), if (is.null(dim(p))) length(p) else dim(p))
    threshold <- if (dtype == "float32") f32_round(p) else p
    (drawn < threshold) * 1
  }

  self$bernoulli_ <- function(size, p = 0.5, dtype = "float32") {
    shape <- check_torch_size(size)
    dtype <- check_choice(dtype, "dtype", TORCH_DTYPES)
    p <- check_number(p, "p", minimum = 0, maximum = 1)
    torch_array((self$uniforms(prod(shape), "float64") < p) * 1, shape, dtype)
  }

  self$dropout_mask <- function(size, p = 0.5, dtype = "float32") {
    shape <- check_torch_size(size)
    dtype <- check_choice(dtype, "dtype", TORCH_DTYPES)
    p <- check_number(p, "p", minimum = 0, maximum = 1)
    if (p %in% c(0, 1)) {
      return(torch_array(rep(1 - p, prod(shape)), shape))
    }
    self$bernoulli_(shape, 1 - p, dtype)
  }

  self$get_state <- function() {
    state <- mt_state(self$stream)
    list(
      seed = digits_of_words(self$seed[[1]], self$seed[[2]]),
      variant = self$variant,
      key = state[["key"]],
      pos = state[["pos"]],
      words_drawn = self$words_drawn(),
      next_normal = self$next_normal,
      next_float_normal = self$next_float_normal
    )
  }

  self$set_state <- function(state) {
    mt_set_state(self$stream, state[["key"]], state[["pos"]])
    self$variant <- check_choice(state[["variant"]], "variant", TORCH_VARIANTS)
    self$seed <- check_torch_seed(state[["seed"]])
    self$stream[["drawn"]] <- check_whole(state[["words_drawn"]], "words_drawn", 0)
    self$next_normal <- state[["next_normal"]]
    self$next_float_normal <- state[["next_float_normal"]]
    invisible(self)
  }

  self$torch_state <- function() {
    state <- mt_state(self$stream)
    read <- if (self$words_drawn() == 0) 0 else state[["pos"]]
    words <- c(rev(self$seed), 625 - state[["pos"]], 1, read, 0, rbind(state[["key"]], 0))
    normal <- self$next_normal
    float_normal <- self$next_float_normal
    c(
      writeBin(integers_from_words(words), raw(), endian = "little"),
      writeBin(c(0, if (is.null(normal)) 0 else normal, 0), raw(), endian = "little"),
      writeBin(c(as.integer(!is.null(normal)), 0L), raw(), endian = "little"),
      writeBin(if (is.null(float_normal)) 0 else float_normal, raw(), size = 4, endian = "little"),
      writeBin(as.integer(!is.null(float_normal)), raw(), endian = "little")
    )
  }

  self$from_torch_state <- function(state) {
    state <- as.raw(state)
    check_argument(length(state) == 5056, "state", state, "the 5056 bytes of torch.get_rng_state()")
    words <- words_from_integers(readBin(state, "integer", 1264, endian = "little"))
    left <- words[[3]]
    read <- words[[5]]
    fits <- words[[4]] == 1 && read <= 624 && left == (if (read > 0) 625 - read else 1)
    check_argument(fits, "state", state, "a seeded state of torch.get_rng_state()")
    self$seed <- words[c(2, 1)]
    mt_set_state(self$stream, words[5 + 2 * seq_len(624)], 625 - left)
    self$stream[["drawn"]] <- read
    normal <- readBin(state[5025:5032], "double", endian = "little")
    float_normal <- readBin(state[5049:5052], "double", size = 4, endian = "little")
    self$next_normal <- if (words[[1261]] != 0) normal
    self$next_float_normal <- if (words[[1264]] != 0) float_normal
    invisible(self)
  }

  # `n` uniform numbers on [0, 1) of a dtype: 24 bits of a word, or 53 bits of two.
  self$uniforms <- function(n, dtype) {
    if (dtype == "float32") {
      return((self$words(n) %% 2^24) * 2^-24)
    }
    words <- matrix(self$words(2 * n), 2)
    ((words[1, ] %% 2^21) * 2^32 + words[2, ]) * 2^-53
  }

  # 16 or more normal numbers; a part block at the end is drawn again as a whole.
  self$many_normals <- function(n, mean, std, dtype) {
    drawn <- self$uniforms(n, dtype)
    whole <- n - n %% 16
    for (start in seq(0, whole - 1, by = TORCH_BLOCK)) {
      part <- start + seq_len(min(TORCH_BLOCK, whole - start))
      drawn[part] <- torch_normal_blocks(drawn[part], mean, std, dtype, self$variant)
    }
    if (whole < n) {
      last <- n - 15:0
      drawn[last] <- torch_normal_blocks(self$uniforms(16, dtype), mean, std, dtype, self$variant)
    }
    drawn
  }

  # Normal numbers made in pairs, in float64; one left over is kept for the next call.
  self$few_normals <- function(n, mean, std) {
    drawn <- matrix(self$uniforms(2 * ceiling((n - length(self$next_normal)) / 2), "float64"), 2)
    u1 <- drawn[1, ]
    u2 <- drawn[2, ]
    radius <- sqrt(-2 * log1p(-u2))
    angle <- 2 * pi * u1
    normals <- c(self$next_normal, rbind(radius * cos(angle), radius * sin(angle)))
    self$next_normal <- if (length(normals) > n) normals[[n + 1]]
    normals <- normals[seq_len(n)]
    if (self$variant == "avx2") fma64(normals, std, mean) else normals * std + mean
  }

  # Warn, once, that normal numbers are made by a C library for which they are not proven.
  self$warn_of_libm <- function(name) {
    if (!self$warned && !identical(unname(Sys.info()[c("sysname", "machine")]), c("Linux", "x86_64"))) {
      self$warned <- TRUE
      warning(
        name, ": float64, and fewer than 16 numbers of any dtype, use this system's log, sin and ",
        "cos; they are proven equal to PyTorch's for Linux on x86-64 only.",
        call. = FALSE
      )
    }
  }

  self$manual_seed(seed)
  self
}

# "avx2", unless the environment asks PyTorch for its default kernels.
torch_default_variant <- function() {
  if (Sys.getenv("ATEN_CPU_CAPABILITY") == "default") "default" else "avx2"
}

# The high and the low 32 bits of a seed.
check_torch_seed <- function(seed) {
  digits <- is.character(seed) && length(seed) == 1 && grepl("^-?[0-9]{1,20}$", seed)
  number <- is.numeric(seed) && length(seed) == 1 && is.finite(seed) && abs(seed) <= 2^53
  whole <- number && seed == floor(seed)
  must_be <- "a whole number from -2^63 to 2^64 - 1, or its digits as a string"
  check_argument(digits || whole, "seed", seed, must_be)
  text <- if (digits) seed else sprintf("%.0f", seed)
  words <- words_of_digits(sub("-", "", text))
  negative <- startsWith(text, "-")
  fits <- if (negative) words[[1]] < 2^31 || identical(words, c(2^31, 0)) else words[[1]] < 2^32
  check_argument(fits, "seed", seed, must_be)
  if (negative) minus_words(words) else words
}

# The sizes of an array's dimensions, from one size or several.
check_torch_size <- function(size) {
  vapply(size, function(extent) check_whole(extent, "size", 0), 0)
}

# `value`, if a dtype's arithmetic can multiply uniform or normal numbers by it.
check_torch_scale <- function(value, name, dtype) {
  largest <- TORCH_LARGEST[[dtype]]
  fits <- value == 0 || (2^-800 <= value && value <= largest)
  check_argument(fits, name, value, sprintf("0 or from %.15g to %.15g", 2^-800, largest))
  value
}

# The values as an array of a shape, filled row by row, and of a dtype where one is given.
torch_array <- function(values, shape, dtype = "float64") {
  values <- if (dtype == "float32") f32_round(values) else values
  if (length(shape) > 1) fill_by_row(values, shape) else values
}

# Uniform numbers on [a, b) from uniform numbers on [0, 1), in a dtype's arithmetic.
torch_stretch <- function(uniforms, a, b, dtype, variant) {
  float32 <- dtype == "float32"
  rounded <- if (float32) f32_round else identity
  low <- rounded(a)
  high <- rounded(b)
  span <- rounded(high - low)
  if (variant == "avx2") {
    drawn <- if (float32) fma32(uniforms, span, low) else fma64(uniforms, span, low)
  } else {
    drawn <- rounded(rounded(uniforms * span) + low)
  }
  drawn[drawn == high] <- low
  drawn
}

# Normal numbers, made of uniform ones in blocks of 16 (Box and Muller, 1958). The first 8 of a block give
# the radius and the last 8 the angle; cosines come first, then sines.
torch_normal_blocks <- function(uniforms, mean, std, dtype, variant) {
  blocks <- matrix(uniforms, 16)
  u1 <- as.vector(1 - blocks[1:8, ])
  u2 <- as.vector(blocks[9:16, ])
  if (dtype == "float64") {
    radius <- sqrt(-2 * log(u1))
    angle <- 2 * pi * u2
    cosines <- fma64(radius * cos(angle), std, mean)
    sines <- fma64(radius * sin(angle), std, mean)
  } else {
    logf <- if (variant == "avx2") logf_avx2 else logf_glibc
    sincosf <- if (variant == "avx2") sincosf_avx2 else sincosf_glibc
    radius <- f32_round(sqrt(-2 * logf(u1)))
    two_pi <- if (variant == "avx2") f32_round(2 * pi) else 2 * pi
    parts <- sincosf(f32_round(two_pi * u2))
    std <- f32_round(std)
    mean <- f32_round(mean)
    cosines <- fma32(f32_round(radius * parts[["cosine"]]), std, mean)
    sines <- fma32(f32_round(radius * parts[["sine"]]), std, mean)
  }
  as.vector(rbind(matrix(cosines, 8), matrix(sines, 8)))
}

# --- what only R needs: whole numbers of 64 bits, as their high and low 32 bits in doubles ---

# The decimal digits of numbers of 64 bits.
digits_of_words <- function(high, low) {
  # 2^32 = 4294 * 10^6 + 967296: the last six digits, and the rest.
  end <- high * 967296 + low
  rest <- high * 4294 + end %/% 1e6
  digits <- sprintf("%.0f", end)
  long <- rest > 0
  digits[long] <- sprintf("%.0f%06.0f", rest[long], end[long] %% 1e6)
  digits
}

# The words of a number of up to 20 decimal digits; the high one may come out above 2^32.
words_of_digits <- function(digits) {
  end <- nchar(digits)
  low <- as.numeric(substr(digits, max(end - 5, 1), end))
  high <- if (end > 6) as.numeric(substr(digits, 1, end - 6)) else 0
  carried <- (high %% 2^32) * 1e6 + low
  c((high %/% 2^32) * 1e6 + carried %/% 2^32, carried %% 2^32)
}

# 2^64 minus a number, modulo 2^64.
minus_words <- function(words) {
  low <- (2^32 - words[[2]]) %% 2^32
  c((2^32 - words[[1]] - (low != 0)) %% 2^32, low)
}

# The remainder of numbers of 64 bits by a divisor below 2^53: the high word is doubled 32 times.
remainder_of_words <- function(high, low, divisor) {
  rest <- high %% divisor
  for (bit in seq_len(32)) {
    rest <- 2 * rest
    rest <- rest - divisor * (rest >= divisor)
  }
  gap <- divisor - low %% divisor
  ifelse(rest >= gap, rest - gap, rest + low %% divisor)
}
