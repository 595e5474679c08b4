# Tensors in a file that R, NumPy, PyTorch and others read: the safetensors format.
# A file is the length of its header, 8 bytes with the lowest first; the header, JSON: under each tensor's name its
# dtype, shape and place among the data, and under __metadata__ texts by name; and the data, numbers with the lowest
# byte first, each tensor's with its last index running fastest (https://github.com/huggingface/safetensors, "Format").
#
# What is written here also has an MD5 among its texts, of the whole file with zeros in the MD5's place: no damaged file
# is taken for a sound one. A file is written beside its place and moved there when it is whole: whatever goes wrong,
# what was there before stays. Twin: python/twinnet/safetensors.py.

TENSOR_BYTES <- c(F64 = 8, F32 = 4)
NO_MD5 <- strrep("0", 32)

#' Write tensors to a safetensors file; if there is one, it is replaced in one move
#'
#' @param path The file.
#' @param tensors A list of arrays by name; of doubles, or of class `float32`.
#' @param metadata A list of texts by name.
#' @return NULL, invisibly. Stops if the file cannot be written; what was there before is unchanged.
#' @references <https://github.com/huggingface/safetensors>
#' @export
safetensors_write <- function(path, tensors, metadata = NULL) {
  for (name in names(tensors)) {
    check_argument(is.double(tensors[[name]]), name, tensors[[name]], "an array of doubles")
  }
  texts <- c(metadata, md5 = NO_MD5)
  entries <- sprintf('"__metadata__":{%s}', paste0(quote_json(names(texts)), ":", quote_json(texts), collapse = ","))
  data <- list()
  at <- 0
  for (dtype in names(TENSOR_BYTES)) { # so that each number stands at a multiple of its size
    for (name in names(tensors)) {
      tensor <- tensors[[name]]
      if ((dtype_of(tensor) == "float32") == (dtype == "F32")) {
        part <- writeBin(as.double(aperm_whole(unclass(tensor))), raw(), TENSOR_BYTES[[dtype]], "little")
        shape <- paste(sprintf("%.0f", shape_of(tensor)), collapse = ",")
        entry <- '%s:{"dtype":"%s","shape":[%s],"data_offsets":[%.0f,%.0f]}'
        entries <- c(entries, sprintf(entry, quote_json(name), dtype, shape, at, at + length(part)))
        data <- c(data, list(part))
        at <- at + length(part)
      }
    }
  }
  header <- charToRaw(enc2utf8(sprintf("{%s}", paste(entries, collapse = ","))))
  header <- c(header, rep(charToRaw(" "), -length(header) %% 8))
  size <- as.raw(length(header) %/% 256^(0:7) %% 256)
  replace_file(path, with_md5(c(size, header, unlist(data))))
}

#' Read a safetensors file
#'
#' @param path The file.
#' @return A list: `tensors`, a list of arrays by name, of doubles or of class `float32`, as they were written, those of
#'   one dimension as vectors; `metadata`, a list of texts by name, the MD5 not among them. Stops if there is no such
#'   file, or it is not a safetensors file, is damaged, or holds other numbers than float64 and float32.
#' @export
safetensors_read <- function(path) {
  if (!file.exists(path) || dir.exists(path)) {
    stop(sprintf("There is no file %s.", path))
  }
  content <- readBin(path, "raw", file.size(path))
  entries <- read_header(path, content)
  texts <- check_texts(path, entries[["__metadata__"]])
  entries <- entries[names(entries) != "__metadata__"]
  data <- utils::tail(content, -8 - header_size(content))
  check_places(path, entries, length(data))
  md5 <- texts[["md5"]]
  if (!is.null(md5) && md5 != md5_with_zeros(content, md5)) {
    refuse_file(path, "is damaged: it does not have the MD5 that it names")
  }
  tensors <- lapply(entries, function(entry) {
    shape <- as.numeric(entry[["shape"]])
    size <- TENSOR_BYTES[[entry[["dtype"]]]]
    bytes <- data[entry[["data_offsets"]][[1]] + seq_len(prod(shape) * size)]
    numbers <- readBin(bytes, "double", prod(shape), size, endian = "little")
    tensor <- if (length(shape) > 1) fill_by_row(numbers, shape) else numbers
    if (size == 4) new_float32(tensor) else tensor
  })
  list(tensors = tensors, metadata = texts[names(texts) != "md5"])
}

# The header of a file: what it says of each tensor, and its texts.
read_header <- function(path, content) {
  if (length(content) < 8) {
    refuse_file(path, sprintf("is not a safetensors file: it has %d bytes", length(content)))
  }
  size <- header_size(content)
  if (size > length(content) - 8) {
    what <- sprintf("a header of %.0f bytes is promised, and %d bytes follow", size, length(content) - 8)
    refuse_file(path, sprintf("is not a safetensors file, or is damaged: %s", what))
  }
  entries <- tryCatch(parse_object(content[8 + seq_len(size)]), error = function(damaged) NULL)
  if (is.null(entries)) {
    refuse_file(path, "is not a safetensors file, or is damaged: its header is not a JSON object")
  }
  entries
}

