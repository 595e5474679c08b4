# Checksums: 32 characters that stand for every bit of a run, the same in every language where the arithmetic is exact.
# The checksum of a step is the MD5 of all activations, losses, gradients and updated parameters that record() is handed
# in it, in this order, each number as the 8 bytes of a double, the least significant first, and of an array the first
# index running fastest. The checksum of a run is the MD5 of its steps' checksums, each followed by a line feed.
# Base R takes the MD5 of files alone. Twin: python/twinnet/checksum.py.

PHASES_SUMMED <- c("forward", "loss", "backward", "update")
NOT_SUMMED <- "^(optimizer|generator)[.]"

#' Sum up what is recorded
#'
#' A recording that is on goes on.
#'
#' @return `checksum_start()` NULL, invisibly; `checksum_stop()` a list: `run`, the checksum of all; `steps`, that of
#'   each step.
#' @export
checksum_start <- function() {
  recorder$now <- new_checksum(recorder$now)
  invisible(NULL)
}

#' @rdname checksum_start
#' @export
checksum_stop <- function() {
  now <- recorder$now
  recorder$now <- now$before
  now$close()
}

#' The checksum of a run
#'
#' @param steps The checksums of its steps.
#' @return A string.
#' @export
checksum_of_steps <- function(steps) {
  path <- tempfile("checksum")
  on.exit(unlink(path))
  writeBin(charToRaw(paste0(steps, rep("\n", length(steps)), collapse = "")), path)
  unname(tools::md5sum(path))
}

#' Train an experiment and sum up its run
#'
#' @param experiment A list; its checksum is the same everywhere if its `arithmetic` is `"exact"`.
#' @return As [checksum_stop()].
#' @export
run_checksum <- function(experiment) {
  data <- experiment_data(experiment)
  run <- train_start(experiment)
  checksum_start()
  sums <- NULL
  on.exit(if (is.null(sums)) checksum_stop())
  train(experiment, data, run, experiment[["maxit"]])
  sums <- checksum_stop()
  sums
}

# What record() hands its tensors to, to be summed up step by step.
new_checksum <- function(before) {
  step <- 0
  phase <- if (is.null(before)) "" else before$phase()
  steps <- character()
  path <- tempfile("checksum")
  file <- NULL

  add <- function(name, x) {
    if (isTRUE(phase %in% PHASES_SUMMED) && !is.null(x) && !grepl(NOT_SUMMED, name)) {
      if (is.null(file)) {
        file <<- file(path, "wb")
      }
      writeBin(as.vector(x, "double"), file, endian = "little")
    }
    if (!is.null(before)) {
      before$add(name, x)
    }
  }
  finish_step <- function() {
    if (step > 0) {
      if (is.null(file)) {
        file <<- file(path, "wb")
      }
      close(file)
      file <<- NULL
      steps[[length(steps) + 1]] <<- unname(tools::md5sum(path))
    }
  }
  list(
    before = before,
    add = add,
    phase = function() phase,
    set_step = function(value) {
      finish_step()
      step <<- value
      if (!is.null(before)) {
        before$set_step(value)
      }
    },
    set_phase = function(value) {
      phase <<- value
      if (!is.null(before)) {
        before$set_phase(value)
      }
    },
    close = function() {
      finish_step()
      unlink(path)
      list(run = checksum_of_steps(steps), steps = steps)
    }
  )
}
