"""The instrument: the bridge to R, the comparison of the two languages, its report and the command line."""
