"""The table of diagnostics: one module an area, one constant a code."""
