"""The server's options as one typed tree; what a client sends is read into it, and a bad value falls back."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from quivers.sampling_defaults import CHAINS, DRAWS, TARGET_ACCEPT, WARMUP


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """`warm` starts the worker with the first document, so that the first run doesn't wait for it."""

    warm: bool = True


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How `qvr.run` samples where its arguments don't say."""

    chains: int = CHAINS
    warmup: int = WARMUP
    draws: int = DRAWS
    target_accept: float = TARGET_ACCEPT


@dataclass(frozen=True, slots=True)
class DataOptions:
    """`check` compares the data file beside a model with the model while it is edited."""

    check: bool = True


@dataclass(frozen=True, slots=True)
class Options:
    """Everything a user can set, under the section `qvr` of an editor's settings."""

    worker: WorkerOptions = field(default_factory=WorkerOptions)
    run: RunOptions = field(default_factory=RunOptions)
    data: DataOptions = field(default_factory=DataOptions)


def read(settings: Any) -> tuple[Options, tuple[str, ...]]:
    """The options in a client's settings, and one sentence for each value that could not be taken.

    Settings may be the section `qvr` itself or hold it; names are written in camel case.
    """
    if isinstance(settings, dict) and isinstance(settings.get("qvr"), dict):
        settings = settings["qvr"]
    warnings: list[str] = []
    options = _read(Options(), settings, "qvr", warnings)
    return options, tuple(warnings)


def _read(defaults: Any, settings: Any, path: str, warnings: list[str]) -> Any:
    if settings is None or settings == []:  # Lua has one empty table, and Neovim sends it as a list
        return defaults
    if not isinstance(settings, dict):
        warnings.append(f"The setting {path} must hold settings by name; its defaults are used.")
        return defaults
    taken: dict[str, Any] = {}
    for entry in fields(defaults):
        name = camel_case(entry.name)
        value, default = settings.get(name), getattr(defaults, entry.name)
        where = f"{path}.{name}"
        if value is None:
            continue
        if is_dataclass(default):
            taken[entry.name] = _read(default, value, where, warnings)
        elif _fits(value, default):
            taken[entry.name] = type(default)(value)
        else:
            kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
            warnings.append(f"The setting {where} must be {kind}, not {value!r}; {default!r} is used.")
    return replace(defaults, **taken)


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, int) or (isinstance(default, float) and isinstance(value, float))


def camel_case(name: str) -> str:
    """`target_accept` as editors' settings spell it, `targetAccept`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
