# Tables: from what a caller has (columns of any kind) to the matrix of inputs and the vector of labels.
# A table is a data frame, a list of columns, or a matrix, whose columns are called V1, V2, ... if they have no names.
# Columns are named by position (from 0 in Python, from 1 in R) or by name. Twin: python/twinnet/tables.py.

#' The columns of a table, by name
#'
#' @param data A data frame, a named list of columns, or a matrix.
#' @param name What a message calls the table.
#' @return A named list of vectors. Stops if it is no table, has no rows or no columns, or columns of different lengths.
#' @export
table_columns <- function(data, name) {
  if (is.matrix(data)) {
    data <- as.data.frame(data)
  }
  is_table <- is.list(data) && (length(data) == 0 || !is.null(names(data)))
  check_argument(is_table, name, data, "a table: columns by name, a data frame or a matrix")
  columns <- unclass(data)
  attributes(columns) <- list(names = names(data))
  check_argument(length(columns) > 0, name, data, "a table with at least one column")
  lengths <- unique(lengths(columns))
  check_argument(length(lengths) == 1, name, data, "a table of columns of one length")
  check_argument(lengths != 0, name, data, "a table with at least one row")
  columns
}

#' Names of the columns that a caller asked for
#'
#' @param columns From [table_columns()].
#' @param which Positions from 1, or names.
#' @param name What a message calls `which`.
#' @return A vector of names. Stops if there is no such column, none is asked for, or one twice.
#' @export
select_columns <- function(columns, which, name) {
  names <- names(columns)
  must_be <- sprintf(
    "columns of the table, by position from 1 to %d or by name (%s)", length(names), paste(names, collapse = ", ")
  )
  found <- character()
  for (column in which) {
    is_position <- is.numeric(column)
    known <- if (is_position) column %in% seq_along(names) else column %in% names
    check_argument(known, name, column, must_be)
    found <- c(found, if (is_position) names[[column]] else column)
  }
  check_argument(length(found) > 0 && !anyDuplicated(found), name, which, paste0(must_be, ", each once"))
  found
}

#' The inputs of a table as a matrix
#'
#' @param columns From [table_columns()].
#' @param names The input columns, in the order that the model expects; other columns do not matter.
#' @param name What a message calls the table.
#' @return A matrix (n, d). Stops if a column is missing, not numeric, or has a missing or infinite value.
#' @export
input_matrix <- function(columns, names, name) {
  must_be <- paste("a table with the columns", paste(names, collapse = ", "))
  check_argument(all(names %in% names(columns)), name, names(columns), must_be)
  for (column in names) {
    values <- columns[[column]]
    is_number <- is.numeric(values) && !is.factor(values)
    check_argument(is_number, sprintf("%s[%s]", name, column), values, "a column of numbers")
    finite <- is.finite(values)
    if (!all(finite)) {
      first <- values[!finite][[1]]
      check_argument(FALSE, sprintf("%s[%s]", name, column), first, "a column of finite numbers, none missing")
    }
  }
  matrix(as.double(unlist(columns[names], use.names = FALSE)), ncol = length(names))
}

#' The labels of a table
#'
#' @param columns From [table_columns()].
#' @param column The label's column.
#' @param name What a message calls the table.
#' @return A vector of n labels: a factor, strings, whole numbers or logicals. Stops if the column is missing, has a
#'   missing value, or has numbers that are not whole.
#' @export
label_vector <- function(columns, column, name) {
  check_argument(column %in% names(columns), name, names(columns), paste("a table with the column", column))
  labels <- columns[[column]]
  is_label <- is.factor(labels) || is.character(labels) || is.numeric(labels) || is.logical(labels)
  check_argument(is_label, sprintf("%s[%s]", name, column), labels, "a column of labels, none missing")
  is_number <- is.numeric(labels) && !is.factor(labels)
  odd <- if (is_number) !is.finite(labels) | labels != floor(labels) else is.na(labels)
  first <- if (any(odd)) labels[odd][[1]]
  check_argument(!any(odd), sprintf("%s[%s]", name, column), first, "a column of labels, none missing")
  labels
}
