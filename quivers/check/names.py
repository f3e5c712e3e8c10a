"""What can be wrong with a name (QVR2xx): unknown, declared twice, used too early, misspelt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quivers.check.spelling import look_alikes, nearest
from quivers.families.elsewhere import Spelling, family_elsewhere, parameter_elsewhere
from quivers.families.family import Family
from quivers.syntax.ast import Call, Name, Span
from quivers.syntax.problems import Diagnostic, Edit, Fix, Label, Severity


def _replaced(name: str, span: Span, near: str | None) -> tuple[Fix, ...]:
    return () if near is None else (Fix(f"Replace `{name}` by `{near}`", (Edit(span, near),)),)


def _meant(name: str, near: str | None) -> str | None:
    if near is None:
        return None
    return _told_apart(name, near) or f"Did you mean `{near}`?"


def _told_apart(name: str, near: str) -> str | None:
    """How two names differ that look the same; None where they don't."""
    letters = look_alikes(name, near)
    if letters is None:
        return None
    from unicodedata import name as called  # few files have such a name

    mine, other = (f"`{letter}` ({called(letter).capitalize()}, U+{ord(letter):04X})" for letter in letters)
    return f"A name that looks the same has {other} where this has {mine}."


def undeclared_object(name: Name, known: Iterable[str], declare_at: Span | None) -> Diagnostic:
    """`declare_at` is where a declaration may be put when no near name is known."""
    near = nearest(name.text, known)
    fixes = _replaced(name.text, name.span, near)
    if declare_at is not None and near is None:
        declaration = f"object {name.text} : FinSet\n\n"
        fixes += (Fix(f"Declare `object {name.text} : FinSet`", (Edit(declare_at, declaration),)),)
    return Diagnostic(
        "QVR201",
        Severity.ERROR,
        name.span,
        f"No object is called `{name.text}`.",
        fixes=fixes,
        hint=_meant(name.text, near) or f"Declare it with `object {name.text} : FinSet`.",
    )


def unknown_family(call: Call, families: Mapping[str, Family]) -> Diagnostic:
    """A draw from something that is no family, or one that another language spells so."""
    name = call.function
    spelling = family_elsewhere(name.text)
    if spelling is not None:
        return Diagnostic(
            "QVR202",
            Severity.ERROR,
            name.span,
            f"No distribution is called `{name.text}`; it is `{spelling.family}` here.",
            fixes=(Fix(f"Write it as `{spelling.family}`", _respelt(call, spelling)),),
        )
    near = nearest(name.text, families)
    return Diagnostic(
        "QVR202",
        Severity.ERROR,
        name.span,
        f"No distribution is called `{name.text}`.",
        fixes=_replaced(name.text, name.span, near),
        hint=_meant(name.text, near),
    )


def _respelt(call: Call, spelling: Spelling) -> tuple[Edit, ...]:
    """The call under our names, its arguments' keywords included."""
    edits = [Edit(call.function.span, spelling.family)]
    if spelling.arguments and not call.arguments:
        edits.append(Edit(Span(call.span.end - 1, call.span.end - 1), spelling.arguments))
    for place, argument in enumerate(call.arguments):
        if argument.keyword is not None:
            ours = parameter_elsewhere(spelling.family, argument.keyword.text)
            if ours is not None:
                edits.append(Edit(argument.keyword.span, ours))
        elif place < len(spelling.keywords) and (keyword := spelling.keywords[place]) is not None:
            edits.append(Edit(Span(argument.span.start, argument.span.start), f"{keyword}="))
    return tuple(edits)


def unknown_function(name: Name, functions: Iterable[str]) -> Diagnostic:
    """A call of something that is no function."""
    near = nearest(name.text, functions)
    return Diagnostic(
        "QVR203",
        Severity.ERROR,
        name.span,
        f"No function is called `{name.text}`.",
        fixes=_replaced(name.text, name.span, near),
        hint=_meant(name.text, near),
    )


def declared_twice(name: Name, first: Span) -> Diagnostic:
    """Spans are absolute here: the two declarations are not the same."""
    return Diagnostic(
        "QVR204",
        Severity.ERROR,
        name.span,
        f"`{name.text}` is declared twice.",
        labels=(Label(first, f"`{name.text}` is first declared here"),),
        hint="Rename one of the two.",
    )


def bound_twice(name: Name, first: Span) -> Diagnostic:
    """Two steps of one program bind the same name."""
    return Diagnostic(
        "QVR205",
        Severity.ERROR,
        name.span,
        f"`{name.text}` is bound twice in this program.",
        labels=(Label(first, f"`{name.text}` is first bound here"),),
        hint="Give the second one a name of its own.",
    )


