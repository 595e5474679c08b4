# Golden streams: shared_data/golden/STEM.json holds, for several seeds, calls of a generator and what the
# original returned, numbers as hexadecimal floats. The scripts that wrote them are tests/golden/make_STEM.py.
expect_golden_draws <- function(stem, constructor) {
  golden <- jsonlite::fromJSON(shared_data_path(paste0("golden/", stem, ".json")), simplifyVector = FALSE)
  expect_gte(length(golden[["cases"]]), 5)
  for (case in golden[["cases"]]) {
    generator <- constructor(case[["seed"]])
    for (call in case[["calls"]]) {
      arguments <- lapply(call[["arguments"]], unlist)
      draws <- do.call(generator[[call[["method"]]]], arguments)
      expected <- as.numeric(unlist(call[["result"]]))
      label <- sprintf("%s, seed %s", call[["method"]], toString(case[["seed"]]))
      expect_identical(as.double(draws), expected, label = label)
    }
  }
}
