# Recording: every tensor that a computation passes through, in order and by name, as files that both languages write.
#
# record("conv1.out", x) returns x; within with_recording("folder", ...) it also keeps it. The folder holds one NumPy
# file for each dtype, float64.npy, int64.npy, bool.npy, with the elements of all tensors one after the other, and
# manifest.json, which says for each tensor at which step and in which phase it was recorded, its name, shape, dtype,
# the order of its elements in memory (F: the first index runs fastest) and the place of its first element. The manifest
# is written last and in one move: a folder without one was left half-written.
#
# What models record, and under which names: model.R, train.R. Twin: python/twinnet/record.py.

TRACE_DTYPES <- c(float64 = "<f8", float32 = "<f4", int64 = "<i8", bool = "|b1")
TRACE_SIZES <- c(float64 = 8, float32 = 4, int64 = 8, bool = 1)
HEADER_SIZE <- 128
MANIFEST <- "manifest.json"
recorder <- new.env() # `now` is what record() hands its tensors to; NULL for nothing

#' Return a value, and keep it if a recording is on
#'
#' @param name What it is, a string. A name that was recorded before at the same step in the same phase gets `#2`, `#3`,
#'   ...
#' @param x A vector, matrix or array of numbers or of logicals; `NULL` is not kept. R's integers are kept as int64;
#'   with an NA among them, as float64 with NaN.
#' @param of What it is part of: `record("out", x, of = "conv1")` is `record("conv1.out", x)`, and costs nothing more
#'   where nothing records.
#' @return `x`, invisibly. While recording, stops if `x` holds no numbers, or `name` a quote, a backslash or a control
#'   character.
#' @export
record <- function(name, x, of = "") {
  if (is.null(recorder$now)) {
    return(invisible(x))
  }
  recorder$now$add(if (nzchar(of)) paste0(of, ".", name) else name, x)
  invisible(x)
}

#' Say which step, and which phase of it, what follows belongs to
#'
#' A recording begins at step 0 in the phase `""`.
#'
#' @param step A whole number of at least 0.
#' @param phase `"forward"`, `"backward"` or any other word; `NULL` to keep nothing until the next phase.
#' @return `record_step()` `NULL`; `record_phase()` the phase up to now, or `NULL` where nothing records; invisibly.
#' @export
record_step <- function(step) {
  if (!is.null(recorder$now)) {
    recorder$now$set_step(check_whole(step, "step", minimum = 0))
  }
  invisible(NULL)
}

#' @rdname record_step
#' @export
record_phase <- function(phase) {
  if (is.null(recorder$now)) {
    return(invisible(NULL))
  }
  before <- recorder$now$phase()
  recorder$now$set_phase(if (is.null(phase)) phase else check_trace_name(phase, "phase"))
  invisible(before)
}

#' Whether a recording is on and not paused: for what is worth computing only then
#'
#' @return `TRUE` or `FALSE`.
#' @export
is_recording <- function() {
  !is.null(recorder$now) && !is.null(recorder$now$phase())
}

#' Record what happens while an expression is evaluated
#'
#' @param folder A new or an empty folder, or one with an earlier trace, which is replaced.
#' @param expr The expression. An error in it leaves the trace half-written.
#' @param steps The steps to keep; all unless given.
#' @param about A named list: what the manifest is to say besides; `experiment` and what it decides, for a model's run.
#' @return The value of the expression, invisibly.
#' @export
with_recording <- function(folder, expr, steps = NULL, about = NULL) {
  record_start(folder, steps, about)
  whole <- FALSE
  on.exit(record_stop(whole))
  value <- expr
  whole <- TRUE
  invisible(value)
}

#' Begin and end a recording
#'
#' @inheritParams with_recording
#' @param whole Whether to write the manifest that makes the trace whole; otherwise it is left half-written.
#' @return `NULL`, invisibly. Stops if a recording is on, or the folder holds anything but a trace; or, at the end, if
#'   no recording is on.
#' @export
record_start <- function(folder, steps = NULL, about = NULL) {
  check_argument(is.null(recorder$now), "recording", folder, "the only one at a time")
  recorder$now <- new_recorder(folder, steps, about)
  invisible(NULL)
}

#' @rdname record_start
#' @export
record_stop <- function(whole = TRUE) {
  check_argument(!is.null(recorder$now), "recording", "off", "on")
  now <- recorder$now
  recorder$now <- NULL
  now$close(check_flag(whole, "whole"))
  invisible(NULL)
}