def used_too_early(name: str, span: Span, bound: Span) -> Diagnostic:
    """A use above the step that binds the name."""
    return Diagnostic(
        "QVR206",
        Severity.ERROR,
        span,
        f"`{name}` is used before it is bound.",
        labels=(Label(bound, f"`{name}` is bound here"),),
        hint=f"Move the step that binds `{name}` above this one.",
    )


def unknown_program(name: Name, programs: Iterable[str]) -> Diagnostic:
    """An export or a composition of something that is no program."""
    near = nearest(name.text, programs)
    return Diagnostic(
        "QVR207",
        Severity.ERROR,
        name.span,
        f"No program is called `{name.text}`.",
        fixes=_replaced(name.text, name.span, near),
        hint=_meant(name.text, near),
    )


def exported_twice(name: Name, first: Span) -> Diagnostic:
    """Spans are absolute here: the two declarations are not the same."""
    return Diagnostic(
        "QVR204",
        Severity.ERROR,
        name.span,
        "A file exports one program, and this is its second `export`.",
        labels=(Label(first, "the first export"),),
        hint="Remove one of the two.",
    )


def perhaps_misspelt(name: str, span: Span, near: str, bound: Span) -> Diagnostic:
    """An input whose name is one edit away from a bound one."""
    return Diagnostic(
        "QVR208",
        Severity.WARNING,
        span,
        f"`{name}` is bound nowhere, so it is taken as an input, but it looks like `{near}`.",
        labels=(Label(bound, f"`{near}` is bound here"),),
        fixes=_replaced(name, span, near),
        hint=_told_apart(name, near) or f"If it is an input, declare it with `data {name} : …`.",
    )


def unknown_option(option: Name, known: Iterable[str], place: str) -> Diagnostic:
    """`[name]` where the place takes no such option."""
    known = sorted(known)
    near = nearest(option.text, known)
    listed = ", ".join(f"`{name}`" for name in known)
    return Diagnostic(
        "QVR209",
        Severity.ERROR,
        option.span,
        f"{place} has no option `{option.text}`.",
        fixes=_replaced(option.text, option.span, near),
        hint=_meant(option.text, near) or (f"It takes {listed}." if listed else "It takes no options."),
    )


def bad_option(option: Name, message: str, span: Span) -> Diagnostic:
    """A known option with a value that it can't have."""
    return Diagnostic("QVR209", Severity.ERROR, span, f"`{option.text}` {message}.")


def wrong_kind(span: Span, message: str, hint: str | None = None) -> Diagnostic:
    """A name of one kind where another is needed."""
    return Diagnostic("QVR210", Severity.ERROR, span, message, hint=hint)


def observed_latent(name: Name, bound: Span, why: str) -> Diagnostic:
    """`observe` of a value that is drawn, or made from one that is."""
    return Diagnostic(
        "QVR211",
        Severity.ERROR,
        name.span,
        f"`observe` scores data, but {why}.",
        labels=(Label(bound, f"`{name.text}` is bound here"),),
        hint="Observe an input, or a `let` made from inputs alone.",
    )


def label_twice(label: Name, first: Span) -> Diagnostic:
    """Two values of a `return` under one label."""
    return Diagnostic(
        "QVR205",
        Severity.ERROR,
        label.span,
        f"Two returned values are called `{label.text}`.",
        labels=(Label(first, "the first one"),),
        hint="Give each a label of its own.",
    )


def label_taken(label: Name, bound: Span | None) -> Diagnostic:
    """A label that is the name of some other value in the program."""
    return Diagnostic(
        "QVR205",
        Severity.ERROR,
        label.span,
        f"`{label.text}` is the name of another value, so it can't be the label of this one.",
        labels=() if bound is None else (Label(bound, f"`{label.text}` is bound here"),),
        hint="Give the label another name.",
    )


def parameter_taken(name: Name) -> Diagnostic:
    """A program's parameter that has the name of something the file declares."""
    return Diagnostic(
        "QVR205",
        Severity.ERROR,
        name.span,
        f"`{name.text}` is declared in this file, so it can't be a parameter's name as well.",
        labels=(Label(name.span, f"`{name.text}` is declared here", owner=name.text),),
        hint="Give the parameter another name.",
    )


def outside_its_block(name: str, span: Span, bound: Span) -> Diagnostic:
    """A name that a `marginalize` block binds, used below the block."""
    return Diagnostic(
        "QVR212",
        Severity.ERROR,
        span,
        f"`{name}` has no value here: the block that binds it is summed out.",
        labels=(Label(bound, f"`{name}` is bound here"),),
        hint="Use it inside the block, or `sample` it if its value is what you want.",
    )


def recursive(name: Name) -> Diagnostic:
    """A program whose steps, or those of a program it draws from, draw from it again."""
    return Diagnostic(
        "QVR213",
        Severity.ERROR,
        name.span,
        f"`{name.text}` is drawn from inside itself, so its steps would never end.",
        hint="Write what comes again and again as a plate, or as a `scan`.",
    )
