"""Modelling advice (QVR7xx): what is sound as a program and still a common mistake as a model.

Each module has one family of advice; `LINTS` lists them. Advice is given on programs without errors
alone, and only where it is all but certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from quivers.check.advice.cutpoints import unordered_cutpoints
from quivers.check.advice.discrete import discrete_latents
from quivers.check.advice.funnel import funnels
from quivers.check.advice.mixture import unordered_mixtures
from quivers.check.advice.outer import idle_outer_products
from quivers.check.advice.priors import flat_scales, nearly_improper
from quivers.check.advice.scales import mistaken_scales
from quivers.check.advice.sites import Sites
from quivers.check.advice.unreached import idle_observations, unreached_latents
from quivers.check.advice.unused import unused_lets
from quivers.check.scope import Scope
from quivers.check.types import AnyType
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic

Lint = Callable[[Sites], Iterable[Diagnostic]]

LINTS: tuple[Lint, ...] = (
    funnels,
    discrete_latents,
    unordered_mixtures,
    unordered_cutpoints,
    idle_outer_products,
    unreached_latents,
    flat_scales,
    unused_lets,
    nearly_improper,
    mistaken_scales,
    idle_observations,
)


def advise(
    declaration: ast.ProgramDeclaration, types: Mapping[str, AnyType], scope: Scope, text: bytes
) -> list[Diagnostic]:
    """Advice on a program without errors, with spans relative to it.

    `scope` is the scope that it was checked in, `text` its text to the end of its last line.
    """
    sites = Sites(declaration, types, scope, text)
    if not sites.are_distinct:
        return []
    return [problem for lint in LINTS for problem in lint(sites)]
