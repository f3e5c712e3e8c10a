"""What an editor can say of a model's data: values by name, sizes of objects, columns that nothing uses."""

from __future__ import annotations

from collections.abc import Mapping

from quivers.records import field, record

NAMES_SHOWN = 3


@record
class ValueFacts:
    """What the data hold under one name.

    `shape` counts the values along each axis, () for a single one; `type` is as the language writes it, with
    the object that has as many elements if only one has. `least` and `greatest` are None for names of
    elements, whose different ones are `levels`. `fault` says what keeps the value from being used.
    """

    name: str
    type: str
    shape: tuple[int, ...] = ()
    missing: int = 0
    least: float | None = None
    greatest: float | None = None
    levels: tuple[str, ...] = ()
    fault: str | None = None

    @property
    def count(self) -> int:
        """How many values there are, missing ones among them."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def sentence(self) -> str:
        """`8 values, 9…18`, `919 values, 85 levels: AITKIN, ANOKA, …`, `3 × 4 values, 2 missing, 0…1`."""
        if self.fault is not None:
            return f"in the data: {self.fault}"
        if not self.shape and self.least is not None:
            return f"{_number(self.least)} in the data"
        shown = " × ".join(map(str, self.shape)) if self.shape else "1"
        parts = [f"{shown} {'value' if self.count == 1 else 'values'}"]
        if self.missing:
            parts.append(f"{self.missing} missing")
        if self.levels:
            parts.append(levels_text(self.levels))
        elif self.least is not None and self.greatest is not None:
            ends = (_number(self.least), _number(self.greatest))
            parts.append(ends[0] if ends[0] == ends[1] else "…".join(ends))
        return ", ".join(parts)


@record
class DataFacts:
    """What is known of the data of a model.

    `file` is the data file's name. `values` has what is in it by name; `unused` those of its names that the
    program to run has no use for and that the model could take as inputs. `sizes` has the number of elements
    of each object that the data size, and `levels` the names of elements, in their order. `notes` are
    sentences about the file or the values that are no problems.
    """

    file: str
    values: Mapping[str, ValueFacts] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> Mapping[str, str]:
        """What hover says of each name in the data, and of each object that the data size."""
        found = {name: facts.sentence for name, facts in self.values.items()}
        for name, size in self.sizes.items():
            names = self.levels.get(name, ())
            elements = f"{size} {'element' if size == 1 else 'elements'} in the data"
            found[name] = f"{elements}: {_first(names)}" if names else elements
        for note in self.notes:
            for name in found.keys() - set(self.unused):
                if f"`{name}`" in note:
                    found[name] += f". {note}"
        return found

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The unused names with what each holds, for completion."""
        return tuple((name, f"{facts.type} · {facts.sentence}") for name, facts in self._unused())

    def _unused(self) -> list[tuple[str, ValueFacts]]:
        return [(name, self.values[name]) for name in self.unused if name in self.values]


def levels_text(levels: tuple[str, ...]) -> str:
    """`85 levels: AITKIN, ANOKA, …`."""
    return f"{len(levels)} {'level' if len(levels) == 1 else 'levels'}: {_first(levels)}"


def _first(names: tuple[str, ...]) -> str:
    shown = [name if len(name) <= 30 else f"{name[:29]}…" for name in names[:NAMES_SHOWN]]
    return ", ".join([*shown, "…"] if len(names) > NAMES_SHOWN else shown)


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) >= 1e15 or value != int(value) else f"{int(value)}"
