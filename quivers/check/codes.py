"""Every code that a diagnostic of the checker can have, with its title; each is defined with its phase."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from quivers.check import bounds, effects, names, shapes

PHASES: tuple[Mapping[str, str], ...] = (names.CODES, shapes.CODES, bounds.CODES, effects.CODES)
CODES: Mapping[str, str] = MappingProxyType(
    {code: title for phase in PHASES for code, title in phase.items()}
)