#' One tensor of a trace
#'
#' @param folder Folder of a whole trace.
#' @param key Step, phase and name, as in `"step3/forward/relu1.out"`; without the phase where there was none,
#'   `"step0/loss"`.
#' @return A vector, matrix or array. Stops if the trace is half-written or has no such tensor.
#' @export
record_read <- function(folder, key) {
  path <- file.path(folder, MANIFEST)
  check_argument(file.exists(path), "folder", folder, sprintf("a whole trace, with its %s", MANIFEST))
  tensors <- jsonlite::fromJSON(path, simplifyVector = TRUE, simplifyMatrix = FALSE)[["tensors"]]
  keys <- tensor_key(tensors[["step"]], tensors[["phase"]], tensors[["name"]])
  place <- match(key, keys)
  if (is.na(place)) {
    stop(sprintf('`key` must be that of a tensor of the trace %s, not "%s".', folder, key))
  }
  shape <- tensors[["shape"]][[place]]
  dtype <- tensors[["dtype"]][[place]]
  file <- file(file.path(folder, paste0(dtype, ".npy")), "rb")
  on.exit(close(file))
  seek(file, HEADER_SIZE + tensors[["offset"]][[place]] * TRACE_SIZES[[dtype]])
  flat <- read_numbers(file, prod(shape), dtype)
  if (length(flat) < prod(shape)) {
    stop(sprintf("%s.npy is cut off: it ends before the last number of %s.", dtype, key))
  }
  if (length(shape) == 1) {
    flat
  } else if (tensors[["order"]][[place]] == "F") {
    fill_by_column(flat, shape)
  } else {
    fill_by_row(flat, shape)
  }
}

# What record() hands its tensors to: the files of a trace as they grow.
new_recorder <- function(folder, steps, about) {
  step <- 0
  phase <- ""
  for (kept in steps) {
    check_whole(kept, "steps", minimum = 0)
  }
  files <- list()
  sizes <- c()
  lines <- character()
  count <- 0
  times <- new.env()
  clear_trace(folder)

  add <- function(name, x) {
    if (is.null(phase) || is.null(x) || !(is.null(steps) || step %in% steps)) {
      return(NULL)
    }
    dtype <- tensor_dtype(name, x)
    key <- paste(step, phase, check_trace_name(name, "name"))
    again <- times[[key]]
    if (is.null(again)) {
      times[[key]] <- 1
    } else {
      times[[key]] <- again + 1
      name <- sprintf("%s#%.0f", name, again + 1)
    }
    if (is.null(files[[dtype]])) {
      files[[dtype]] <<- file(file.path(folder, paste0(dtype, ".npy")), "wb")
      writeBin(npy_header(TRACE_DTYPES[[dtype]], 0), files[[dtype]])
      sizes[[dtype]] <<- 0
    }
    write_numbers(files[[dtype]], x, dtype)
    count <<- count + 1
    lines[[count]] <<- sprintf(
      '{"step": %.0f, "phase": "%s", "name": "%s", "shape": [%s], "dtype": "%s", "order": "F", "offset": %.0f}',
      step, phase, name, paste(shape_of(x), collapse = ", "), dtype, sizes[[dtype]]
    )
    sizes[[dtype]] <<- sizes[[dtype]] + length(x)
  }

  close_files <- function(whole) {
    for (dtype in names(files)) {
      close(files[[dtype]])
      file <- file(file.path(folder, paste0(dtype, ".npy")), "r+b")
      writeBin(npy_header(TRACE_DTYPES[[dtype]], sizes[[dtype]]), file)
      close(file)
    }
    if (whole) {
      head <- c(list(format = "twinnet-trace", version = 1, complete = TRUE), trace_origin(), about)
      head[["sizes"]] <- if (length(sizes) > 0) as.list(sizes) else structure(list(), names = character())
      text <- jsonlite::toJSON(head, auto_unbox = TRUE, digits = I(17), null = "null")
      partial <- file.path(folder, paste0(MANIFEST, ".part"))
      file <- file(partial, "wb", encoding = "UTF-8")
      text <- sprintf('%s, "tensors": [\n%s\n]}\n', sub("}$", "", text), paste(enc2utf8(lines), collapse = ",\n"))
      writeBin(charToRaw(enc2utf8(text)), file)
      close(file)
      file.rename(partial, file.path(folder, MANIFEST))
    }
  }

  list(
    add = add,
    phase = function() phase,
    set_step = function(value) step <<- value,
    set_phase = function(value) phase <<- value,
    close = close_files
  )
}

