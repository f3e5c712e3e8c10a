"""Words of the language that fit a place: of steps, declarations, options, effects, spaces, expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from quivers.check.objects import MATRICES, SCALARS, SETS, VECTORS
from quivers.check.program import Effect
from quivers.families.table import FAMILIES
from quivers.ide.completion_items import Entry, Kind
from quivers.ide.completion_scope import Scene
from quivers.ide.expected import Around, Place
from quivers.ide.vocabulary import DECLARATIONS, EFFECTS, IN_EXPRESSIONS, OPTIONS, SPACES, STEPS
from quivers.syntax import ast
from quivers.syntax.reading import EXPRESSION_KEYWORDS

# ------------------------------------------------------------------------------------ steps and declarations


def step_words(scene: Scene, group: int) -> list[Entry]:
    """The words that a step can begin with here, and whole steps with places to fill in."""
    place = scene.place
    words = list(STEPS)
    if place.block == "marginalize":
        words = ["observe", "let", "marginalize"]
    elif _returns(scene):
        words.remove("return")
    entries = _keywords(words, STEPS, group)
    plates = [each.name for each in scene.objects() if each.kind is Kind.OBJECT]
    plate, other = (*plates, "K", "K")[:2] if len(plates) != 1 else (plates[0], plates[0])
    for number, (label, word, body) in enumerate(_STEPS):
        if word in words:
            text = body.replace("PLATE", plate).replace("OTHER", other)
            entries.append(_snippet(label, word, text, (group + 1, number)))
    return entries


def _returns(scene: Scene) -> bool:
    return any(isinstance(step, ast.Return) and not scene.is_here(step) for step in scene.steps())


_STEPS = (
    ("sample … <- …", "sample", "sample ${1:name} <- ${2:Normal(0.0, 1.0)}$0"),
    ("sample … : plate <- …", "sample", "sample ${1:name} : ${2:PLATE} <- ${3:Normal(0.0, 1.0)}$0"),
    (
        "sample … non-centred",
        "sample",
        "sample ${1:z} : ${2:PLATE} <- Normal(0.0, 1.0)\nlet ${3:theta} = ${4:mu} + ${5:tau} * ${1:z}$0",
    ),
    (
        "observe … : plate <- …",
        "observe",
        "observe ${1:y} : ${2:PLATE} <- ${3:Normal(${4:mu}, ${5:sigma})}$0",
    ),
    ("let … = …", "let", "let ${1:name} = $0"),
    ("let … = factor … in …", "let", "let ${1:name} = factor ${2:i} : ${3:PLATE} in $0"),
    (
        "let … = scan … in …",
        "let",
        "let ${1:name} = scan ${2:t} : ${3:PLATE}, ${4:s} = ${5:0.0} in $0",
    ),
    (
        "marginalize … block",
        "marginalize",
        "marginalize ${1:z} : ${2:OTHER} <- ${3:Categorical(${4:probs})}\n"
        "    observe ${5:y} : ${6:PLATE} <- ${7:Normal(${8:mu}[${1:z}], ${9:sigma})}$0",
    ),
    ("score … = …", "score", "score ${1:name} = $0"),
    ("return …", "return", "return $0"),
)

_DECLARATIONS = (
    ("object … : FinSet …", "object", "object ${1:Name} : FinSet ${2:8}$0"),
    ("object … : FinSet (size from the data)", "object", "object ${1:Name} : FinSet$0"),
    ("data … : … * Real", "data", "data ${1:name} : ${2:Item} * Real$0"),
    ("data … : … -> …", "data", "data ${1:index} : ${2:Item} -> ${3:Group}$0"),
    (
        "program … : … -> …",
        "program",
        "program ${1:name} : ${2:Item} -> ${2:Item}\n    sample ${3:mu} <- $4\n    return ${3:mu}$0",
    ),
    ("define … = … >> …", "define", "define ${1:name} = ${2:first} >> ${3:second}$0"),
    ("export …", "export", "export ${0:name}"),
)


def declaration_words(group: int) -> list[Entry]:
    """The words that a declaration can begin with, and whole declarations with places to fill in."""
    entries = _keywords(DECLARATIONS, DECLARATIONS, group)
    return entries + [
        _snippet(label, word, body, (group + 1, number))
        for number, (label, word, body) in enumerate(_DECLARATIONS)
    ]


def _keywords(words: Iterable[str], meanings: Mapping[str, str], group: int) -> list[Entry]:
    return [
        Entry(word, Kind.KEYWORD, (group, number), word, detail=meanings[word].partition(".")[0])
        for number, word in enumerate(words)
    ]


def _snippet(label: str, word: str, body: str, rank: tuple[int, int]) -> Entry:
    return Entry(label, Kind.SNIPPET, rank, "", body, filter=word)


# -------------------------------------------------------------------------------------------- expressions


def expression_words(place: Place, source: bytes, group: int) -> list[Entry]:
    """The words such as `if`, `then` and `in` that the grammar takes here; it must be loaded."""
    from quivers.syntax.reference import first_stop

    text = source[place.statement : place.word.start].decode(errors="replace")
    # A sign that is none of the language's stops the reading just here.
    stop = first_stop(f"{text} $", "step")
    if stop is None or stop.start < len(text):
        return []
    words = [word for word in EXPRESSION_KEYWORDS if word.upper() in stop.expected]
    return _keywords(words, IN_EXPRESSIONS, group)


# ------------------------------------------------------------------------------------- options and effects


def option_words(scene: Scene) -> list[Entry]:
    """The names of the options that the step, the header or the space in hand takes and was not given."""
    place = scene.place
    bracket = place.brackets[-1]
    given = {keyword for keyword in bracket.keywords if keyword is not None}
    given.update(said[0].text for said in bracket.arguments if len(said) == 1)
    names = [name for name in _options(scene) if name not in given]
    return [
        Entry(
            name,
            Kind.OPTION,
            (0, number),
            name if name == "ordered" else f"{name}=",
            "effects=[$1]$0" if name == "effects" else None,
            OPTIONS[name].partition(".")[0],
        )
        for number, name in enumerate(names)
    ]


def _options(scene: Scene) -> tuple[str, ...]:
    place = scene.place
    if place.keyword == "program" and place.brackets[0].around is Around.OPTIONS:
        return ("effects",)
    if not place.draws:
        return ("low", "high") if place.brackets[-1].called in SCALARS or _bounds(place) else ()
    call = next((name for name, then in pairwise(place.tokens) if then.text == "("), None)
    family = FAMILIES.get(call.text) if call is not None else None
    if family is None:
        return ()
    over = ("over",) if family.event_rank or place.keyword == "marginalize" else ()
    bounds = () if family.event_rank else ("low", "high")
    if place.keyword == "observe":
        return (*(("via",) if place.block == "marginalize" else ()), "where", *over, *bounds)
    if place.keyword == "marginalize":
        return (*over, *bounds)
    ordered = ("ordered",) if place.plate and not family.event_rank and not family.discrete else ()
    return (*over, *ordered, *bounds)


def _bounds(place: Place) -> bool:
    """Whether the bracket follows a space of numbers, its size aside, as in `Real 3 [low=0]`."""
    before = [token for token in place.tokens if token.span.end <= place.brackets[-1].span.start]
    while before and before[-1].kind == "number":
        before.pop()
    return bool(before) and before[-1].text in SCALARS


def effect_words(scene: Scene) -> list[Entry]:
    """The effects for `effects=`: what the steps have, all at once, or one by one inside a list."""
    bracket = scene.place.brackets[-1]
    inferred = frozenset[Effect]() if scene.program is None else scene.program.effects
    names = [effect.value for effect in Effect if effect in inferred] or ["Pure"]
    if bracket.around is not Around.LIST:
        if bracket.tokens:
            return []
        text = f"[{', '.join(names)}]"
        return [Entry(text, Kind.EFFECT, (0, 0), text, detail="the effects of the steps")]
    given = {token.text for said in bracket.arguments for token in said}
    rest = [name for name in EFFECTS if name not in given and not (name == "Pure" and given)]
    return [
        Entry(name, Kind.EFFECT, (name not in names, number), name, detail=EFFECTS[name], commits=",]")
        for number, name in enumerate(rest)
    ]


# ------------------------------------------------------------------------------------------------ spaces


def space_words(scene: Scene) -> list[Entry]:
    """Declared objects and the spaces that can be built, those first that the declaration needs."""
    place = scene.place
    is_target = any(token.text == "->" for token in place.tokens)
    in_product = bool(place.said) and place.said[-1].text == "*"
    if place.keyword == "object":
        # A set's or a space's own size is named by the object that it is declared as.
        built = [*SETS, *SCALARS, *VECTORS, *MATRICES] if not in_product else [*SCALARS, *VECTORS, *MATRICES]
    elif place.brackets:
        built = [*SCALARS, *SETS, *VECTORS, *MATRICES]
    elif place.keyword == "data" and is_target:
        built = [*SCALARS]
    else:
        built = [*SCALARS, *VECTORS, *MATRICES]
    built_first = place.keyword == "object" or bool(place.brackets) or in_product
    group = 0 if built_first and not (in_product and place.keyword == "object") else 2
    spaces = [
        Entry(
            name,
            Kind.SPACE,
            (group, number),
            name,
            f"{name} ${{1:K}}" if name in VECTORS or name in MATRICES else None,
            SPACES[name].partition(".")[0],
        )
        for number, name in enumerate(built)
    ]
    return [*spaces, *_known(scene, 1)]


def _known(scene: Scene, group: int) -> list[Entry]:
    return [
        Entry(each.name, each.kind, (group, each.order), each.name, detail=each.word)
        for each in scene.objects()
    ]


def object_words(scene: Scene, group: int = 0, first: Sequence[str] = ()) -> list[Entry]:
    """The finite sets, those in `first` before the others."""
    ranked = {name: number for number, name in enumerate(first)}
    return [
        Entry(
            each.name,
            each.kind,
            (group, ranked.get(each.name, len(ranked) + each.order)),
            each.name,
            detail=each.word,
        )
        for each in scene.objects()
        if each.kind is Kind.OBJECT
    ]
