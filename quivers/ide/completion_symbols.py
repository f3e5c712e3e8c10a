"""Signs and letters by their names in TeX: `\\otimes` for ⊗, `\\theta` for θ, `\\_1` for ₁."""

from __future__ import annotations

import re

from quivers.ide.completion_items import Completions, Entry, Kind
from quivers.syntax.ast import Span
from quivers.syntax.layout import line_start

_TYPED = re.compile(rb"\\(?:[A-Za-z]*+|_[0-9]?)\Z")

_GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
]
_LETTERS = "αβγδεζηθικλμνξοπρστυφχψω"
_CAPITALS = {
    "Gamma": "Γ",
    "Delta": "Δ",
    "Theta": "Θ",
    "Lambda": "Λ",
    "Xi": "Ξ",
    "Pi": "Π",
    "Sigma": "Σ",
    "Upsilon": "Υ",
    "Phi": "Φ",
    "Psi": "Ψ",
    "Omega": "Ω",
}

SYMBOLS: dict[str, str] = {
    "otimes": "⊗",
    "to": "→",
    "rightarrow": "→",
    "leftarrow": "←",
    "gets": "←",
    "ne": "≠",
    "neq": "≠",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    **dict(zip(_GREEK, _LETTERS, strict=True)),
    **_CAPITALS,
    "ell": "ℓ",
    **{f"_{digit}": chr(0x2080 + digit) for digit in range(10)},
}


def symbols(source: bytes, offset: int) -> Completions | None:
    """The signs whose name is being typed after a backslash before the place; None where there is none."""
    typed = _TYPED.search(source, line_start(source, offset), offset)
    if typed is None:
        return None
    span = Span(typed.start(), offset)
    entries = tuple(
        Entry(f"\\{name}", Kind.SYMBOL, (0, place), sign, detail=sign, aside=f" {sign}", filter=f"\\{name}")
        for place, (name, sign) in enumerate(SYMBOLS.items())
    )
    return Completions(entries, span, span)
