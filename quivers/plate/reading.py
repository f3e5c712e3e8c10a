"""Reads the plate diagram off a checked program, with the steps of the programs that it draws from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from quivers.check.draws import shape_of
from quivers.check.objects import numbered
from quivers.check.program import Checked, CheckedProgram, Input, MarginalBlock, ProgramCall
from quivers.check.returns import label_of
from quivers.check.types import AnyType, Axis, Type
from quivers.families.support import Interval, Member
from quivers.families.table import FAMILIES
from quivers.plate.diagram import Diagram, Edge, Kind, Link, Node, Plate, Within
from quivers.records import field, record, replace
from quivers.syntax import ast

Keys = tuple[str, ...]
# The names of a program with the nodes that each stands for: one, or those that an argument reads.
Names = dict[str, Keys]


def diagram(checked: Checked, program: CheckedProgram, source: bytes) -> Diagram:
    """The diagram of a program without errors; `source` is the text that was checked."""
    reader = _Reader(checked, program, source)
    names: Names = {}
    for entry in program.inputs:
        names[entry.name] = (reader.add_input(entry),)
    for parameter in program.declaration.parameters:
        if parameter.name.text in program.types:
            names[parameter.name.text] = (reader.add_parameter(parameter.name, program),)
    reader.program(program, names)
    nodes = tuple(_in_order(reader))
    plates = tuple(_plates(nodes, checked, program))
    edges = tuple(Edge(source, target, link) for (source, target), link in reader.edges.items())
    return Diagram(
        program.name,
        program.signature,
        program.declaration.documentation,
        nodes,
        edges,
        plates,
        {node.key: _around(node.axes, plates) for node in nodes},
    )


@record(frozen=False)
class _Place:
    """The program whose steps are read: its objects in the root's terms, and what its draw is called there.

    `latents` has the marginalised latents around the step in hand, each with its node for given plates.
    """

    program: CheckedProgram
    prefix: str
    objects: Mapping[str, str]
    names: Names
    calls: Mapping[ast.Span, ProgramCall]
    marginals: Mapping[ast.Span, MarginalBlock]
    latents: dict[str, dict[tuple[Axis, ...], str]] = field(default_factory=dict)
    types: dict[str, AnyType] = field(default_factory=dict)


class _Reader:
    """What has been read so far."""

    def __init__(self, checked: Checked, root: CheckedProgram, source: bytes) -> None:
        self.checked = checked
        self.root = root
        self.source = source
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str], Link] = {}
        self.sequence: dict[str, None] = {}  # the nodes of steps, in their order

    def program(
        self,
        program: CheckedProgram,
        names: Names,
        prefix: str = "",
        objects: Mapping[str, str] | None = None,
    ) -> dict[str, Keys]:
        """Read a program's steps; the nodes of each value that it returns, by label."""
        place = _Place(
            program,
            prefix,
            objects or {},
            names,
            {call.span: call for call in program.calls},
            {block.span: block for block in program.marginals},
        )
        returned: dict[str, Keys] = {}
        for step in program.declaration.steps:
            if isinstance(step, ast.Return):
                for number, value in enumerate(step.values):
                    label = label_of(value, number, len(step.values))
                    returned[label] = self._returned(value, label, len(step.values), place)
            else:
                self._step(step, place)
        return returned

    # ------------------------------------------------------------------- nodes

    def add(self, node: Node) -> str:
        """Add a node; its key, which has a number where two blocks bind one name."""
        key, number = node.key, 2
        while key in self.nodes:
            key, number = f"{node.key} {number}", number + 1
        self.nodes[key] = replace(node, key=key)
        return key

    def add_input(self, entry: Input) -> str:
        return self.add(
            Node(
                key=entry.name,
                name=entry.name,
                kind=Kind.INPUT,
                axes=entry.type.axes,
                event=(),
                discrete=_is_discrete(entry.type),
                family=None,
                text=None,
                marginalised=False,
                span=entry.uses[0],
                documentation=None,
            )
        )

    def add_parameter(self, name: ast.Name, program: CheckedProgram) -> str:
        type = program.types[name.text]
        return self._node(name.text, Kind.INPUT, _axes(type), type, name.span.shifted(program.offset))

    def _node(
        self,
        name: str,
        kind: Kind,
        axes: tuple[Axis, ...],
        type: AnyType,
        span: ast.Span,
        *,
        event: tuple[Axis, ...] = (),
        family: str | None = None,
        text: str | None = None,
        documentation: str | None = None,
        marginalised: bool = False,
    ) -> str:
        discrete = marginalised or (isinstance(type, Type) and _is_discrete(type))
        node = Node(name, name, kind, axes, event, discrete, family, text, marginalised, span, documentation)
        key = self.add(node)
        if kind is not Kind.INPUT:
            self.sequence[key] = None
        return key

    def _link(self, sources: Mapping[str, Link], target: str) -> None:
        for source, link in sources.items():
            if self.edges.get((source, target)) is not Link.VALUE:
                self.edges[source, target] = link

    # ------------------------------------------------------------------- steps

    def _step(self, step: ast.Step, place: _Place) -> None:
        match step:
            case ast.Sample():
                if isinstance(step.draw, ast.Call) and step.draw.function.text not in FAMILIES:
                    self._call(step, place)
                else:
                    self._sample(step, place)
            case ast.Observe():
                self._observe(step, place)
            case ast.Let():
                self._worked_out(step, Kind.DETERMINISTIC, place)
            case ast.Score():
                self._worked_out(step, Kind.SCORE, place)
            case ast.Marginalize():
                self._marginalize(step, place)

    def _sample(self, step: ast.Sample, place: _Place) -> None:
        type = self._type(step.name.text, place)
        axes = _axes(type)
        family = FAMILIES.get(step.draw.function.text) if isinstance(step.draw, ast.Call) else None
        places = len(axes) - (family.event_rank if family is not None else 0)
        key = self._node(
            place.prefix + step.name.text,
            Kind.LATENT,
            axes[:places],
            type,
            self._span(step.name.span, place),
            event=axes[places:],
            family=None if family is None else family.name,
            text=self._text(step.draw, place),
            documentation=step.documentation,
        )
        self._link(self._read_by(step, place), key)
        place.names[step.name.text] = (key,)

    def _observe(self, step: ast.Observe, place: _Place) -> None:
        axes = self._plate(step.plate, place)
        plates: tuple[Axis, ...] = ()
        event: tuple[Axis, ...] = ()
        family = FAMILIES.get(step.draw.function.text) if isinstance(step.draw, ast.Call) else None
        if family is not None:
            over = [option.values for option in step.options if option.name.text == "over"]
            named = [value.name for values in over for value in values if isinstance(value, ast.Variable)]
            chosen = tuple(Axis(place.objects.get(name, name)) for name in named) if family.event_rank else ()
            shape = shape_of(family, axes, chosen)
            plates, event = (axes, ()) if shape is None else (shape.plates, shape.events)
        inside: Names = {name: (keys[plates],) for name, keys in place.latents.items() if plates in keys}
        reads = self._read_by(step, place, inside)
        found = place.names.get(step.name.text, ())
        for key in found:
            self.sequence[key] = None
            self.nodes[key] = replace(
                self.nodes[key],
                kind=Kind.OBSERVED,
                axes=plates,
                event=event,
                discrete=self.nodes[key].discrete or (family is not None and family.discrete),
                family=None if family is None else family.name,
                text=self._text(step.draw, place),
                span=self._span(step.name.span, place),
                documentation=step.documentation or self.nodes[key].documentation,
            )
            self._link(reads, key)

    def _worked_out(self, step: ast.Let | ast.Score, kind: Kind, place: _Place) -> None:
        type = self._type(step.name.text, place)
        reads = self._read_by(step, place)
        axes = _axes(type)
        for name, keys in place.latents.items():  # within a block a value stands once for each latent
            if len(keys) == 1 and not set(place.names[name]).isdisjoint(reads):
                axes = (*(axis for plates in keys for axis in plates if axis not in axes), *axes)
        key = self._node(
            place.prefix + step.name.text,
            kind,
            axes,
            type,
            self._span(step.name.span, place),
            text=self._text(step.value, place),
            documentation=step.documentation,
        )
        self._link(reads, key)
        if any(isinstance(node, ast.Scan) for node in ast.walk(step.value)):
            self._link({key: Link.EARLIER}, key)
        if kind is not Kind.SCORE:
            place.names[step.name.text] = (key,)

    def _marginalize(self, step: ast.Marginalize, place: _Place) -> None:
        name = step.name.text
        block = place.marginals.get(step.name.span)
        if block is None:  # its header could not be read
            found: dict[tuple[Axis, ...], None] = {(): None}
        elif block.over is not None:
            found = {self._here(block.over, place): None}
        else:
            found = {self._here(entry.plates, place): None for entry in block.observes} or {(): None}
        keys: dict[tuple[Axis, ...], str] = {}
        for plates in found:
            keys[plates] = self._node(
                place.prefix + name,
                Kind.LATENT,
                plates,
                Type(),
                self._span(step.name.span, place),
                family=step.draw.function.text if isinstance(step.draw, ast.Call) else None,
                text=self._text(step.draw, place),
                documentation=step.documentation,
                marginalised=True,
            )
            self._link(self._read_by(replace(step, body=()), place), keys[plates])
        before = dict(place.names), dict(place.latents), dict(place.types)
        place.names[name] = tuple(keys.values())
        place.latents[name] = keys
        if block is not None:
            place.types.update(block.types)
        for under in step.body:
            self._step(under, place)
        names, place.latents, place.types = before
        place.names.clear()
        place.names.update(names)

    def _call(self, step: ast.Sample, place: _Place) -> None:
        call = place.calls.get(step.name.span)
        called = None if call is None else self.checked.programs.get(call.program)
        if call is None or called is None:
            return
        draw = place.prefix + call.draw
        names = {own: place.names.get(given, ()) for own, given in call.inputs.items()}
        names |= {own: tuple(self._read(value, place.names)) for own, value in call.arguments.items()}
        objects = {own: place.objects.get(given, given) for own, given in call.objects.items()}
        returned = self.program(called, names, f"{draw}.", objects)
        for label, keys in returned.items():
            place.names[call.draw if len(returned) == 1 else f"{call.draw}.{label}"] = keys

    def _returned(self, value: ast.Returned, label: str, count: int, place: _Place) -> Keys:
        """What a caller gets: the node of a name, or a node of its own for what is worked out."""
        if isinstance(value.value, ast.Variable):
            return place.names.get(value.value.name, ())
        if not place.prefix:
            return ()
        draw = place.prefix.removesuffix(".")
        name = draw if count == 1 else f"{draw}.{label}"
        type = self.root.types.get(name, Type())
        span = self._span(value.span, place)
        text = self._text(value.value, place)
        key = self._node(name, Kind.DETERMINISTIC, _axes(type), type, span, text=text)
        self._link(self._read(value.value, place.names), key)
        return (key,)

    # ------------------------------------------------------- what is read, and where

    def _read_by(self, step: ast.Step, place: _Place, inside: Names | None = None) -> dict[str, Link]:
        """The nodes that a step's draw or value and its options read."""
        names = {**place.names, **inside} if inside else place.names
        parts: list[ast.Expression] = []
        match step:
            case ast.Sample() | ast.Observe() | ast.Marginalize():
                parts = [step.draw]
                parts += [
                    value for option in step.options if option.name.text != "over" for value in option.values
                ]
            case ast.Let() | ast.Score():
                parts = [step.value]
        found: dict[str, Link] = {}
        for part in parts:
            for key, link in self._read(part, names).items():
                if found.get(key) is not Link.VALUE:
                    found[key] = link
        return found

    def _read(self, expression: ast.Expression, names: Names) -> dict[str, Link]:
        found: dict[str, Link] = {}
        for name, link in _names_read(expression, frozenset(), Link.VALUE):
            for key in names.get(name, ()):
                if found.get(key) is not Link.VALUE:
                    found[key] = link
        return found

    def _type(self, name: str, place: _Place) -> AnyType:
        if name in place.types:
            type = place.types[name]
            if isinstance(type, Type):
                return Type(self._here(type.axes, place), type.element)
            return type
        return self.root.types.get(place.prefix + name, Type())

    def _here(self, axes: Sequence[Axis], place: _Place) -> tuple[Axis, ...]:
        """Axes with the root's objects in the place of a called program's parameters."""
        return tuple(Axis(place.objects.get(axis.object, axis.object), axis.copy) for axis in axes)

    def _plate(self, names: Sequence[ast.Name], place: _Place) -> tuple[Axis, ...]:
        found = [place.objects.get(name.text, name.text) for name in names]
        return numbered(tuple(factor for name in found for factor in self._factors(name)))

    def _factors(self, name: str) -> Iterator[str]:
        known = self.checked.objects.get(name)
        if known is None or not known.factors:
            yield name
        else:
            for factor in known.factors:
                yield from self._factors(factor)

    def _span(self, span: ast.Span, place: _Place) -> ast.Span:
        return span.shifted(place.program.offset)

    def _text(self, node: ast.Expression, place: _Place) -> str:
        """What is written, in one line."""
        span = self._span(node.span, place)
        lines = self.source[span.start : span.end].decode(errors="replace").splitlines()
        return " ".join(" ".join([line.split("#")[0] for line in lines]).split())


