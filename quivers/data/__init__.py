"""Reads a data file and binds its values to a program's inputs: names, sizes, axes and supports."""

from quivers.data.bind import Bound, bind, diagnostics
from quivers.data.read import default_path, read

__all__ = ["Bound", "bind", "default_path", "diagnostics", "read"]
