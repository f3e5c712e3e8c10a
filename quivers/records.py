"""Records: classes of named values like `@dataclass(frozen=True, slots=True)`, made and filled much sooner.

A dataclass compiles six methods for itself when its module is imported, which for the hundred classes that
`qvr check` needs takes longer than checking a file of 300 lines. Records share theirs.
It is frozen for the type checker alone: a check at run time would make every syntax node cost three times
as much. To `dataclasses` (`replace`, `fields`) a record is a dataclass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Any, TypeVar, cast, dataclass_transform, overload

Value = TypeVar("Value")


class _Factory:
    """Stands as a field's default in the class's body, and makes a new one for every record."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], Value]) -> Value:
    """A field whose default is made anew for every record, such as an empty list."""
    return cast(Value, _Factory(default_factory))


@overload
def record(cls: type[Value], /) -> type[Value]: ...
@overload
def record(*, frozen: bool) -> Callable[[type[Value]], type[Value]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[Any] | None = None, /, *, frozen: bool = True) -> Any:
    """Make a class a record of its annotated names, in their order, with slots and `__match_args__`.

    Records are equal when their class and all their values are. With `frozen=False` a record may be changed,
    and has no hash. A record has no records among its bases.
    """
    if cls is None:
        return lambda cls: _made(cls, frozen=frozen)
    return _made(cls, frozen=frozen)


def replace(entry: Value, /, **changes: Any) -> Value:
    """The same record with some values changed."""
    kind: Any = type(entry)
    for name in kind.__match_args__:
        if name not in changes:
            changes[name] = getattr(entry, name)
    return cast(Value, kind(**changes))


def values_of(entry: object) -> Iterator[tuple[str, Any]]:
    """Each field's name with its value, in order."""
    return ((name, getattr(entry, name)) for name in type(entry).__match_args__)  # type: ignore[attr-defined]


class _Fields:
    """What `dataclasses` looks for in a class, made when it is first asked for."""

    def __init__(self, names: tuple[str, ...], defaults: dict[str, object]) -> None:
        self.names, self.defaults = names, defaults
        self.made: object = None

    def __get__(self, entry: object, owner: type) -> object:
        if self.made is None:
            import dataclasses

            defaults = {
                name: dataclasses.field(default_factory=value.make) if isinstance(value, _Factory) else value
                for name, value in self.defaults.items()
            }
            body = {"__annotations__": dict.fromkeys(self.names, "object"), **defaults}
            self.made = cast(Any, dataclasses.dataclass(type(owner.__name__, (), body))).__dataclass_fields__
        return self.made


def _made(cls: type[Any], *, frozen: bool) -> type[Any]:
    names = tuple(cls.__annotations__)
    body = dict(cls.__dict__)
    defaults = {name: body.pop(name) for name in names if name in body}
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    body["__slots__"] = body["__match_args__"] = names
    body["__dataclass_fields__"] = _Fields(names, defaults)
    body["__init__"] = _initialiser(cls, names, defaults)
    body.setdefault("__repr__", _repr)
    if names:
        values = attrgetter(*names)

        def equal(self: object, other: object) -> bool:
            return other.__class__ is self.__class__ and values(self) == values(other)

        def hashed(self: object) -> int:
            return hash(values(self))
    else:

        def equal(self: object, other: object) -> bool:
            return other.__class__ is self.__class__

        def hashed(self: object) -> int:
            return hash(self.__class__)

    body.setdefault("__eq__", equal)
    body.setdefault("__hash__", hashed if frozen else None)
    return type(cls.__name__, cls.__bases__, body)


def _initialiser(cls: type[Any], names: tuple[str, ...], defaults: dict[str, object]) -> FunctionType:
    """The `__init__` that puts its arguments in the slots."""
    if tuple(defaults) != names[len(names) - len(defaults) :]:
        raise TypeError(f"a field of {cls.__qualname__} without a default follows one with a default")
    made = {name: value.make for name, value in defaults.items() if isinstance(value, _Factory)}
    if made:
        code = _compiled(names, frozenset(made))
    else:
        # Compiling takes longer than all the rest, so classes of as many fields share what it gives.
        code = _template(len(names)).replace(co_varnames=("self", *names), co_names=names)
    function = FunctionType(code, {"made": made, "absent": _ABSENT}, "__init__")
    function.__defaults__ = tuple(_ABSENT if name in made else value for name, value in defaults.items())
    function.__qualname__ = f"{cls.__qualname__}.__init__"
    function.__module__ = cls.__module__
    return function


_ABSENT = object()


@cache
def _template(count: int) -> CodeType:
    return _compiled(tuple(f"value{number}" for number in range(count)))


def _compiled(names: tuple[str, ...], made: frozenset[str] = frozenset()) -> CodeType:
    """The code that stores each of its arguments under its name; those in `made` where they are given."""
    lines = [
        f" self.{name} = made[{name!r}]() if {name} is absent else {name}"
        if name in made
        else f" self.{name} = {name}"
        for name in names
    ]
    scope: dict[str, Any] = {}
    exec(f"def __init__({', '.join(('self', *names))}):\n" + ("\n".join(lines) or " pass"), scope)
    return cast(CodeType, scope["__init__"].__code__)


def _repr(self: object) -> str:
    listed = ", ".join(f"{name}={value!r}" for name, value in values_of(self))
    return f"{type(self).__qualname__}({listed})"
