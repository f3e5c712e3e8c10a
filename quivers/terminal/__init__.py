"""Text for a terminal: diagnostics with their source lines, the posterior as a table, progress."""