def _names_read(node: object, bound: frozenset[str], link: Link) -> Iterator[tuple[str, Link]]:
    """The names that an expression reads, without those that it binds; a `lag` reads an earlier place."""
    match node:
        case ast.Variable(name=name):
            if name not in bound:
                yield name, link
        case ast.Call():
            for number, argument in enumerate(node.arguments):
                if argument.keyword is not None and argument.keyword.text == "over":
                    continue
                lagged = node.function.text == "lag" and number == 0
                yield from _names_read(argument.value, bound, Link.EARLIER if lagged else link)
        case ast.Factor():
            inner = bound | {binder.name.text for binder in node.binders}
            yield from _names_read(node.body, inner, link)
        case ast.Scan():
            yield from _names_read(node.initial, bound, link)
            yield from _names_read(node.body, bound | {node.binder.name.text, node.state.text}, link)
        case _:
            for child in ast.children(node):
                if not isinstance(child, ast.Name):
                    yield from _names_read(child, bound, link)


def _axes(type: AnyType) -> tuple[Axis, ...]:
    return type.axes if isinstance(type, Type) else ()


def _is_discrete(type: Type) -> bool:
    return isinstance(type.element, Member) or (isinstance(type.element, Interval) and type.element.integer)


def _in_order(reader: _Reader) -> Iterator[Node]:
    """The nodes in the order of the steps, each input before the first step that reads it."""
    inputs = {key: node for key, node in reader.nodes.items() if node.kind is Kind.INPUT}
    read: dict[str, list[str]] = {}
    for source, target in reader.edges:
        if source in inputs:
            read.setdefault(target, []).append(source)
    given: set[str] = set()
    for key in reader.sequence:
        for source in read.get(key, ()):
            if source not in given:
                given.add(source)
                yield inputs[source]
        yield reader.nodes[key]
    yield from (node for key, node in inputs.items() if key not in given)


