"""The table of families: every distribution that a draw can name, by its name.

Densities are written in the built-in functions of `quivers.families.functions`. Inside one, a parameter with
axes of its own (`event_rank`) is reduced over those axes and indexed along the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from quivers.families.continuous import CONTINUOUS
from quivers.families.discrete import DISCRETE
from quivers.families.family import Family
from quivers.families.matrices import MATRICES
from quivers.families.vectors import VECTORS

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.name: family for family in (*CONTINUOUS, *DISCRETE, *VECTORS, *MATRICES)}
)
