# One cell of the matrix: the checksum of exact runs in R, and what they ran on, as JSON.
# Rscript exact_voice.R '[["iris_dnn", {"maxit": 100}]]'
library(twinnet)
steps <- character()
for (run in jsonlite::fromJSON(commandArgs(TRUE)[[1]], simplifyVector = FALSE)) {
  experiment <- do.call(experiment_override, c(list(experiment_read(run[[1]])), run[[2]], arithmetic = "exact"))
  steps <- c(steps, run_checksum(experiment)[["steps"]])
}
version <- paste0("R ", getRversion(), ", ", extSoftVersion()[["BLAS"]])
cat(jsonlite::toJSON(list(checksum = checksum_of_steps(steps), ran_on = version), auto_unbox = TRUE), "\n")
