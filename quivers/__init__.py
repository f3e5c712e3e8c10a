"""QVR: typed, named-axis Bayesian models, from a `.qvr` file to its posterior.

```python
result = quivers.fit("model.qvr", {"y": y, "sigma_j": sigma})     # quivers.fitting
```

In a notebook, `%load_ext quivers` brings the cell magic `%%qvr` (`quivers.jupyter`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quivers.fitting import fit

__version__ = "0.1.0"
__all__ = ["fit"]

# What is loaded when it is first asked for: the command and the server start without it.
_LATER = {"fit": "quivers.fitting", "load_ipython_extension": "quivers.jupyter"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATER[name]), name)
