"""Text for a terminal: diagnostics with their source lines, the posterior as a table, progress."""

from quivers.terminal.frames import render, summary_line, title_line
from quivers.terminal.posterior import advice, posterior_table
from quivers.terminal.width import safe

__all__ = ["advice", "posterior_table", "render", "safe", "summary_line", "title_line"]
