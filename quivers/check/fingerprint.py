"""The key of a program: equal for two texts that say the same model, whatever its names and comments.

Bound names (of latents, lets, scores, binders, states, parameters, objects and programs) count by their order
alone. What the data know by name, the inputs, is kept as it is spelt. So a result stays with its program
through formatting, comments and renames, and leaves it at a real edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quivers.check.program import Checked, CheckedProgram
from quivers.families.functions import FUNCTIONS
from quivers.families.table import FAMILIES
from quivers.records import field, record
from quivers.syntax import ast

# Options that are checked and change no density.
_WITHOUT_MEANING = frozenset({"effects"})


@record
class Fingerprint:
    """`key` is the same for programs that say the same.

    `names` are the names that the program's steps bind, those of programs it draws from as `theta.z`, and
    `objects` the declared ones, each in an order that goes by the text: equal keys have as many of both,
    and the names at one place stand for one thing.
    """

    key: str
    names: tuple[str, ...]
    objects: tuple[str, ...]

    def renamed(self, now: Fingerprint) -> Mapping[str, str]:
        """What each name and object is called in `now`, a program of the same key."""
        found: dict[str, str] = {}
        for old, new in (
            *zip(self.names, now.names, strict=True),
            *zip(self.objects, now.objects, strict=True),
        ):
            found.setdefault(old, new)
        return found


@record
class _Free:
    """A name that a declaration does not bind. `of` is the program whose parameter or label it is."""

    kind: str
    text: str
    of: str = ""


@record(frozen=False)
class _Form:
    """A declaration in canonical form. `@3` in `text` stands for `free[3]`.

    `bound` has the names bound by steps, each with the program that it is drawn from, if any.
    """

    text: str = ""
    free: list[_Free] = field(default_factory=list)
    bound: list[tuple[str, str | None]] = field(default_factory=list)


Memo = dict[int, tuple[object, _Form]]


def fingerprint(checked: Checked, program: CheckedProgram, memo: Memo | None = None) -> Fingerprint:
    """The key of a program of a checked file; one with errors has a key as well.

    `memo` keeps the forms of declarations between calls for one document: one that has not been edited
    is not gone through again.
    """
    import hashlib

    assembly = _Assembly(checked, {} if memo is None else memo)
    assembly.add(program.name, program.declaration)
    inputs = sorted({f"{entry.name}:{entry.observed}" for entry in program.inputs})
    text = "\n".join([*assembly.parts, " ".join(inputs)])
    if memo is not None:
        used = {id(declaration): (declaration, form) for declaration, form in assembly.used}
        memo.clear()
        memo.update(used)
    return Fingerprint(
        hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32],
        tuple(assembly.names(program.name, frozenset())),
        tuple(name for name in assembly.numbers if name in assembly.objects),
    )


# -------------------------------------------------------------------- the whole of a program


class _Assembly:
    """The declarations that a program reaches, numbered in the order in which they are met."""

    def __init__(self, checked: Checked, memo: Memo) -> None:
        self._checked = checked
        self._memo = memo
        self._declarations: dict[str, ast.Declaration] = {}
        self.objects: set[str] = set()
        for placed in checked.module.declarations:
            declaration = placed.declaration
            if isinstance(declaration, ast.Hole | ast.ExportDeclaration):
                continue
            name = declaration.name.text
            first = self._declarations.setdefault(name, declaration) is declaration
            if first and isinstance(declaration, ast.ObjectDeclaration):
                self.objects.add(name)
        self.parts: list[str] = []
        self.numbers: dict[str, int] = {}
        self.used: list[tuple[object, _Form]] = []
        self._forms: dict[str, _Form] = {}
        self._programs: dict[str, ast.ProgramDeclaration] = {}

    def add(self, name: str, declaration: ast.Declaration) -> None:
        """Put in a declaration and, after it, those that it uses, without recursion."""
        waiting = [(name, declaration)]
        self.numbers[name] = 0
        while waiting:
            name, declaration = waiting.pop()
            if isinstance(declaration, ast.DefineDeclaration):
                composed = self._checked.programs.get(name)
                if composed is not None:
                    declaration = composed.declaration
            if isinstance(declaration, ast.ProgramDeclaration):
                self._programs[name] = declaration
            form = self._form(declaration)
            self._forms[name] = form
            found: list[tuple[str, ast.Declaration]] = []
            told = [self._resolved(free, found) for free in form.free]
            self.parts.append(f"{self.numbers[name]} {form.text} {' '.join(told)}")
            waiting += reversed(found)

    def _form(self, declaration: ast.Declaration) -> _Form:
        kept = self._memo.get(id(declaration))
        form = kept[1] if kept is not None else _Writer().declaration(declaration)
        self.used.append((declaration, form))
        return form

    def _resolved(self, free: _Free, found: list[tuple[str, ast.Declaration]]) -> str:
        """What a free name stands for; a declaration that is met the first time is put into `found`."""
        text = free.text
        if free.kind in ("keyword", "label"):
            return self._of_program(free)
        if free.kind == "call" and (text in FAMILIES or text in FUNCTIONS):
            return f"={text}"
        declaration = self._declarations.get(text)
        if declaration is None:
            return f"={text}"
        if text not in self.numbers:
            self.numbers[text] = len(self.numbers)
            found.append((text, declaration))
        return f"#{self.numbers[text]}"

    def _of_program(self, free: _Free) -> str:
        """A keyword as the place of the parameter, a label as that of the returned value."""
        program = self._checked.programs.get(free.of)
        if program is None or free.of in FAMILIES or free.of in FUNCTIONS:
            return f"={free.text}"
        names: Iterable[str] = (parameter.name for parameter in program.parameters)
        if free.kind == "label":
            names = _labels(program.declaration)
        for place, name in enumerate(names):
            if name == free.text:
                return f"{free.kind}{place}"
        return f"={free.text}"

    def names(self, name: str, around: frozenset[str]) -> list[str]:
        """The names that a program binds, with those of the programs that it draws from after each draw's."""
        listed: list[str] = []
        form = self._forms.get(name)
        for own, drawn_from in () if form is None or name in around else form.bound:
            listed.append(own)
            if drawn_from is not None and drawn_from in self._programs:
                listed += [f"{own}.{inner}" for inner in self.names(drawn_from, around | {name})]
        return listed


