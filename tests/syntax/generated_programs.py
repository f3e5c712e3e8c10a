"""Strategies that draw QVR programs as text, and changes to them, for the property tests of the syntax."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = st.sampled_from(["mu", "tau", "y", "x_1", "θ", "alpha_θ", "School", "Item", "K", "σ₁"])
NUMBERS = st.sampled_from(["0", "1", "8", "2.5", "1e-3", ".5", "3.", "10E2"])
TIMES = st.sampled_from([" * ", " ⊗ ", "*"])
ARROWS = st.sampled_from([" -> ", " → ", "->"])
ASSIGNS = st.sampled_from([" <- ", " ← ", "<-"])
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def _listed(elements: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[str]:
    separator = st.sampled_from([", ", ",", ",\n  ", " ,\n\n", ", # why\n      "])
    return st.builds(
        lambda items, between, last: between.join(items) + (last if items else ""),
        st.lists(elements, min_size=least, max_size=3),
        separator,
        st.sampled_from(["", "", ","]),
    )


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    comparison = st.sampled_from(["==", "!=", "≠", "< ", "<=", "≤", ">", ">=", "≥"])
    arithmetic = st.sampled_from(["+", "-", "*", "/", "@", "^"])
    brackets = inner.map(lambda e: f"({e})")
    simple = NAMES | NUMBERS | brackets
    argument = inner | st.builds("{}={}".format, NAMES, inner)
    return st.one_of(
        st.builds("{} {} {}".format, simple, arithmetic, simple),
        st.builds("{}{}{}".format, simple, arithmetic, simple),
        st.builds("{}^{}^{}".format, simple, simple, simple),
        st.builds("-{} * +{}".format, simple, simple),
        st.builds("{} {}{}".format, simple, comparison, simple),
        st.builds("not {} {} {}".format, simple, st.sampled_from(["and", "or"]), simple),
        st.builds("if {} then {} else {}".format, inner, inner, inner),
        st.builds("factor {} : {}, j : Item in {}".format, NAMES, NAMES, inner),
        st.builds("scan t : {}, s = {} in {}".format, NAMES, inner, inner),
        st.builds("{}({})".format, NAMES, _listed(argument, 0)),
        st.builds("{}[{}]".format, simple, _listed(inner)),
        st.builds("({}, {})".format, inner, inner),
        brackets,
    )


EXPRESSIONS = st.recursive(NAMES | NUMBERS, _compound, max_leaves=8)

OPTIONS = st.one_of(
    st.just(""),
    _listed(
        st.one_of(
            NAMES,
            st.builds("{}={}".format, NAMES, EXPRESSIONS),
            st.builds("{}=[{}]".format, NAMES, _listed(EXPRESSIONS, 0)),
        )
    ).map(" [{}]".format),
)
CALLS = st.builds("{}({})".format, NAMES, _listed(EXPRESSIONS, 0))
PLATES = st.one_of(
    st.just(""), st.builds(" : {}".format, NAMES), st.builds(" : {}{}{}".format, NAMES, TIMES, NAMES)
)
DRAWS = st.builds("{}{}{}{}{}".format, NAMES, PLATES, ASSIGNS, CALLS, OPTIONS)
SIMPLE_STEPS = st.one_of(
    DRAWS,
    DRAWS.map("sample {}".format),
    DRAWS.map("observe {}".format),
    st.builds("let {} = {}".format, NAMES, EXPRESSIONS),
    st.builds("score {}={}".format, NAMES, EXPRESSIONS),
    EXPRESSIONS.map("return {}".format),
    st.builds("return ({}: {}, {} : {})".format, NAMES, EXPRESSIONS, NAMES, EXPRESSIONS),
)
_INTERLUDES = st.sampled_from(["", "", "", "\n", "# a comment\n", "        ## documentation\n", "   \n\n"])
_TRAILING = st.sampled_from(["", "", "", "   ", "  # a comment"])


@st.composite
def blocks(draw: st.DrawFn, indentation: str, depth: int = 0) -> str:
    """Some steps, each on lines of its own."""
    text = ""
    for _ in range(draw(st.integers(1, 3))):
        text += draw(_INTERLUDES)
        if depth < 2 and draw(st.integers(0, 4)) == 0:
            text += f"{indentation}marginalize {draw(DRAWS)}{draw(_TRAILING)}\n"
            text += draw(blocks(indentation + draw(st.sampled_from(["  ", "    "])), depth + 1))
        else:
            text += f"{indentation}{draw(SIMPLE_STEPS)}{draw(_TRAILING)}\n"
    return text


_FACTORS = st.builds(
    "{}{}{}".format,
    NAMES,
    st.one_of(st.just(""), NUMBERS.map(" {}".format), NAMES.map(" {}".format)),
    OPTIONS,
)
SPACES = st.one_of(
    _FACTORS,
    st.builds("{}{}{}".format, _FACTORS, TIMES, _FACTORS),
    st.builds("({}){}{}".format, _FACTORS, TIMES, _FACTORS),
)
_CODOMAINS = st.one_of(NAMES, st.builds("{}{}{} 2".format, NAMES, TIMES, NAMES))
_PARAMETERS = st.one_of(
    st.just(""), _listed(st.builds("{} : {}".format, NAMES, SPACES), 0).map("({})".format)
)
_COMPOSITIONS = st.one_of(
    NAMES, st.builds("{} >> {} * {}".format, NAMES, NAMES, NAMES), st.builds("({}) >>{}".format, NAMES, NAMES)
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A whole file that the language allows."""
    text = ""
    for _ in range(draw(st.integers(0, 4))):
        text += draw(
            st.sampled_from(["", "", "# a comment\n", "    # another\n", "\n", "## documentation\n"])
        )
        kind = draw(st.sampled_from(["object", "data", "map", "program", "program", "define", "export"]))
        name, end = draw(NAMES), draw(_TRAILING) + "\n"
        if kind == "object":
            text += f"object {name} : {draw(SPACES)}{end}"
        elif kind == "data":
            text += f"data {name}:{draw(SPACES)}{end}"
        elif kind == "map":
            text += f"data {name} : {draw(SPACES)}{draw(ARROWS)}{draw(SPACES)}{end}"
        elif kind == "program":
            header = f"{draw(SPACES)}{draw(ARROWS)}{draw(_CODOMAINS)}{draw(OPTIONS)}"
            text += f"program {name}{draw(_PARAMETERS)} : {header}{end}"
            text += draw(blocks(draw(st.sampled_from(["  ", "    "]))))
        elif kind == "define":
            text += f"define {name} = {draw(_COMPOSITIONS)}{end}"
        else:
            text += f"export {name}{end}"
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return text.replace("\n", draw(LINE_ENDS))


_PIECES = (
    "(|)|[|]|,|:|=|<-|->|<|-|*|^|+|not |in|let |sample |x|1| |\n|\n    |\n  |#|##|\t|object |program |~|$|"
    "θ|⊗|≥|\nexport p\n|return |factor |if |marginalize |observe |\r|\u2028|\f|2.|\ufeff"
)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A program with one to three pieces of it cut out, put in or written twice."""
    text = draw(programs())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        end = min(at + draw(st.integers(0, 6)), len(text))
        change = draw(st.sampled_from(["cut", "insert", "insert", "repeat"]))
        if change == "cut":
            text = text[:at] + text[end:]
        elif change == "insert":
            text = text[:at] + draw(st.sampled_from(_PIECES.split("|"))) + text[at:]
        else:
            text = text[:end] + text[at:]
    return text
