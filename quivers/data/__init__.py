"""Reads data files and binds its values to a program's inputs: names, sizes, axes and supports."""

from quivers.data.bind import Bound, bind
from quivers.data.diagnose import diagnostics
from quivers.data.frames import values_of
from quivers.data.locate import Located, default_path, located
from quivers.data.read import read
from quivers.data.rename import renamed
from quivers.data.together import together

__all__ = [
    "Bound",
    "Located",
    "bind",
    "default_path",
    "diagnostics",
    "located",
    "read",
    "renamed",
    "together",
    "values_of",
]
