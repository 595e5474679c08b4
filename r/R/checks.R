# Checks of what a caller passed in; every message names the argument, its value and what it must be.
# Twin: python/twinnet/checks.py, with the same messages.

#' Stop unless a condition on an argument holds
#'
#' @param ok The condition that must hold, `TRUE` or `FALSE`.
#' @param name The argument's name, a string.
#' @param value The argument's value.
#' @param must_be What the value must be, as the end of a sentence: `"a positive number"`.
#' @return `NULL`, invisibly. Stops with "`name` must be a positive number, not -1." and the call of the
#'   function of this package that the user called.
#' @keywords internal
check_argument <- function(ok, name, value, must_be) {
  if (!ok) {
    message <- sprintf("`%s` must be %s, not %s.", name, must_be, show_value(value))
    call <- blamed_call() # here, where the stack still is the caller's and not that of stop()
    stop(simpleError(message, call))
  }
  invisible(NULL)
}

#' Check one finite number within bounds
#'
#' @param value The argument's value.
#' @param name The argument's name.
#' @param above,minimum,below,maximum Bounds: `above` and `below` are excluded, `minimum` and `maximum` included.
#' @return `value` as a double.
#' @keywords internal
check_number <- function(value, name, above = -Inf, minimum = -Inf, below = Inf, maximum = Inf) {
  is_number <- is.numeric(value) && !is.factor(value) && length(value) == 1 && is.finite(value)
  if (!(is_number && above < value && value < below && minimum <= value && value <= maximum)) {
    check_argument(FALSE, name, value, paste0("a finite number", bounds_text(above, minimum, below, maximum)))
  }
  as.double(value)
}

#' Check one whole number within bounds
#'
#' @param value The argument's value; a double with a whole value (`6`) is as good as an integer (`6L`).
#' @param name The argument's name.
#' @param minimum,maximum Bounds, included.
#' @return `value` as a double, since R's integers end at 2^31 - 1.
#' @keywords internal
check_whole <- function(value, name, minimum = -2^53, maximum = 2^53) {
  is_number <- is.numeric(value) && !is.factor(value) && length(value) == 1 && is.finite(value)
  if (!(is_number && value == floor(value) && minimum <= value && value <= maximum)) {
    low <- if (minimum == -2^53) -Inf else minimum
    high <- if (maximum == 2^53) Inf else maximum
    check_argument(FALSE, name, value, paste0("a whole number", bounds_text(-Inf, low, Inf, high)))
  }
  as.double(value)
}

#' Check a flag
#'
#' @param value The argument's value.
#' @param name The argument's name.
#' @return `TRUE` or `FALSE`.
#' @keywords internal
check_flag <- function(value, name) {
  check_argument(isTRUE(value) || isFALSE(value), name, value, "true or false")
  value
}

#' Check that a string is one of those allowed
#'
#' @param value The argument's value.
#' @param name The argument's name.
#' @param choices The values that are allowed; the message lists them.
#' @return `value`.
#' @keywords internal
check_choice <- function(value, name, choices) {
  is_one <- is.character(value) && length(value) == 1 && value %in% choices
  check_argument(is_one, name, value, paste("one of", paste0('"', choices, '"', collapse = ", ")))
  value
}

#' Check that two arrays have one shape, so that none is recycled by mistake
#'
#' @param value,other The arguments' values: arrays, or vectors.
#' @param name,other_name The arguments' names; the message blames the first.
#' @return `NULL`, invisibly. Stops with "`target` must be of the shape of `x`, (5, 3), not (5, 1)."
#' @keywords internal
check_same_shape <- function(value, name, other, other_name) {
  if (!identical(shape_of(value), shape_of(other))) {
    must_be <- sprintf("of the shape of `%s`, %s", other_name, show_value(shape_of(other)))
    check_argument(FALSE, name, shape_of(value), must_be)
  }
  invisible(NULL)
}

# Stop with an error that names a file and what is wrong with it.
refuse_file <- function(path, what) {
  stop(sprintf("%s %s.", path, what), call. = FALSE)
}

# The bounds in words: " above 0 and at most 1"; empty where there are none.
bounds_text <- function(above, minimum, below, maximum) {
  bounds <- c(above, minimum, below, maximum)
  said <- sprintf("%s %.15g", c("above", "of at least", "below", "at most"), bounds)[is.finite(bounds)]
  if (length(said) > 0) paste0(" ", paste(said, collapse = " and ")) else ""
}

# An array's shape; that of a vector, which has no dim, is its length.
shape_of <- function(value) {
  if (is.null(dim(value))) length(value) else dim(value)
}

# A value as a message shows it: strings quoted, numbers to 15 digits, sequences of six at most.
show_value <- function(value) {
  if (length(value) == 0 && is.null(dim(value))) {
    "nothing"
  } else if (is.factor(value)) {
    show_value(as.character(value))
  } else if (!is.null(dim(value))) {
    sprintf("an array of shape (%s)", paste(dim(value), collapse = ", "))
  } else if (!is.atomic(value)) {
    sprintf("an object of type %s", class(value)[[1]])
  } else if (length(value) == 1) {
    show_scalar(value)
  } else {
    shown <- vapply(value[seq_len(min(6, length(value)))], show_scalar, "")
    sprintf("(%s)", paste(c(shown, if (length(value) > 6) "..."), collapse = ", "))
  }
}

show_scalar <- function(value) {
  if (is.character(value) && !is.na(value)) {
    sprintf('"%s"', value)
  } else if (is.logical(value) && !is.na(value)) {
    if (value) "true" else "false"
  } else if (is.numeric(value) && !is.nan(value) && !is.na(value)) {
    sprintf("%.15g", value)
  } else if (is.nan(value)) {
    "NaN"
  } else {
    "NA"
  }
}

# The outermost call on the stack of a function of this package, or of a method of one of its objects: what the user
# typed.
blamed_call <- function() {
  for (i in seq_along(sys.calls())) {
    call <- sys.call(i)
    is_own <- identical(topenv(environment(sys.function(i))), topenv())
    name <- deparse(call[[1]])[[1]] # the bridge calls by value, not by name: then this is "function (...)"
    if (is_own && !grepl("^(bridge_|check_|blamed_call|function)", name)) {
      return(call)
    }
  }
  NULL
}
