"""What can be wrong with where a value lies (QVR4xx): outside a parameter's support, or perhaps outside."""

from __future__ import annotations

import math

from quivers.check.supports import bounds_text, is_point
from quivers.families.support import Interval
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity


def argument_problem(
    called: str, parameter: str, found: Interval, wanted: Interval, *, span: Span, text: str | None
) -> Diagnostic | None:
    """The problem with a distribution's argument, if any. `text` is the argument when it is a name."""
    if outside(found, wanted):
        return Diagnostic(
            "QVR401",
            Severity.ERROR,
            span,
            f"`{parameter}` of `{called}` must be {bounds_text(wanted)}, but this is {_found(found)}.",
        )
    if found.within(wanted):
        return None
    subject = f"`{text}`" if text is not None else "this"
    return Diagnostic(
        "QVR402",
        Severity.WARNING,
        span,
        f"`{parameter}` of `{called}` must be {bounds_text(wanted)}, but {subject} may be {_range(found)}.",
        fixes=_links(wanted, span, text),
    )


def value_problem(name: str, family: str, found: Interval, wanted: Interval, span: Span) -> Diagnostic | None:
    """The problem with an observed value that the family never gives, if there is one."""
    if not outside(found, wanted):
        return None
    return Diagnostic(
        "QVR401",
        Severity.ERROR,
        span,
        f"A draw from `{family}` is {bounds_text(wanted)}, but `{name}` is {_found(found)}.",
    )


def domain_problem(
    called: str, found: Interval, wanted: Interval, span: Span, text: str | None
) -> Diagnostic | None:
    """The problem with a function's argument, if there is one."""
    if outside(found, wanted):
        return Diagnostic(
            "QVR403",
            Severity.ERROR,
            span,
            f"`{called}` needs a value {bounds_text(wanted)}, but this is {_found(found)}.",
        )
    if found.within(wanted):
        return None
    subject = f"`{text}`" if text is not None else "this"
    return Diagnostic(
        "QVR404",
        Severity.WARNING,
        span,
        f"`{called}` needs a value {bounds_text(wanted)}, but {subject} may be {_range(found)}.",
    )


def outside(found: Interval, wanted: Interval) -> bool:
    """Whether no value of `found` lies in `wanted`."""
    if is_point(found):
        return not wanted.contains(found.low)
    return found.disjoint_from(wanted)


def _range(found: Interval) -> str:
    if math.isinf(found.low) and math.isinf(found.high):
        return "any whole number" if found.integer else "any real number"
    return f"any value {bounds_text(found)}"


def _found(found: Interval) -> str:
    return bounds_text(found) if is_point(found) else f"always {bounds_text(found)}"


def _links(wanted: Interval, span: Span, text: str | None) -> tuple[Fix, ...]:
    """The link functions that bring a real value into `wanted`."""
    if wanted.integer:
        return ()
    links: tuple[str, ...]
    if wanted.low == 0 and math.isinf(wanted.high):
        links = ("exp", "softplus")
    elif (wanted.low, wanted.high) == (0, 1):
        links = ("sigmoid",)
    else:
        return ()
    shown = text if text is not None else "…"
    return tuple(
        Fix(
            f"Write `{link}({shown})`",
            (Edit(Span(span.start, span.start), f"{link}("), Edit(Span(span.end, span.end), ")")),
        )
        for link in links
    )