def _labels(declaration: ast.ProgramDeclaration) -> list[str]:
    """The labels of what a program returns; a name returned without one is its own."""
    labels: list[str] = []
    for step in declaration.steps:
        if isinstance(step, ast.Return):
            for returned in step.values:
                value = returned.value
                own = value.name if isinstance(value, ast.Variable) else ""
                labels.append(own if returned.label is None else returned.label.text)
    return labels


# -------------------------------------------------------------------- one declaration


class _Writer:
    """Writes one declaration's form. `_local` says what each bound name is called: `$0`, `$1`, …"""

    def __init__(self) -> None:
        self._form = _Form()
        self._places: dict[_Free, int] = {}
        self._local: dict[str, str] = {}
        self._parameters: frozenset[str] = frozenset()
        self._drawn: dict[str, str] = {}
        self._count = 0

    def declaration(self, declaration: ast.Declaration) -> _Form:
        match declaration:
            case ast.ObjectDeclaration(space=space):
                text = f"(object {self._space(space)})"
            case ast.DataDeclaration(name=name, space=space):
                text = f"(data ={name.text} {self._space(space)})"
            case ast.ProgramDeclaration():
                text = self._program(declaration)
            case _:
                text = "?"
        self._form.text = text
        return self._form

    def _program(self, declaration: ast.ProgramDeclaration) -> str:
        parameters = []
        for parameter in declaration.parameters:
            parameters.append(self._space(parameter.space))
            self._bind(parameter.name.text)
        self._parameters = frozenset(self._local)
        spaces = f"{self._space(declaration.domain)} {self._space(declaration.codomain)}"
        steps = self._steps(declaration.steps)
        return f"(program ({' '.join(parameters)}) {spaces} {self._options(declaration.options)} {steps})"

    # ---------------------------------------------------------------- names

    def _bind(self, name: str) -> str:
        self._local[name] = f"${self._count}"
        self._count += 1
        return self._local[name]

    def _bind_step(self, name: str, drawn_from: str | None = None) -> str:
        self._form.bound.append((name, drawn_from))
        if drawn_from is not None:
            self._drawn[name] = drawn_from
        return self._bind(name)

    def _free(self, kind: str, text: str, of: str = "") -> str:
        free = _Free(kind, text, of)
        place = self._places.setdefault(free, len(self._places))
        if place == len(self._form.free):
            self._form.free.append(free)
        return f"@{place}"

    def _value_name(self, name: str) -> str:
        if name in self._local:
            return self._local[name]
        draw, dot, label = name.rpartition(".")
        if dot and draw in self._local and draw in self._drawn:
            return f"(of {self._local[draw]} {self._free('label', label, self._drawn[draw])})"
        return self._free("value", name)

    def _object_name(self, name: str) -> str:
        return self._local[name] if name in self._parameters else self._free("object", name)

    # ---------------------------------------------------------------- steps

    def _steps(self, steps: Iterable[ast.Step]) -> str:
        return " ".join([self._step(step) for step in steps])

    def _step(self, step: ast.Step) -> str:
        match step:
            case ast.Sample(name=name):
                drawn = self._drawing(step)
                return f"(sample {self._bind_step(name.text, self._program_of(step.draw))} {drawn})"
            case ast.Observe(name=name):
                return f"(observe {self._value_name(name.text)} {self._drawing(step)})"
            case ast.Let(name=name, value=value):
                made = self._expression(value)
                return f"(let {self._bind_step(name.text)} {made})"
            case ast.Score(name=name, value=value):
                made = self._expression(value)
                return f"(score {self._bind_step(name.text)} {made})"
            case ast.Marginalize(name=name, body=body):
                drawn = self._drawing(step)
                before = dict(self._local)
                block = f"(marginalize {self._bind_step(name.text)} {drawn} {self._steps(body)})"
                self._local = before
                return block
            case ast.Return(values=values):
                return f"(return {' '.join([self._expression(returned.value) for returned in values])})"
            case _:
                return "?"

    def _drawing(self, step: ast.Sample | ast.Observe | ast.Marginalize) -> str:
        plate = " ".join([self._object_name(name.text) for name in step.plate])
        return f"({plate}) {self._expression(step.draw)} {self._options(step.options)}"

    def _program_of(self, draw: ast.Call | ast.Hole) -> str | None:
        if isinstance(draw, ast.Hole) or draw.function.text in FAMILIES:
            return None
        return draw.function.text

    def _options(self, options: Iterable[ast.Option]) -> str:
        told = []
        for option in sorted(options, key=lambda option: option.name.text):
            if option.name.text not in _WITHOUT_MEANING:
                values = " ".join([self._expression(value) for value in option.values])
                told.append(f"{option.name.text}=({values})")
        return f"[{' '.join(told)}]"

    # ---------------------------------------------------------------- spaces

    def _space(self, space: ast.Space) -> str:
        match space:
            case ast.SpaceName(name=name, arguments=arguments, options=options):
                given = " ".join([self._expression(argument) for argument in arguments])
                return f"({self._object_name(name.text)} {given} {self._options(options)})"
            case ast.SpaceProduct(factors=factors):
                return f"(* {' '.join([self._space(factor) for factor in factors])})"
            case ast.SpaceMap(source=source, target=target):
                return f"(-> {self._space(source)} {self._space(target)})"
            case _:
                return "?"

    # ---------------------------------------------------------------- expressions

    def _expression(self, node: ast.Expression) -> str:
        match node:
            case ast.Number(value=value, is_integer=whole):
                return f"{value!r}{'i' if whole else ''}"
            case ast.Variable(name=name):
                return self._value_name(name)
            case ast.Call(function=function, arguments=arguments):
                called = self._free("call", function.text)
                return f"({called} {' '.join([self._argument(each, function.text) for each in arguments])})"
            case ast.Unary(operator=operator, operand=operand):
                return f"({operator} {self._expression(operand)})"
            case ast.Binary(operator=operator, left=left, right=right):
                return f"({operator} {self._expression(left)} {self._expression(right)})"
            case ast.If(condition=condition, consequence=consequence, alternative=alternative):
                parts = [self._expression(part) for part in (condition, consequence, alternative)]
                return f"(if {' '.join(parts)})"
            case ast.Index(value=value, indices=indices):
                return (
                    f"(at {self._expression(value)} {' '.join([self._expression(each) for each in indices])})"
                )
            case ast.Tuple(elements=elements):
                return f"(tuple {' '.join([self._expression(each) for each in elements])})"
            case ast.Factor(binders=binders, body=body):
                objects = [self._object_name(binder.object.text) for binder in binders]
                before = dict(self._local)
                for binder in binders:
                    self._bind(binder.name.text)
                made = f"(factor ({' '.join(objects)}) {self._expression(body)})"
                self._local = before
                return made
            case ast.Scan(binder=binder, state=state, initial=initial, body=body):
                started = self._expression(initial)
                over = self._object_name(binder.object.text)
                before = dict(self._local)
                self._bind(binder.name.text)
                self._bind(state.text)
                made = f"(scan {over} {started} {self._expression(body)})"
                self._local = before
                return made
            case _:
                return "?"

    def _argument(self, argument: ast.Argument, of: str) -> str:
        value = self._expression(argument.value)
        if argument.keyword is None:
            return value
        return f"(= {self._free('keyword', argument.keyword.text, of)} {value})"
