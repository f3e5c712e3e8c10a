"""QVR: typed, named-axis Bayesian models, from a `.qvr` file to its posterior."""

__version__ = "0.1.0"
