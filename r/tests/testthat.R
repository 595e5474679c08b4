# R's own tests: they need no Python. Run by `make test-r` and by R CMD check.
library(testthat)
library(twinnet)

here <- c("tests/testthat", "r/tests/testthat", "testthat")
test_dir(here[dir.exists(here)][[1]], package = "twinnet", load_package = "installed")
