"""The child process that draws formulas; the only importer of quickjs and ziafont."""