# The length of the header, as the first bytes of a file say it.
header_size <- function(content) {
  sum(256^(0:7) * as.integer(content[1:8]))
}

# A JSON object as a list, if it is one and no name occurs twice in it or in the objects it holds.
parse_object <- function(bytes) {
  text <- rawToChar(bytes)
  Encoding(text) <- "UTF-8"
  entries <- jsonlite::parse_json(text)
  stopifnot(validUTF8(text), startsWith(trimws(text), "{"))
  for (object in c(list(entries), entries)) {
    stopifnot(!anyDuplicated(names(object)))
  }
  entries
}

# The texts of a header, if they are texts.
check_texts <- function(path, texts) {
  are_texts <- vapply(texts, function(text) is.character(text), TRUE)
  if (!is.null(texts) && !(is.list(texts) && all(are_texts) && length(names(texts)) == length(texts))) {
    refuse_file(path, "is damaged: its __metadata__ is not texts by name")
  }
  texts
}

# Refuse a file unless its tensors are of known dtypes and fill the data one after another.
check_places <- function(path, entries, size) {
  begin <- end <- bytes <- numeric()
  for (name in names(entries)) {
    entry <- entries[[name]]
    known <- is.list(entry) && setequal(names(entry), c("dtype", "shape", "data_offsets"))
    if (!(known && are_whole(entry[["shape"]]) && are_whole(entry[["data_offsets"]], 2))) {
      refuse_file(path, sprintf("is damaged: its header does not say what `%s` is", name))
    }
    if (!(entry[["dtype"]] %in% names(TENSOR_BYTES))) {
      read <- paste(names(TENSOR_BYTES), collapse = " and ")
      refuse_file(path, sprintf("holds `%s` as %s, and only %s are read", name, entry[["dtype"]], read))
    }
    offsets <- as.numeric(entry[["data_offsets"]])
    begin <- c(begin, offsets[[1]])
    end <- c(end, offsets[[2]])
    bytes <- c(bytes, prod(as.numeric(entry[["shape"]])) * TENSOR_BYTES[[entry[["dtype"]]]])
  }
  at <- 0
  for (i in order(begin, end)) {
    if (!isTRUE(begin[[i]] == at && end[[i]] - begin[[i]] == bytes[[i]])) {
      refuse_file(path, sprintf("is damaged: `%s` is not where it should be among the data", names(entries)[[i]]))
    }
    at <- end[[i]]
  }
  if (at != size) {
    refuse_file(path, sprintf("is damaged: it should have %.0f bytes of data, and has %.0f", at, size))
  }
}

# Whether `values` is a list of whole numbers from 0 to 2^53, of a length if it is given.
are_whole <- function(values, length = NULL) {
  whole <- function(value) is.numeric(value) && value >= 0 && value <= 2^53 && value == floor(value)
  of_length <- is.list(values) && is.null(names(values)) && (is.null(length) || length(values) == length)
  of_length && all(vapply(values, whole, TRUE))
}

# The MD5 of a file's content with zeros where `md5` first occurs in it.
md5_with_zeros <- function(content, md5) {
  md5_of(replace_bytes(content, md5, NO_MD5))
}

# A file's content with its MD5 where the zeros are.
with_md5 <- function(content) {
  replace_bytes(content, NO_MD5, md5_with_zeros(content, NO_MD5))
}

# Bytes with those of one text, where they first occur, replaced by as many of another.
replace_bytes <- function(content, from, to) {
  at <- grepRaw(from, content, fixed = TRUE)
  if (length(at) > 0) {
    content[at - 1 + seq_len(nchar(from))] <- charToRaw(to)
  }
  content
}

# Write a file beside its place, and move it there when all of it can be read back: R cannot ask for more.
replace_file <- function(path, content) {
  partial <- paste0(path, ".part")
  on.exit(unlink(partial))
  failed <- tryCatch(
    {
      file <- file(partial, "wb")
      tryCatch(writeBin(content, file), finally = close(file))
      if (identical(readBin(partial, "raw", length(content)), content)) NULL else "the disk is full"
    },
    warning = conditionMessage,
    error = conditionMessage
  )
  if (!is.null(failed) || !file.rename(partial, path)) {
    what <- sprintf("could not be written: %s. What was there before is unchanged", failed)
    refuse_file(path, what)
  }
  invisible()
}

# Texts as JSON writes them.
quote_json <- function(texts) {
  vapply(unname(texts), function(text) as.character(jsonlite::toJSON(text, auto_unbox = TRUE)), "")
}

# An array with its first index where the last one was.
aperm_whole <- function(x) {
  if (length(dim(x)) > 1) aperm(x) else x
}
