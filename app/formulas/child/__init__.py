"""The process that draws formulas: the only place that imports ziamath."""
