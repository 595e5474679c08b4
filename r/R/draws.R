# Draws of a stream side by side, from R: by the original (R itself here; NumPy, PyTorch and Python in a process of
# Python) and by its twin in R. There is no twin: Python's way to do this, parity/draws.py, has R in its process.

# What each stream is called, who draws it in R, and which methods draw.
DRAWN_STREAMS <- list(
  r = list(
    title = "R's set.seed",
    twin = function(seed) RGenerator(seed, "Rejection"),
    methods = c("runif", "rnorm", "rexp", "rbinom", "sample", "sample_int", "shuffle")
  ),
  "r-rounding" = list(
    title = "R's set.seed with sample.kind Rounding",
    twin = function(seed) RGenerator(seed, "Rounding"),
    methods = c("runif", "rnorm", "rexp", "rbinom", "sample", "sample_int", "shuffle")
  ),
  numpy = list(
    title = "NumPy's default_rng",
    twin = function(seed) NumpyGenerator(seed),
    methods = c(
      "random", "uniform", "standard_normal", "normal", "standard_exponential", "exponential", "integers",
      "permutation", "shuffle", "choice"
    )
  ),
  "numpy-legacy" = list(
    title = "NumPy's RandomState",
    twin = function(seed) NumpyRandomState(seed),
    methods = c(
      "random", "uniform", "standard_normal", "randn", "normal", "randint", "permutation", "shuffle", "choice"
    )
  ),
  torch = list(
    title = "PyTorch's CPU generator",
    twin = function(seed) TorchGenerator(seed),
    methods = c(
      "rand", "uniform_", "randn", "normal_", "randint", "random_", "randperm", "bernoulli", "bernoulli_",
      "dropout_mask"
    )
  ),
  python = list(
    title = "Python's random",
    twin = function(seed) PythonRandom(seed),
    methods = c(
      "random", "uniform", "gauss", "getrandbits", "randrange", "randint", "choice", "shuffle", "sample"
    )
  )
)
DRAWS_SHOWN <- 20

#' Draws of a random stream side by side
#'
#' Seeds a generator in R and the original that it stands for, makes the same calls of both, one after the other, and
#' shows the draws with their bits. The originals of `"r"` and `"r-rounding"` are R's own functions after `set.seed()`.
#' Those of the others are libraries of Python, for which a process of Python is started.
#'
#' @param generator `"r"`, `"r-rounding"` (R before 3.6.0), `"numpy"`, `"numpy-legacy"`, `"torch"` or `"python"`.
#' @param seed The seed, as the generator takes it.
#' @param calls Calls of its methods, as R code in strings: `"standard_normal(5)"`. Their arguments may be numbers,
#'   strings, `TRUE`, `FALSE`, `NULL`, and vectors, lists and arrays of these.
#' @param python The Python that has the original: the path of its program. An empty string for none.
#' @return A data frame with a row for each number drawn: `call`; `element`, its place in the call's draws (the last
#'   index of an array runs fastest); `original` and `r`, what the two drew (strings, if any draws are);
#'   `original_bits` and `r_bits`, their bits as hexadecimal digits; and `equal`. Where the original is not to be
#'   found, what is said of it is `NA`, and the print-out says why. It is printed, and returned invisibly. The
#'   attribute `words` has the number of words that each call used on either side.
#' @source The originals are those of [RGenerator()], [NumpyGenerator()], [NumpyRandomState()],
#'   [TorchGenerator()] and [PythonRandom()].
#' @examples
#' twinnet_draws("r", 1, c("rnorm(3)", "sample(10, 4)"))
#' twinnet_draws("numpy", 42, "normal(size = c(2, 3))", python = "")
#' @export
twinnet_draws <- function(generator, seed, calls, python = getOption("twinnet.python", Sys.which("python3"))) {
  check_choice(generator, "generator", names(DRAWN_STREAMS))
  check_argument(is.character(calls) && length(calls) > 0 && !anyNA(calls), "calls", calls, "one string or more")
  check_argument(is.character(python) && length(python) == 1, "python", python, "the path of a program")
  requests <- lapply(calls, draw_request, generator)
  r <- draw_in_r(generator, seed, requests)
  original <- draw_original(generator, seed, requests, unname(python))
  draws <- draws_frame(trimws(calls), original, r)
  attr(draws, "source") <- list(
    title = DRAWN_STREAMS[[generator]][["title"]],
    seed = seed,
    label = original[["label"]],
    missing = original[["missing"]]
  )
  print(draws)
  invisible(draws)
}

