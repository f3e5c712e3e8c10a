"""The draws of one site, with the names of its axes and of their elements: `result["theta"]`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quivers.check.spelling import nearest
from quivers.element_names import axis_labels, element_names, label, labels
from quivers.errors import QvrError
from quivers.ir.graph import object_of

if TYPE_CHECKING:
    from quivers.element_names import Levels
    from quivers.results import Summary

Array = NDArray[np.float64]
Place = str | int
Operand: TypeAlias = "SiteDraws | float"


@dataclass(frozen=True, eq=False, slots=True)
class SiteDraws:
    """Draws of one site: `values` are (chain, draw, *axes), the objects that `axes` names.

    A second axis over an object is `School′`. NumPy takes the whole for its values. Elements go by the names
    that the data give them, which `levels` has by axis, and those of other axes by numbers from 1.

    `+ - * / **`, comparisons, `-x` and `abs(x)` work draw by draw and take axes by name: `theta - mu` is each
    school's difference, with a summary of its own, and `(theta > 5).mean()` the probabilities.
    """

    name: str
    values: Array
    axes: tuple[str, ...]
    levels: Levels

    @property
    def flat(self) -> Array:
        """The draws of all chains one after another, (draw, *axes)."""
        return self.values.reshape(-1, *self.values.shape[2:])

    @property
    def dims(self) -> tuple[str, ...]:
        """The name of each axis of `values`."""
        return ("chain", "draw", *self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of `dims`."""
        return self.values.shape

    @property
    def names(self) -> tuple[str, ...]:
        """What each element is called, `theta[Choate]`, the last axis running fastest."""
        own = axis_labels(self.axes, self.values.shape[2:], labels(self.levels))
        return tuple(element_names(self.name, self.values.shape[2:], own))

    def sel(
        self, where: Mapping[str, Place | Sequence[Place]] | None = None, **axes: Place | Sequence[Place]
    ) -> SiteDraws:
        """The draws of some elements: `sel(School="Choate")`, `sel(School=["Choate", "Phillips"])`.

        One element takes its axis away, a list keeps it. `where` is for axes whose names are no keywords.

        Raises:
            QvrError: the site has no such axis, or its object no such element.
        """
        found = self
        for axis, wanted in {**(where or {}), **axes}.items():
            found = found._on(axis, wanted)
        return found

    def mean(self) -> Array:
        """The posterior mean, (*axes)."""
        return np.asarray(self.flat.mean(axis=0))

    def sd(self) -> Array:
        """The posterior standard deviation, (*axes)."""
        return np.asarray(self.flat.std(axis=0, ddof=1))

    def quantile(self, share: float | Sequence[float]) -> Array:
        """Quantiles of the draws, (*axes), or (share, *axes) for several shares between 0 and 1."""
        shares = np.asarray(share, dtype=np.float64)
        if not bool(np.all((shares >= 0.0) & (shares <= 1.0))):
            raise QvrError(f"A quantile's share lies between 0 and 1, it is {share}.")
        return np.asarray(np.quantile(self.flat, shares, axis=0))

    def summary(self) -> Summary:
        """A row for each element, as `MCMCResult.summary` has them."""
        from quivers.results import summarise

        return summarise({self.name: self.values}, {self.name: self.axes}, self.levels)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.values, dtype=dtype, copy=True if copy is None else copy)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"{self._title}\n{self.summary()!r}"

    def _repr_html_(self) -> str:
        from quivers.notebook.posterior import summary_html

        return summary_html(self.summary(), self._title)

    @property
    def _title(self) -> str:
        sizes = [f"{axis} {size}" for axis, size in zip(self.dims, self.values.shape, strict=True)]
        return f"{self.name}: " + " × ".join(sizes)

    def __add__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.add, "+")

    def __radd__(self, other: Operand) -> SiteDraws:
        return _worked_out(other, self, operator.add, "+")

    def __sub__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.sub, "-")

    def __rsub__(self, other: Operand) -> SiteDraws:
        return _worked_out(other, self, operator.sub, "-")

    def __mul__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.mul, "*")

    def __rmul__(self, other: Operand) -> SiteDraws:
        return _worked_out(other, self, operator.mul, "*")

    def __truediv__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.truediv, "/")

    def __rtruediv__(self, other: Operand) -> SiteDraws:
        return _worked_out(other, self, operator.truediv, "/")

    def __pow__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.pow, "**")

    def __rpow__(self, other: Operand) -> SiteDraws:
        return _worked_out(other, self, operator.pow, "**")

    def __lt__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.lt, "<")

    def __le__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.le, "<=")

    def __gt__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.gt, ">")

    def __ge__(self, other: Operand) -> SiteDraws:
        return _worked_out(self, other, operator.ge, ">=")

    def __neg__(self) -> SiteDraws:
        return SiteDraws(f"(-{self.name})", -self.values, self.axes, self.levels)

    def __abs__(self) -> SiteDraws:
        return SiteDraws(f"|{self.name}|", abs(self.values), self.axes, self.levels)

    def _on(self, axis: str, wanted: Place | Sequence[Place]) -> SiteDraws:
        if axis not in self.axes:
            has = f"it runs over {', '.join(self.axes)}" if self.axes else "it is a single number"
            raise QvrError(f"`{self.name}` has no axis `{axis}`: {has}.")
        at = self.axes.index(axis)
        several = not isinstance(wanted, (str, int, np.integer))
        places = [self._place(axis, each) for each in (wanted if several else [wanted])]  # type: ignore[union-attr]
        values = self.values.take(places if several else places[0], axis=at + 2)
        own = self.levels.get(axis)
        shown = [str(place + 1) if own is None else own[place] for place in places]
        if several:
            return SiteDraws(self.name, values, self.axes, {**self.levels, axis: shown})
        # The name tells the element, of several axes which one, and what is left has the other axes.
        element = shown[0] if own is None else label(shown[0])
        name = f"{self.name}[{element if len(self.axes) == 1 else f'{axis}={element}'}]"
        return SiteDraws(name, values, self.axes[:at] + self.axes[at + 1 :], self.levels)

    def _place(self, axis: str, wanted: object) -> int:
        """Where an element stands, from 0."""
        size = self.values.shape[self.axes.index(axis) + 2]
        own = self.levels.get(axis)
        if own is not None:
            if isinstance(wanted, str) and wanted in own:
                return list(own).index(wanted)
            near = nearest(str(wanted), own)
            some = ", ".join(own[:5]) + (", …" if size > 5 else "")
            advice = f"did you mean `{near}`?" if near else f"there are {some}."
            raise QvrError(f"`{axis}` has no element {wanted!r}: {advice}")
        if isinstance(wanted, (int, np.integer)) and 1 <= wanted <= size:
            return int(wanted) - 1
        raise QvrError(f"`{axis}` has no names: its elements go by number, from 1 to {size}, not {wanted!r}.")


