# What testthat says of a value that has a twin in a trace. The trace may have been recorded in Python or in R, by
# `twinnet pair --keep` or by with_recording(). There is no twin: pytest has assert_twins (parity/pytest_plugin.py),
# which says the same in the same words.

#' Expect a value to be that of a trace
#'
#' An expectation of testthat: every element must be as in the trace. It fails with the first element that differs, in
#' Python's and in R's way of counting, what each side has there, how far apart they are, and how many differ.
#'
#' @param object A vector, matrix or array of numbers or of logicals.
#' @param trace The folder of a whole trace.
#' @param name What the value is in the trace: a key, `"step1/forward/scores"`, or the end of only one, `"scores"`.
#' @param tolerance How far apart two elements may be, relative to the larger of them; with 0, and `atol` 0, not at all.
#'   Equal NaNs are equal.
#' @param atol How far apart they may be absolutely, where that is more.
#' @return `object`, invisibly.
#' @export
expect_twin <- function(object, trace, name, tolerance = 1e-9, atol = 1e-12) {
  if (!requireNamespace("testthat", quietly = TRUE)) {
    stop("expect_twin() needs the package testthat.")
  }
  is_number <- (is.numeric(object) || is.logical(object)) && !is.factor(object)
  check_argument(is_number, "object", object, "a vector, matrix or array of numbers")
  check_number(tolerance, "tolerance", minimum = 0)
  check_number(atol, "atol", minimum = 0)
  key <- find_tensor(trace, name)
  said <- describe_twins(record_read(trace, key), object, key, tolerance, atol)
  testthat::expect(is.null(said), said)
  invisible(object)
}

# The key of the tensor of a trace that has a name: the key itself, or one that ends with it.
find_tensor <- function(trace, name) {
  path <- file.path(trace, MANIFEST)
  check_argument(file.exists(path), "trace", trace, sprintf("the folder of a whole trace, with its %s", MANIFEST))
  tensors <- jsonlite::fromJSON(path)[["tensors"]]
  keys <- tensor_key(tensors[["step"]], tensors[["phase"]], tensors[["name"]])
  found <- if (name %in% keys) name else keys[endsWith(keys, paste0("/", name))]
  if (length(found) > 1) {
    found <- sprintf("%s, which may be %s", name, paste(utils::head(found, 6), collapse = ", "))
  }
  check_argument(length(found) == 1 && found %in% keys, "name", c(found, name)[[1]], "that of one tensor of the trace")
  found
}

# Where a tensor of a trace and a value part, in words; NULL if they agree.
describe_twins <- function(theirs, ours, key, tolerance, atol) {
  if (!identical(as.integer(shape_of(theirs)), as.integer(shape_of(ours)))) {
    shapes <- vapply(list(theirs, ours), function(x) sprintf("(%s)", paste(shape_of(x), collapse = ", ")), "")
    return(sprintf("The twins differ at %s: shape %s in the trace, %s here.", key, shapes[[1]], shapes[[2]]))
  }
  a <- as.double(theirs)
  b <- as.double(ours)
  apart <- abs(a - b)
  near <- apart <= pmax(atol, tolerance * pmax(abs(a), abs(b)))
  same <- (a == b) | (is.finite(a) & is.finite(b) & near)
  differing <- which(!(same %in% TRUE | (is.na(a) & is.na(b)))) # recording makes an integer's NA a NaN
  if (length(differing) == 0) {
    return(NULL)
  }
  places <- arrayInd(differing, shape_of(ours))
  first <- do.call(order, as.data.frame(places))[[1]] # in Python's order: the last index runs fastest
  at <- differing[[first]]
  place <- places[first, ]
  lines <- c(
    sprintf("The twins differ first at %s%s, which is %s in R:", key, brackets(place - 1), brackets(place)),
    sprintf("  trace   %s", shortest(a[[at]])),
    sprintf("  here    %s", shortest(b[[at]])),
    sprintf("  apart   %s; allowed: rtol %g, atol %g", show_distance(a[[at]], b[[at]]), tolerance, atol),
    sprintf("  differing: %d of %d elements", length(differing), length(b))
  )
  if (length(b) > 1 && !anyNA(apart[differing])) {
    worst <- which.max(apart[differing])
    at_worst <- brackets(places[worst, ] - 1)
    lines[[5]] <- sprintf("%s, the largest difference %.2g at %s", lines[[5]], apart[differing][[worst]], at_worst)
  }
  paste(lines, collapse = "\n")
}

# Indices as Python and R write them.
brackets <- function(index) {
  sprintf("[%s]", paste(index, collapse = ", "))
}

# A number in as few digits as tell it from all others.
shortest <- function(x) {
  for (digits in 15:17) {
    text <- formatC(x, digits = digits, width = 1)
    if (is.na(x) || identical(as.double(text), x)) {
      break
    }
  }
  text
}

# How far apart two numbers are, in words.
show_distance <- function(a, b) {
  apart <- abs(a - b)
  if (!is.finite(apart)) {
    return("infinitely far")
  }
  steps <- ulps_apart(a, b)
  size <- max(abs(a), abs(b))
  sprintf("%.2g absolute, %.2g relative, %.0f ULP%s", apart, apart / size, steps, if (steps == 1) "" else "s")
}

# How many doubles lie between two finite numbers, plus one: the difference of their bits, as halves of 32.
ulps_apart <- function(a, b) {
  halves <- function(x) {
    bytes <- as.numeric(writeBin(x, raw(), endian = "little"))
    sign <- if (bytes[[8]] < 128) 1 else -1
    bytes[[8]] <- bytes[[8]] %% 128
    sign * colSums(matrix(bytes * 256^(0:3), 4))
  }
  apart <- halves(a) - halves(b)
  abs(apart[[2]] * 2^32 + apart[[1]])
}