#' Print draws
#'
#' @param x What [twinnet_draws()] returned. A part of it is a data frame like any other.
#' @param ... Not used.
#' @return The draws, invisibly.
#' @export
print.twinnet_draws <- function(x, ...) {
  source <- attr(x, "source")
  cat(sprintf("%s, seed %s\n", source[["title"]], show_value(unlist(source[["seed"]]))))
  words <- attr(x, "words")
  last <- cumsum(words[["draws"]])
  for (i in seq_along(last)) {
    print_call(x[last[[i]] - words[["draws"]][[i]] + seq_len(words[["draws"]][[i]]), ], words[i, ], source[["label"]])
  }
  cat(draws_verdict(x), "\n", sep = "")
  invisible(x)
}

#' @export
`[.twinnet_draws` <- function(x, ...) {
  class(x) <- "data.frame"
  attr(x, "source") <- attr(x, "words") <- NULL
  x[...]
}

# One call's draws: the first of them, and how many words it used.
print_call <- function(draws, words, original) {
  n <- nrow(draws)
  part <- if (n > DRAWS_SHOWN) sprintf(", the first %d", DRAWS_SHOWN) else ""
  cat(sprintf("\n%s: %d drawn%s\n", words[["call"]], n, part))
  shown <- draws[seq_len(min(n, DRAWS_SHOWN)), ]
  columns <- list("in R" = shown_values(shown[["r"]]), bits = shown[["r_bits"]])
  if (!is.null(original)) {
    theirs <- list(shown_values(shown[["original"]]), shown[["original_bits"]])
    columns <- c(structure(theirs, names = c(original, "bits")), columns)
    columns[["equal"]] <- ifelse(shown[["equal"]], "yes", "NO")
  }
  if (n > 0) {
    print(structure(columns, row.names = shown[["element"]], class = "data.frame"))
  }
  used <- c(if (!is.null(original)) words[["original"]], words[["r"]])
  cat(sprintf("words used: %s\n", paste(used, "by", c(original, "its twin in R"), collapse = ", ")))
}

# Seven digits are enough to see by; the bits stand beside them. Text stays as it is, be it a long whole number.
shown_values <- function(values) {
  if (is.numeric(values)) {
    return(sprintf("%.7g", values))
  }
  fractions <- grepl("^-?[0-9.]+[.e][-+0-9e.]+$", values)
  replace(values, fractions, sprintf("%.7g", as.numeric(values[fractions])))
}

# Whether the original and R agree, in one line.
draws_verdict <- function(draws) {
  source <- attr(draws, "source")
  words <- attr(draws, "words")
  if (is.null(source[["label"]])) {
    return(sprintf("\nNOT COMPARED: %s", source[["missing"]]))
  }
  names <- sprintf("%s and its twin in R", source[["label"]])
  if (!all(draws[["equal"]])) {
    first <- which(!draws[["equal"]])[[1]]
    where <- sprintf("the first in %s at element %d", draws[["call"]][[first]], draws[["element"]][[first]])
    sprintf("\nDIFFERENT: %s differ in %d of %d draws, %s.", names, sum(!draws[["equal"]]), nrow(draws), where)
  } else if (!identical(words[["original"]], words[["r"]])) {
    first <- which(words[["original"]] != words[["r"]])[[1]]
    sprintf("\nDIFFERENT: %s use different numbers of words, first in %s.", names, words[["call"]][[first]])
  } else {
    sprintf("\nEQUAL: %s draw the same bits in each of %d draws, and use the same words.", names, nrow(draws))
  }
}

# --- a call as a request: its method and its arguments by name ---

# Read a call of a method that draws; its arguments may be literals only.
draw_request <- function(text, generator) {
  stream <- DRAWN_STREAMS[[generator]]
  call <- tryCatch(str2lang(text), error = function(e) NULL)
  must_be <- sprintf('calls such as "%s(5)"', stream[["methods"]][[1]])
  check_argument(is.call(call) && is.symbol(call[[1]]), "calls", text, must_be)
  method <- check_choice(as.character(call[[1]]), "method", stream[["methods"]])
  definition <- stream[["twin"]](1)[[method]]
  arguments <- tryCatch(
    lapply(as.list(match.call(definition, call))[-1], eval, envir = LITERAL_FUNCTIONS),
    error = function(e) {
      takes <- paste(names(formals(definition)), collapse = ", ")
      stop(sprintf("%s: %s; the arguments are %s.", text, conditionMessage(e), takes), call. = FALSE)
    }
  )
  list(method = method, arguments = arguments)
}

