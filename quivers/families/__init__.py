"""The families of distributions and the built-in functions, one table entry each."""
