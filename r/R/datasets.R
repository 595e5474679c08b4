# The data that both languages read, and how it is split.
# Files lie in shared_data, one copy for both languages. Twin: python/twinnet/datasets.py.

#' The folder of the files that both languages read
#'
#' @return The one that the environment variable TWINNET_SHARED_DATA names, or else the package's own, which has not
#'   MNIST: it is large.
#' @export
shared_data_folder <- function() {
  folder <- Sys.getenv("TWINNET_SHARED_DATA")
  if (nzchar(folder)) folder else system.file("shared_data", package = "twinnet")
}

#' Path of a file that both languages read
#'
#' @param name Path below `shared_data`, such as `"iris.csv"`.
#' @return The path, in [shared_data_folder()]. Stops if there is no such file.
#' @export
shared_data_path <- function(name) {
  folder <- shared_data_folder()
  path <- file.path(folder, name)
  if (!file.exists(path)) {
    hint <- "TWINNET_SHARED_DATA names the folder; that of a checkout of twinnet, shared_data, has all files."
    stop(sprintf('There is no "%s" in the shared data, %s. %s', name, folder, hint))
  }
  path
}

#' The iris data: 50 flowers of each of three species
#'
#' @return A data frame of 150 rows: `Sepal.Length`, `Sepal.Width`, `Petal.Length`, `Petal.Width` in cm, and the factor
#'   `Species`; every cell equal to [datasets::iris].
#' @references Fisher (1936).
#' @export
load_iris <- function() {
  utils::read.csv(shared_data_path("iris.csv"), stringsAsFactors = TRUE)
}

#' Rows of a random sample with as many of each class, the first class's first
#'
#' Course, lesson A: `c(sample(1:50, 25), sample(51:100, 25), sample(101:150, 25))`.
#'
#' @param labels Class labels; classes are taken in ascending order, a factor's in the order of its levels.
#' @param size Rows of each class.
#' @param generator Draws the rows.
#' @return Row numbers, from 1. Stops if a class has fewer rows than `size`.
#' @export
sample_per_class <- function(labels, size, generator) {
  size <- check_whole(size, "size", minimum = 1)
  sampled <- integer()
  for (level in class_levels(labels, "labels")) {
    rows <- which(labels == level)
    must_be <- sprintf("at most %d, the rows of class %s", length(rows), level)
    check_argument(size <= length(rows), "size", size, must_be)
    sampled <- c(sampled, rows[generator$sample_int(length(rows), size)])
  }
  sampled
}
