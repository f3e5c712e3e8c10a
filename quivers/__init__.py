"""QVR: typed, named-axis Bayesian models, from a `.qvr` file to its posterior.

```python
result = quivers.fit("model.qvr", {"y": y, "sigma_j": sigma})     # quivers.fitting
```

`load` gives a file's program, `diagnose` what is wrong with it. `quivers.inference` has the samplers and the
guides one by one. In a notebook, `%load_ext quivers` brings the cell magic `%%qvr` (`quivers.jupyter`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quivers.dsl import Program, diagnose, load, loads
    from quivers.errors import DataError, ProgramError, QvrError, SamplingError, SamplingWarning
    from quivers.fitting import fit

__version__ = "0.1.0"
__all__ = [
    "DataError",
    "Program",
    "ProgramError",
    "QvrError",
    "SamplingError",
    "SamplingWarning",
    "diagnose",
    "fit",
    "load",
    "loads",
]

# What is loaded when it is first asked for: the command and the server start without it.
_LATER = {
    "DataError": "quivers.errors",
    "Program": "quivers.dsl",
    "ProgramError": "quivers.errors",
    "QvrError": "quivers.errors",
    "SamplingError": "quivers.errors",
    "SamplingWarning": "quivers.errors",
    "diagnose": "quivers.dsl",
    "fit": "quivers.fitting",
    "load": "quivers.dsl",
    "load_ipython_extension": "quivers.jupyter",
    "loads": "quivers.dsl",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
