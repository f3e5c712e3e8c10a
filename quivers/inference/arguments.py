"""What inference is given, looked at before it begins: a sentence for what can't be meant."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, cast

import numpy as np
from torch import Tensor

from quivers.backends.torch.bound import BoundModel
from quivers.backends.torch.module import ProgramModule
from quivers.errors import QvrError

Array = np.ndarray[Any, Any]


def check_model(model: object) -> None:
    """Raises `QvrError` where `model` is no program's morphism."""
    if isinstance(model, ProgramModule):
        return
    loaded = isinstance(getattr(model, "morphism", None), ProgramModule)
    found = "the program itself: give its .morphism" if loaded else a_kind(model)
    raise QvrError(f"model must be a program's morphism, load(…).morphism, not {found}.")


def check_bound(bound: object) -> None:
    """Raises `QvrError` where `bound` is no program with its data."""
    if not isinstance(bound, BoundModel):
        raise QvrError(
            f"A guide draws for a program with its data, model.bind(observations), not for {a_kind(bound)}."
        )


def check_kind(name: str, value: object, kind: type | tuple[type, ...], wanted: str) -> None:
    """Raises `QvrError` where `value` is not of a kind; `wanted` says in words what is."""
    if not isinstance(value, kind):
        raise QvrError(f"{name} must be {wanted}, not {a_kind(value)}.")


def check_by_name(name: str, value: object, example: str) -> None:
    """Raises `QvrError` where `value` is neither None nor values by name, such as the `example`."""
    if value is not None:
        check_kind(name, value, Mapping, f"values by name, such as {example}")


def check_names(name: str, value: object) -> None:
    """Raises `QvrError` where `value` is no collection of names."""
    if isinstance(value, str):
        raise QvrError(f'{name} takes names in a list, ["{value}"], not one by itself.')
    check_kind(name, value, Collection, 'names, such as ["mu"]')
    for each in cast(Collection[object], value):
        check_kind(f"A name in {name}", each, str, "text")


def check_positive(name: str, value: object, otherwise: str = "") -> None:
    """Raises `QvrError` where `value` is no positive number; `otherwise` says what else it might be."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and 0.0 < float(value) < math.inf):  # type: ignore[arg-type]
        raise QvrError(f"{name} must be a positive number{otherwise}, it is {value!r}.")


def check_called(name: str, value: object, given: str) -> None:
    """Raises `QvrError` where `value` is neither None nor a function of what is `given` to it, in words."""
    if not (value is None or callable(value)):
        raise QvrError(f"{name} must be a function of {given}, not {a_kind(value)}.")


def check_result(name: str, value: object) -> None:
    """Raises `QvrError` where `value` is no result of a run."""
    from quivers.inference.mcmc_result import MCMCResult

    check_kind(name, value, MCMCResult, "the result of a run, MCMC(…).run(…)")


def check_site(value: object, optional: bool = False) -> None:
    """Raises `QvrError` where a `site` is no name; it may be None where it is `optional`."""
    if not (value is None and optional):
        check_kind("site", value, str, "a name that the program has, such as 'y'")


def check_watching(progress: object, cancel: object) -> None:
    """Raises `QvrError` where `progress` is no function or `cancel` no event; both may be None."""
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise QvrError(f"progress must be True, False or a function of the report, not {a_kind(progress)}.")
    if not (cancel is None or callable(getattr(cancel, "is_set", None))):
        raise QvrError(f"cancel must be a threading.Event, not {a_kind(cancel)}.")


def a_kind(value: object) -> str:
    """What a value is, as a sentence wants it."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    text = repr(value) if isinstance(value, (str, int, float, bool)) or value is None else ""
    return text[:40] or f"a value of the type {type(value).__name__}"


def contents(observations: Any) -> dict[str, Array] | None:
    """Copies of the data by name, to tell whether they change; None where they can't be compared."""
    try:
        if not isinstance(observations, Mapping):
            observations = {name: observations[name] for name in observations.columns}
        return {name: _copied(value) for name, value in observations.items()}
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
        return None  # binding says what is wrong, if anything is


def same_contents(before: dict[str, Array] | None, now: dict[str, Array] | None) -> bool:
    """Whether both have the same names with the same values; what is NaN in both is the same."""
    if before is None or now is None or before.keys() != now.keys():
        return False
    return all(_same(array, now[name]) for name, array in before.items())


def _copied(value: Any) -> Array:
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        value = value.double() if value.is_floating_point() else value
    return np.asarray(value).copy()


def _same(a: Array, b: Array) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind == "O":
        return bool(a.tolist() == b.tolist())
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