# All that an argument may be made of: nothing else is found when it is evaluated.
LITERAL_FUNCTIONS <- list2env(
  mget(c("c", "list", "array", "matrix", "(", "-", "+", "*", "/", "^", ":"), envir = baseenv()),
  parent = emptyenv()
)

# --- who draws ---

# The twin in R: what each call drew, the last index fastest, and how many words it used.
draw_in_r <- function(generator, seed, requests) {
  twin <- DRAWN_STREAMS[[generator]][["twin"]](seed)
  values <- words <- list()
  for (i in seq_along(requests)) {
    values[[i]] <- do.call(twin[[requests[[i]][["method"]]]], requests[[i]][["arguments"]])
    words[[i]] <- twin$words_drawn()
  }
  list(values = lapply(values, flat_by_row), words = diff(c(0, unlist(words))))
}

flat_by_row <- function(values) {
  as.vector(if (length(dim(values)) > 1) aperm(values) else values)
}

# The original: R itself, or a library of Python. Where it is not to be found, `missing` says why.
draw_original <- function(generator, seed, requests, python) {
  if (generator %in% c("r", "r-rounding")) {
    r_original(seed, if (generator == "r") "Rejection" else "Rounding", requests)
  } else {
    python_original(generator, seed, requests, python)
  }
}

# R's own functions after R's own set.seed(). The caller's generator is left as it was.
r_original <- function(seed, sample_kind, requests) {
  global <- globalenv()
  caller <- keep_caller_rng(global)
  on.exit(restore_caller_rng(global, caller))
  suppressWarnings(set.seed(seed, "Mersenne-Twister", "Inversion", sample_kind)) # R warns of Rounding
  values <- words <- list()
  for (i in seq_along(requests)) {
    before <- global[[".Random.seed"]]
    arguments <- Filter(Negate(is.null), requests[[i]][["arguments"]])
    values[[i]] <- do.call(R_FUNCTIONS[[requests[[i]][["method"]]]], arguments)
    words[[i]] <- words_between(before, global[[".Random.seed"]])
  }
  list(label = paste("R", getRversion()), values = values, words = as.double(unlist(words)))
}

R_FUNCTIONS <- list(
  runif = stats::runif,
  rnorm = stats::rnorm,
  rexp = stats::rexp,
  rbinom = stats::rbinom,
  sample = sample,
  sample_int = sample.int,
  shuffle = function(x) x[sample.int(length(x))]
)

# A library of Python's, by python/twinnet/parity/originals.py, which answers a request in JSON.
python_original <- function(generator, seed, requests, python) {
  if (!nzchar(python)) {
    return(list(missing = paste("no Python was found; name one by", PYTHON_ARGUMENT)))
  }
  script <- system.file("python", "originals.py", package = "twinnet")
  request <- list(generator = generator, seed = seed, calls = lapply(requests, request_for_python))
  answer <- run_python(python, script, as_json(request))
  if (!is.null(answer[["missing"]])) {
    return(list(missing = sprintf("%s; another Python is named by %s", answer[["missing"]], PYTHON_ARGUMENT)))
  }
  list(
    label = answer[["label"]],
    values = lapply(answer[["draws"]], function(draw) drawn_values(unlist(draw[["values"]]))),
    words = as.double(vapply(answer[["draws"]], function(draw) draw[["words"]], 0))
  )
}

# A population of one string becomes a list: Python would take the string for a sequence of characters.
request_for_python <- function(request) {
  arguments <- request[["arguments"]]
  population <- names(arguments) %in% c("a", "x", "seq", "population") & vapply(arguments, is.character, TRUE)
  arguments[population] <- lapply(arguments[population], as.list)
  keys <- if (is.null(names(arguments))) rep("", length(arguments)) else names(arguments)
  list(
    method = request[["method"]],
    positional = unname(arguments[keys == ""]),
    named = structure(unname(arguments[keys != ""]), names = keys[keys != ""])
  )
}

PYTHON_ARGUMENT <- "the argument `python` or the option twinnet.python"

