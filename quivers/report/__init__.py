"""A run as one page for a browser: everything in one file, without scripts and without a network."""