def _worked_out(
    left: SiteDraws | float, right: SiteDraws | float, rule: Callable[[Any, Any], Any], sign: str
) -> SiteDraws:
    """Two sites' draws, or a site's and a number, taken together draw by draw; a comparison gives 0 and 1.

    An array is left to NumPy, which knows no names.
    """
    numbers = (int, float, np.integer, np.floating)
    if not (isinstance(left, (SiteDraws, *numbers)) and isinstance(right, (SiteDraws, *numbers))):
        return NotImplemented
    sites = [each for each in (left, right) if isinstance(each, SiteDraws)]
    axes = tuple(dict.fromkeys(axis for each in sites for axis in each.axes))
    if len(sites) == 2:
        _check_alike(*sites)
    first, second = (_spread(each, axes) if isinstance(each, SiteDraws) else each for each in (left, right))
    with np.errstate(all="ignore"):  # a draw that has no result is NaN, as in a let
        values = np.asarray(rule(first, second), dtype=np.float64)
    names = [each.name if isinstance(each, SiteDraws) else f"{each:g}" for each in (left, right)]
    levels = {axis: own for each in sites for axis, own in each.levels.items()}
    return SiteDraws(f"({names[0]} {sign} {names[1]})", values, axes, levels)


def _check_alike(left: SiteDraws, right: SiteDraws) -> None:
    """Raises QvrError where the draws, or the elements of a common axis, are not the same ones."""
    if left.shape[:2] != right.shape[:2]:
        told = [" of ".join(str(size) for size in each.shape[:2]) for each in (left, right)]
        raise QvrError(
            f"`{left.name}` and `{right.name}` are of different runs: {told[0]} and {told[1]} draws."
        )
    for axis in left.axes:
        if axis not in right.axes:
            continue
        sizes = [each.shape[each.dims.index(axis)] for each in (left, right)]
        names = [list(each.levels.get(axis, ())) for each in (left, right)]
        if sizes[0] != sizes[1] or names[0] != names[1]:
            raise QvrError(f"`{left.name}` and `{right.name}` have different elements of `{axis}`.")


def _spread(site: SiteDraws, axes: tuple[str, ...]) -> Array:
    """The values with the axes in this order, those that the site lacks of size 1."""
    own = [site.axes.index(axis) + 2 for axis in axes if axis in site.axes]
    values = site.values.transpose(0, 1, *own)
    sizes = iter(values.shape[2:])
    return values.reshape(*values.shape[:2], *(next(sizes) if axis in site.axes else 1 for axis in axes))


def draws_of(
    name: object, samples: Mapping[str, Any], axes: Mapping[str, tuple[str, ...]], levels: Levels
) -> SiteDraws:
    """The draws that a name means: of a site, or of an element as tables call it, `theta[Choate]`.

    `axes` has those of each site, `levels` the names of elements by object.

    Raises:
        QvrError: there is none of that name.
    """
    site = str(name).partition("[")[0]
    try:
        found = samples[site]  # which may be worked out now
    except KeyError:
        near = nearest(site, axes)
        advice = f"did you mean `{near}`?" if near else f"there are {', '.join(samples)}."
        raise QvrError(f"The posterior has no `{name}`: {advice}") from None
    values = np.asarray(found, dtype=np.float64)
    own_axes = axes.get(site, ())
    own = {
        axis: levels[object_of(axis)]
        for axis, size in zip(own_axes, values.shape[2:], strict=True)
        if len(levels.get(object_of(axis), ())) == size
    }
    whole = SiteDraws(site, values, own_axes, own)
    if site == name:
        return whole
    for index, element in zip(np.ndindex(values.shape[2:]), whole.names, strict=True):
        if element == name:
            return SiteDraws(element, values[(slice(None), slice(None), *index)], (), {})
    near = nearest(str(name), whole.names) if own else None
    there = (
        f"its elements are {whole.names[0]} to {whole.names[-1]}" if whole.axes else "it is a single number"
    )
    advice = f"did you mean `{near}`?" if near else f"{there}."
    raise QvrError(f"The posterior has no `{name}`: {advice}")