# Run a program of Python that reads JSON and writes JSON. R puts its own libraries first on LD_LIBRARY_PATH, and with
# them perhaps the libpython of another Python.
run_python <- function(python, script, request) {
  log <- tempfile()
  library_path <- Sys.getenv("LD_LIBRARY_PATH", NA)
  Sys.unsetenv("LD_LIBRARY_PATH")
  on.exit({
    unlink(log)
    if (!is.na(library_path)) Sys.setenv(LD_LIBRARY_PATH = library_path)
  })
  output <- suppressWarnings(tryCatch(
    system2(python, shQuote(script), stdout = TRUE, stderr = log, input = request),
    error = function(e) structure(character(), status = 127L)
  ))
  if (!is.null(attr(output, "status"))) {
    said <- if (file.exists(log)) utils::tail(readLines(log, warn = FALSE), 1)
    return(list(missing = paste(c(sprintf("%s did not answer", python), said), collapse = ": ")))
  }
  jsonlite::fromJSON(paste(output, collapse = ""), simplifyVector = FALSE)
}

# Numbers are written as hexadecimal floats or as whole numbers. Whole numbers too large for a double stay text, and
# other text is text that was drawn.
drawn_values <- function(texts) {
  texts <- as.character(texts)
  floats <- grepl("^-?(0x[0-9a-f.]+p[-+][0-9]+|inf|nan)$", texts)
  whole <- grepl("^-?[0-9]+$", texts)
  if (all(floats | whole) && all(abs(as.numeric(texts[whole])) <= 2^53)) as.numeric(texts) else texts
}

# A value as JSON whose numbers keep all their bits; jsonlite writes 15 digits.
as_json <- function(x) {
  if (is.null(x)) {
    "null"
  } else if (length(dim(x)) > 1) {
    json_array(vapply(seq_len(nrow(x)), function(i) as_json(slice_of(x, i)), ""))
  } else if (is.list(x) && !is.null(names(x))) {
    keys <- vapply(names(x), as_json, "")
    sprintf("{%s}", paste(sprintf("%s: %s", keys, vapply(x, as_json, "")), collapse = ", "))
  } else if (is.list(x) || length(x) != 1 || !is.null(dim(x))) {
    json_array(vapply(as.list(x), as_json, ""))
  } else if (is.numeric(x)) {
    sub("Inf", "Infinity", sprintf("%.17g", x), fixed = TRUE)
  } else {
    as.character(jsonlite::toJSON(x, auto_unbox = TRUE))
  }
}

json_array <- function(items) {
  sprintf("[%s]", paste(items, collapse = ", "))
}

# The part of an array with one first index, an array of one dimension less.
slice_of <- function(x, i) {
  rest <- matrix(x, nrow(x))[i, ]
  array(rest, dim(x)[-1])
}

# --- what was drawn, side by side ---

draws_frame <- function(calls, original, r) {
  missing <- original[["missing"]]
  parts <- lapply(seq_along(calls), function(i) {
    call_frame(calls[[i]], if (is.null(missing)) original[["values"]][[i]], r[["values"]][[i]])
  })
  if (any(vapply(parts, function(part) is.character(part[["r"]]), TRUE))) {
    parts <- lapply(parts, function(part) {
      part[c("original", "r")] <- lapply(part[c("original", "r")], text_of)
      part
    })
  }
  words <- data.frame(call = calls, draws = vapply(parts, nrow, 0L), original = NA_real_, r = r[["words"]])
  if (is.null(missing)) {
    words[["original"]] <- original[["words"]]
  }
  structure(do.call(rbind, parts), class = c("twinnet_draws", "data.frame"), words = words)
}

# The draws of one call.
call_frame <- function(call, original, r) {
  if (is.null(original)) {
    original <- rep(NA_real_, length(r))
    original_bits <- rep(NA_character_, length(r))
  } else {
    n <- max(length(original), length(r))
    if (is.character(original) || is.character(r)) {
      original <- text_of(original)
      r <- text_of(r)
    }
    length(original) <- length(r) <- n # where one is longer, NA stands against its last
    original_bits <- bits_of(original)
  }
  r_bits <- bits_of(r)
  data.frame(
    call = rep(call, length(r)),
    element = seq_along(r),
    original = original,
    r = r,
    original_bits = original_bits,
    r_bits = r_bits,
    equal = original_bits == r_bits
  )
}

# The 64 bits of each number as 16 hexadecimal digits, the sign first; text stands for itself.
bits_of <- function(values) {
  if (is.character(values)) {
    return(values)
  }
  bytes <- matrix(as.character(writeBin(as.double(values), raw(), endian = "big")), 8)
  do.call(paste0, lapply(seq_len(8), function(i) bytes[i, ]))
}

text_of <- function(values) {
  if (is.character(values)) values else sprintf("%.17g", as.double(values))
}
