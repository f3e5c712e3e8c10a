"""Models to start from: for each a program, and data simulated from it at known parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from quivers.syntax.reading import KEYWORDS

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "regression": "a line through two predictors, with its spread",
        "hierarchical": "groups that differ, and lend each other strength",
        "mixture": "two kinds of observations, each one's kind summed out",
        "time-series": "a trend, and an autoregression around it",
        "irt": "students' abilities and questions' difficulties (2PL)",
        "survival": "times to an event, some of them censored (Weibull)",
    }
)
DEFAULT = "regression"

_WORD = re.compile(r"\w+")


def program_text(template: str) -> str:
    """The program of a template, whose name is the template's own with `_` for `-`.

    Raises:
        KeyError: there is no such template.
    """
    if template not in TEMPLATES:
        raise KeyError(template)
    return files(__name__).joinpath(f"{template}.qvr").read_text("utf-8")


def renamed(text: str, template: str, name: str) -> str:
    """The program under another name, which gets `_model` where it stands for something else."""
    own = template.replace("-", "_")
    name = re.sub(r"\W+", "_", name).strip("_") or own
    if name[0].isdigit():
        name = f"model_{name}"
    taken = (KEYWORDS | set(_WORD.findall(re.sub(r"#.*", "", text)))) - {own}
    return re.sub(
        rf"^(program|export) {own}\b",
        rf"\1 {name if name not in taken else f'{name}_model'}",
        text,
        flags=re.M,
    )
