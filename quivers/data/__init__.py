"""Reads a data file and binds its values to a program's inputs: names, sizes, axes and supports."""

from quivers.data.bind import Bound, bind
from quivers.data.diagnose import diagnostics
from quivers.data.locate import Located, default_path, located
from quivers.data.read import read

__all__ = ["Bound", "Located", "bind", "default_path", "diagnostics", "located", "read"]
