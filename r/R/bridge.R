# What the Python bridge calls: run a function, and report its value, warnings and error instead of raising.
# The other half is python/twinnet/parity/bridge.py; there is no twin, since R does not drive Python.

# Call a function by name: the caller's own in the global environment, this package's, base R's, or "package::function".
bridge_call <- function(name, arguments) {
  fun <- if (grepl("::", name, fixed = TRUE)) str2lang(name) else as.symbol(name)
  is_own <- exists(name, envir = globalenv(), mode = "function", inherits = FALSE)
  bridge_report(quote_call(fun, arguments, home = if (is_own) globalenv() else topenv()))
}

# Call object$name(...), where the object is the first of the arguments.
bridge_method <- function(name, arguments) {
  object <- arguments[[1]]
  bridge_report(quote_call(call("$", quote(object), as.symbol(name)), arguments[-1], list(object = object)))
}

# Evaluate code in the global environment.
bridge_eval <- function(code, arguments) {
  bridge_report(list(call = as.call(c(as.symbol("{"), as.list(parse(text = code)))), frame = globalenv()))
}

# A call whose arguments are symbols bound in a frame, so that an error shows `train_dnn(arg1, lr = lr)`
# and not the numbers of a whole data set.
quote_call <- function(fun, arguments, bound = list(), home = topenv()) {
  keys <- if (is.null(names(arguments))) rep("", length(arguments)) else names(arguments)
  symbols <- ifelse(keys == "", paste0("arg", seq_along(arguments)), keys)
  frame <- list2env(bound, parent = home)
  for (i in seq_along(arguments)) {
    assign(symbols[[i]], arguments[[i]], envir = frame)
  }
  values <- lapply(symbols, as.symbol)
  names(values) <- if (any(keys != "")) keys
  list(call = as.call(c(fun, values)), frame = frame)
}

bridge_report <- function(quoted) {
  warnings <- character()
  report <- withCallingHandlers(
    tryCatch(
      list(value = list(eval(quoted[["call"]], quoted[["frame"]])), error = character(), call = character()),
      error = function(e) {
        text <- if (is.null(conditionCall(e))) "" else deparse(conditionCall(e), nlines = 1)[[1]]
        list(value = list(), error = conditionMessage(e), call = text)
      }
    ),
    warning = function(w) {
      warnings <<- c(warnings, conditionMessage(w))
      tryInvokeRestart("muffleWarning")
    }
  )
  c(report, list(warnings = warnings))
}