# What a tensor of a trace is found by: "step3/forward/relu1.out".
tensor_key <- function(step, phase, name) {
  sub("//", "/", sprintf("step%.0f/%s/%s", step, phase, name), fixed = TRUE)
}

# A tensor's or a phase's name, if a manifest can hold it as it is.
check_trace_name <- function(value, name) {
  ok <- is.character(value) && length(value) == 1 && !grepl('["\\\\]|[[:cntrl:]]', value)
  check_argument(ok, name, value, "a string without quotes, backslashes and control characters")
  value
}

# The dtype that a value has in a trace.
tensor_dtype <- function(name, x) {
  ok <- (is.numeric(x) || is.logical(x)) && (!is.object(x) || dtype_of(x) == "float32")
  check_argument(ok, name, class(x)[[1]], "numbers, of a dtype that a trace can hold")
  if (is.double(x) || anyNA(x)) {
    dtype_of(x)
  } else if (is.logical(x)) {
    "bool"
  } else {
    "int64"
  }
}

write_numbers <- function(file, x, dtype) {
  switch(dtype,
    float64 = {
      flat <- as.vector(x, "double")
      if (!is.double(x)) {
        flat[is.na(flat)] <- NaN
      }
      writeBin(flat, file)
    },
    float32 = writeBin(as.vector(x, "double"), file, size = 4),
    int64 = writeBin(as.vector(rbind(as.vector(x), -(as.vector(x) < 0)), "integer"), file), # R has halves of int64
    bool = writeBin(as.raw(x), file)
  )
}

read_numbers <- function(file, n, dtype) {
  switch(dtype,
    float64 = readBin(file, "double", n),
    float32 = as_dtype(readBin(file, "double", n, size = 4), "float32"),
    int64 = {
      halves <- matrix(readBin(file, "integer", 2 * n), nrow = 2)
      halves[is.na(halves)] <- -2^31 # these bits are R's NA
      low <- halves[1, ] + 2^32 * (halves[1, ] < 0)
      low + 2^32 * halves[2, ]
    },
    bool = readBin(file, "raw", n) != 0
  )
}

# The first bytes of a .npy file of `size` numbers (numpy.lib.format, version 1.0), always as many.
npy_header <- function(descr, size) {
  text <- sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%.0f,), }", descr, size)
  magic <- as.raw(c(0x93, utf8ToInt("NUMPY"), 1, 0, HEADER_SIZE - 10, 0))
  c(magic, charToRaw(sprintf("%-*s\n", HEADER_SIZE - 11L, text)))
}

# Make a folder ready for a trace: make it, or remove the trace that it holds, and nothing else.
clear_trace <- function(folder) {
  ours <- c(MANIFEST, paste0(MANIFEST, ".part"), paste0(names(TRACE_DTYPES), ".npy"))
  found <- sort(list.files(folder, all.files = TRUE, no.. = TRUE), method = "radix")
  must_be <- "a new or an empty folder, or one with an earlier trace alone"
  check_argument(all(found %in% ours), "folder", c(folder, setdiff(found, ours)), must_be)
  dir.create(folder, showWarnings = FALSE, recursive = TRUE)
  unlink(file.path(folder, MANIFEST)) # first: no whole trace loses a file
  unlink(file.path(folder, found))
}

# What recorded a trace: the language, versions, BLAS and its threads, and the order of indices.
trace_origin <- function() {
  threads <- Sys.getenv("OPENBLAS_NUM_THREADS")
  list(
    language = "R",
    versions = list(R = as.character(getRversion()), twinnet = as.character(utils::packageVersion("twinnet"))),
    blas = basename(La_library()),
    threads = if (nzchar(threads)) threads else "default",
    index_order = "F"
  )
}

# Record all that this process does, if TWINNET_RECORD names a folder; `twinnet pair` sets it for a script. The variable
# is taken away, so that what the process starts does not record into the same folder. The manifest is written when the
# process ends; whether it ended well is for the one who started it to see.
record_from_environment <- function() {
  folder <- Sys.getenv("TWINNET_RECORD")
  if (nzchar(folder)) {
    Sys.unsetenv("TWINNET_RECORD")
    record_start(folder)
    reg.finalizer(recorder, function(ended) if (!is.null(ended$now)) record_stop(), onexit = TRUE)
  }
}

.onLoad <- function(libname, pkgname) {
  record_from_environment()
}
