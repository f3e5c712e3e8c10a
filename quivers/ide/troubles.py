"""What went wrong in a run, as warnings on the names responsible, and what mends it.

A trouble is what the worker says of a run: `kind`, `site`, `element`, `message`, `count`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quivers.check.analysis import Analysis
from quivers.check.program import Checked, CheckedProgram
from quivers.check.rewrites.centring import location_scale
from quivers.ide.actions.parameterization import noncentre, noncentre_title
from quivers.ide.actions.selection import Change, Selection
from quivers.ide.definition import named_steps
from quivers.ide.definition import site as bound_site
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.problems import Diagnostic, Fix, Label, Severity

CODES: Mapping[str, str] = {
    "divergences": "QVR801",
    "r_hat": "QVR802",
    "ess": "QVR803",
    "e_bfmi": "QVR804",
    "tree_depth": "QVR805",
    "stuck": "QVR806",
    "not_finite": "QVR807",
}
FAMILY = "QVR8"
PATIENT_ACCEPT = 0.99


@record
class RunAgain:
    """Another run that may do better. `settings` has what differs, under the names of `qvr.run`."""

    title: str
    settings: Mapping[str, Any]


def diagnostics(
    checked: Checked, program: CheckedProgram, troubles: Iterable[Mapping[str, Any]]
) -> tuple[Diagnostic, ...]:
    """A warning for each trouble of the last run of `program`, by place.

    It stands on the name of the site responsible; where none is known or the site is gone, on the program's.
    """
    found = []
    for trouble in troubles:
        code = CODES.get(trouble["kind"])
        if code is None:
            continue
        step = _step(program, trouble["site"])
        name = program.declaration.name if step is None else step.name
        found.append(
            Diagnostic(
                code,
                Severity.WARNING,
                name.span.shifted(program.offset),
                f"Last run: {_begun(trouble['message'])}",
                labels=tuple(_labels(checked, program, trouble["site"], step)),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.span.start, each.code)))


def _begun(sentence: str) -> str:
    """A sentence to go after a colon: a small letter first, unless it begins with a name of two capitals."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def _labels(
    checked: Checked, program: CheckedProgram, site: str | None, step: ast.Sample | ast.Let | None
) -> Iterator[Label]:
    """The scales that the site is drawn with, else the object that it is drawn for.

    Of a site such as `theta.z`, the place in the program that `theta` is drawn from.
    """
    if site is not None and "." in site:
        place = bound_site(checked, program.name, site)
        if place is not None:
            yield Label(place, f"`{site}` comes from here")
        return
    if not isinstance(step, ast.Sample):
        return
    name = step.name.text
    scales = list(_scales(program, step))
    for scale in scales:
        span = scale.name.span.shifted(program.offset)
        yield Label(span, f"`{scale.name.text}`, the scale of `{name}`, is drawn here")
    if scales:
        return
    for plate in step.plate:
        declared = checked.objects.get(plate.text)
        if declared is not None:
            yield Label(declared.span, f"`{name}` is drawn for each `{plate.text}`")
            return


def _scales(program: CheckedProgram, step: ast.Sample) -> Iterator[ast.Sample]:
    """The draws that the scale of a draw is made from."""
    scaled = location_scale(step)
    if scaled is None:
        return
    for part in ast.walk(scaled.scale):
        if isinstance(part, ast.Variable):
            found = _step(program, part.name)
            if isinstance(found, ast.Sample):
                yield found


def _step(program: CheckedProgram, site: str | None) -> ast.Sample | ast.Let | None:
    """The step that binds a site; for one of a program drawn from, `theta.z`, the draw `theta`."""
    if site is None:
        return None
    name = site.partition(".")[0]
    for step in named_steps(program.declaration.steps):
        if isinstance(step, ast.Sample | ast.Let) and step.name.text == name:
            return step
    return None


# ---------------------------------------------------------------------- what mends it


def rewrite(
    checked: Checked,
    program: CheckedProgram,
    document: Document,
    analysis: Analysis,
    trouble: Mapping[str, Any],
) -> Fix | None:
    """The non-centred form of the site responsible, or of a plate that has it as its scale; None without one.

    It is tried out on a copy of `analysis`, the one that `checked` comes from.
    """
    site = trouble["site"]
    if site is None or trouble["kind"] in ("not_finite", "stuck"):
        return None
    for step in _candidates(program, site):
        selection = Selection(checked, document, step.name.span.shifted(program.offset), analysis)
        title, change = noncentre_title(selection), noncentre(selection)
        if isinstance(title, str) and isinstance(change, Change):
            return Fix(title, change.edits)
    return None


def _candidates(program: CheckedProgram, site: str) -> Iterator[ast.Sample]:
    """The plates whose scale is drawn too: the site itself, and those that it is the scale of."""
    for step in named_steps(program.declaration.steps):
        if isinstance(step, ast.Sample) and step.plate:
            scales = {scale.name.text for scale in _scales(program, step)}
            if scales and (step.name.text == site or site in scales):
                yield step


def run_again(trouble: Mapping[str, Any], settings: Mapping[str, Any]) -> RunAgain | None:
    """The run that a trouble calls for, given the settings of the last one; None where none would help."""
    kind = trouble["kind"]
    if kind == "divergences" and settings.get("target_accept", 0.0) < PATIENT_ACCEPT:
        title = f"Run again with a target acceptance of {PATIENT_ACCEPT}"
        return RunAgain(title, {"targetAccept": PATIENT_ACCEPT})
    if kind == "tree_depth" and settings.get("algorithm", "nuts") == "nuts":
        depth = min(20, (settings.get("max_tree_depth") or 10) + 2)
        return RunAgain(f"Run again with trees of depth {depth}", {"maxTreeDepth": depth})
    if kind in ("r_hat", "ess", "e_bfmi", "stuck") and "draws" in settings and "warmup" in settings:
        warmup, draws = 2 * max(settings["warmup"], 500), 4 * settings["draws"]
        title = f"Run again with {draws:,} draws of each chain, after a warm-up of {warmup:,}"
        return RunAgain(title, {"warmup": warmup, "draws": draws})
    return None


def place_of(program: CheckedProgram, trouble: Mapping[str, Any]) -> Span:
    """Where a trouble's warning stands."""
    step = _step(program, trouble["site"])
    name = program.declaration.name if step is None else step.name
    return name.span.shifted(program.offset)