# ---------------------------------------------------------------------- plates


def _plates(nodes: Sequence[Node], checked: Checked, program: CheckedProgram) -> Iterator[Plate]:
    axes: dict[Axis, None] = {}
    for node in nodes:
        axes.update(dict.fromkeys(node.axes))
    maps: dict[tuple[Axis, Axis], list[str]] = {}
    for entry in program.inputs:
        element = entry.type.element
        if isinstance(element, Member) and len(entry.type.axes) == 1:
            target = Axis(element.object)
            if target in axes and target.object != entry.type.axes[0].object:
                maps.setdefault((entry.type.axes[0], target), []).append(entry.name)
    # Two maps into one object, such as a game's home and away team, put nothing within one element.
    single = {ends: names[0] for ends, names in maps.items() if len(names) == 1}
    for axis in axes:
        known = checked.objects.get(axis.object)
        within = tuple(Within(target, name) for (source, target), name in single.items() if source == axis)
        yield Plate(axis, None if known is None else known.size, within)


def _around(axes: tuple[Axis, ...], plates: Sequence[Plate]) -> tuple[Axis, ...]:
    """The plates of a node: its axes, and what they lie within, and so on."""
    within = {plate.axis: plate.within for plate in plates}
    found = dict.fromkeys(axes)
    waiting = list(axes)
    while waiting:
        for outer in within.get(waiting.pop(), ()):
            if outer.axis not in found:
                found[outer.axis] = None
                waiting.append(outer.axis)
    return tuple(found)
