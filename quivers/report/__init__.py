"""A run as one page for a browser: everything in one file, without a network."""
