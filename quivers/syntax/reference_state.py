"""Whether the reference grammar is loaded, asked without loading it."""

from __future__ import annotations

import sys


def grammar_is_loaded() -> bool:
    """Whether the reference grammar can be asked without waiting; loading it takes 0.2 s."""
    reference = sys.modules.get("quivers.syntax.reference")
    is_loaded = getattr(reference, "is_loaded", None)  # missing while the module itself is loading
    return is_loaded is not None and is_loaded()
