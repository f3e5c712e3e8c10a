"""What can be wrong with axes, types and arguments (QVR3xx)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quivers.check.spelling import nearest
from quivers.check.types import AnyType, Axis
from quivers.families.elsewhere import parameter_elsewhere
from quivers.syntax.ast import Name, Span
from quivers.syntax.problems import Diagnostic, Edit, Fix, Label, Severity


def listing(axes: Sequence[Axis]) -> str:
    """`School`, `School and Item`, or `no object`."""
    names = [f"`{axis}`" for axis in axes]
    if not names:
        return "no object"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _error(code: str, span: Span, message: str, hint: str | None = None, *labels: Label) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, span, message, labels=labels, hint=hint)


def outside_plate(
    name: Name,
    plate: Sequence[Axis],
    extra: Sequence[Axis],
    *,
    what: str,
    span: Span,
    labels: tuple[Label, ...],
) -> Diagnostic:
    """An argument has axes over which the draw is not repeated; without a plate, a fix adds it."""
    if plate:
        message = f"{what} runs over {listing(extra)}, but `{name.text}` is drawn over {listing(plate)}."
    else:
        message = f"{what} runs over {listing(extra)}, but `{name.text}` is one value: it names no plate."
    fixes: tuple[Fix, ...] = ()
    if not plate and not any(axis.copy for axis in extra):
        text = " * ".join(axis.object for axis in extra)
        at = Span(name.span.end, name.span.end)
        fixes = (Fix(f"Repeat `{name.text}` over `{text}`", (Edit(at, f" : {text}"),)),)
    hint = None if fixes else "Reduce or index the argument, or name the object in the plate."
    return Diagnostic("QVR301", Severity.ERROR, span, message, labels=labels, fixes=fixes, hint=hint)


def inside_one_draw(name: Name, extra: Sequence[Axis], *, span: Span) -> Diagnostic:
    """A parameter that is one number for a whole vector or matrix has several along it."""
    message = f"One draw of `{name.text}` runs along {listing(extra)}, so this can't have a value for each."
    return _error("QVR301", span, message, "Reduce the argument, or index it.")


def plate_mismatch(
    name: str, span: Span, found: Sequence[Axis], plate: Sequence[Axis], bound: Label | None
) -> Diagnostic:
    """The observed value's axes are not the plate's."""
    return Diagnostic(
        "QVR301",
        Severity.ERROR,
        span,
        f"`{name}` runs over {listing(found)}, but it is observed over {listing(plate)}.",
        labels=() if bound is None else (bound,),
    )


def no_index_set(name: Name, space: str | None = None) -> Diagnostic:
    """A plate, or an axis, must be a finite set."""
    what = "is a space" if space is None else f"is the space `{space}`"
    return _error("QVR302", name.span, f"`{name.text}` {what}; only a finite set can be run over.")


def wrong_return(
    span: Span, found: str, wanted: str, codomain: Span, *, fixes: tuple[Fix, ...] = ()
) -> Diagnostic:
    """The returned value is not what the program's type says."""
    return Diagnostic(
        "QVR303",
        Severity.ERROR,
        span,
        f"The program returns {found}, but its type says {wanted}.",
        labels=(Label(codomain, f"the codomain is {wanted}"),),
        fixes=fixes,
        hint="Return a value over those objects, or change the codomain to what is returned.",
    )


def no_return(name: Name, codomain: str) -> Diagnostic:
    """A program's steps end without a return."""
    return Diagnostic(
        "QVR313",
        Severity.WARNING,
        name.span,
        f"`{name.text}` returns nothing, but its type says {codomain}.",
        hint="End it with `return` and a value.",
    )


def too_many(called: str, takes: Sequence[str], given: int, span: Span) -> Diagnostic:
    """More positional arguments than parameters."""
    names = ", ".join(f"`{name}`" for name in takes)
    expected = f"takes {len(takes)}: {names}" if takes else "takes no arguments"
    were = "was" if given == 1 else "were"
    return _error("QVR304", span, f"`{called}` {expected}; {given} {were} given.")


def unknown_argument(called: str, keyword: Name, known: Iterable[str]) -> Diagnostic:
    """A keyword that the function or the family does not have."""
    known = list(dict.fromkeys(known))
    near = parameter_elsewhere(called, keyword.text)
    if near not in known:
        near = nearest(keyword.text, known)
    fixes = (
        () if near is None else (Fix(f"Replace `{keyword.text}` by `{near}`", (Edit(keyword.span, near),)),)
    )
    names = ", ".join(f"`{name}`" for name in known)
    hint = f"Did you mean `{near}`?" if near else f"It takes {names}." if known else "It takes no arguments."
    return Diagnostic(
        "QVR305",
        Severity.ERROR,
        keyword.span,
        f"`{called}` has no argument `{keyword.text}`.",
        fixes=fixes,
        hint=hint,
    )


def exclusive_arguments(called: str, keyword: Name, beside: Sequence[str]) -> Diagnostic:
    """A keyword of another form than the arguments beside it."""
    names = " and ".join(f"`{name}`" for name in dict.fromkeys(beside)) or "the arguments before it"
    return _error("QVR305", keyword.span, f"`{called}` takes no `{keyword.text}` together with {names}.")


def missing_argument(
    called: Name, missing: Sequence[str], meanings: Sequence[str], *, is_choice: bool = False
) -> Diagnostic:
    """A parameter without a default was left out; of a choice, one is enough."""
    last = " or " if is_choice else " and "
    shown = [f"`{name}`" for name in missing]
    names = last.join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 2 else shown)
    hint = "; ".join(f"`{name}` is {meaning}" for name, meaning in zip(missing, meanings, strict=False))
    return _error("QVR306", called.span, f"`{called.text}` also needs {names}.", f"{hint}." if hint else None)


def given_twice(called: str, name: str, span: Span) -> Diagnostic:
    """One parameter, two arguments."""
    return _error("QVR307", span, f"`{called}` is given `{name}` twice.")


def positional_after_keyword(span: Span) -> Diagnostic:
    """`F(a=1, 2)`."""
    return _error("QVR307", span, "An argument without a name can't follow one with a name.")


def contradiction(name: str, span: Span, here: str, there: str, other: Span) -> Diagnostic:
    """Two uses of an input that no value satisfies."""
    return Diagnostic(
        "QVR308",
        Severity.ERROR,
        span,
        f"`{name}` must be {here} here, but {there} elsewhere.",
        labels=(Label(other, f"here `{name}` must be {there}"),),
    )


def bad_index(span: Span, message: str, hint: str | None = None) -> Diagnostic:
    """`a[i]` where `i` is no index into an axis of `a`."""
    return _error("QVR309", span, message, hint)


def no_shared_axis(span: Span, left: AnyType, right: AnyType) -> Diagnostic:
    """`a @ b` where the last axes differ."""
    return _error(
        "QVR310", span, f"`@` sums over a shared last axis, but the two sides are `{left}` and `{right}`."
    )


def missing_axis(span: Span, axis: Axis, found: AnyType) -> Diagnostic:
    """`sum(x, over=A)` where x does not run over A."""
    return _error("QVR311", span, f"There is no `{axis}` to reduce over: the value is `{found}`.")


def missing_event_axis(span: Span, message: str, hint: str | None = None) -> Diagnostic:
    """A family whose draw or parameter is a vector, without an object for it to run along."""
    return _error("QVR312", span, message, hint)


def wrong_value(span: Span, message: str, hint: str | None = None) -> Diagnostic:
    """A value of a kind that the place does not take."""
    return _error("QVR314", span, message, hint)


def undetermined(name: str, span: Span, example: str) -> Diagnostic:
    """Nothing says what an input runs over."""
    return _error(
        "QVR315",
        span,
        f"Nothing says which objects `{name}` runs over.",
        f"Declare it above the program, such as `data {name} : {example}`.",
    )


def bad_space(span: Span, message: str, hint: str | None = None) -> Diagnostic:
    """A space whose size, index or bounds make no sense."""
    return _error("QVR316", span, message, hint)
