"""What a command is given: plain values by name, each held to its rule, or a sentence on what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from qvr_server.options import RunOptions, camel_case, written

URI = "uri"
_KINDS = {
    "text": "text",
    "data": "a file's path, or the values by name",
    "token": "text or a whole number",
    "index": "a list of whole numbers from 0",
    "position": "a place in the text, {line, character}",
    "form": "svg, dot, mermaid or text",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a command. `kind` is one of `_KINDS`; `said` says otherwise how it is named."""

    kind: str
    said: str | None = None

    def fits(self, value: Any) -> bool:
        """Whether the argument may have this value."""
        if self.kind == "text":
            return isinstance(value, str)
        if self.kind == "data":
            return isinstance(value, str | dict)
        if self.kind == "index":
            return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)
        if self.kind == "position":
            return isinstance(value, dict) and all(
                type(value.get(part)) is int and value[part] >= 0 for part in ("line", "character")
            )
        if self.kind == "form":
            return value in ("svg", "dot", "mermaid", "text")
        return isinstance(value, str | int) and not isinstance(value, bool)

    def taken(self, value: Any) -> Any:
        """The value as it is."""
        return value

    @property
    def wanted(self) -> str:
        """What is asked for, in words."""
        return self.said or _KINDS[self.kind]


# How to sample, under the names of the settings, with the same ranges.
SETTINGS = {camel_case(entry.name): entry for entry in fields(RunOptions)}
_RULES = {name: entry.metadata["rule"] for name, entry in SETTINGS.items()}
_MODEL = {URI: Parameter("text", "a model's URI"), "program": Parameter("text", "a program's name")}
_TOKEN = {"partialResultToken": Parameter("token")}

TAKES: Mapping[str, Mapping[str, Any]] = {
    "qvr.run": {**_MODEL, "data": Parameter("data"), **_TOKEN, **_RULES},
    "qvr.cancelRun": _MODEL,
    "qvr.priorPredictive": {
        **_MODEL,
        "data": Parameter("data"),
        "seed": _RULES["seed"],
        "draws": _RULES["draws"],
    },
    "qvr.openReport": _MODEL,
    "qvr.showResult": _MODEL,
    "qvr.trace": {**_MODEL, "site": Parameter("text", "a site's name"), "index": Parameter("index")},
    "qvr.plate": {**_MODEL, "position": Parameter("position"), "form": Parameter("form")},
    "qvr.restartWorker": {},
    "qvr.debugInfo": {},
}
_WITHOUT_MODEL = frozenset({"qvr.cancelRun", "qvr.restartWorker", "qvr.debugInfo"})


def read(command: str, given: Sequence[Any] | None) -> dict[str, Any]:
    """The arguments of a command by name, those that are null left out; ValueError says what is wrong.

    A command takes one object, or a model's URI alone.
    """
    takes = TAKES[command]
    if given is not None and len(given) > 1:
        raise ValueError(f"{command} takes one argument, an object with its values by name.")
    first = given[0] if given else None
    if isinstance(first, str) and URI in takes:
        first = {URI: first}
    if first is None:
        first = {}
    if not isinstance(first, dict):
        raise ValueError(f"{command} takes one object with its values by name, not {written(first)}.")
    found: dict[str, Any] = {}
    for name, value in first.items():
        rule = takes.get(name)
        if rule is None:
            raise ValueError(_unknown(command, str(name), list(takes)))
        if value is None:
            continue
        if not rule.fits(value):
            raise ValueError(f"{command}: `{name}` must be {rule.wanted}, not {written(value)}.")
        found[name] = rule.taken(value)
    if command == "qvr.trace" and "site" not in found:
        raise ValueError("qvr.trace needs the name of a site: `site`.")
    if URI not in found and command not in _WITHOUT_MODEL:
        raise ValueError(f'{command} needs the model\'s URI: {{"uri": …}}, or the URI alone.')
    return found


def run_settings(arguments: Mapping[str, Any], defaults: RunOptions) -> dict[str, Any]:
    """How to sample, as the worker takes it: what the arguments say, and for the rest the options."""
    settings: dict[str, Any] = {}
    for name, entry in SETTINGS.items():
        value = arguments.get(name, getattr(defaults, entry.name))
        if value is not None:
            settings[entry.name] = value
    if settings["algorithm"] != "nuts" and "maxTreeDepth" not in arguments:
        settings.pop("max_tree_depth", None)
    return settings


def _unknown(command: str, name: str, known: list[str]) -> str:
    from quivers.check.spelling import nearest

    if not known:
        return f"{command} takes no arguments."
    near = nearest(name, known)
    if near is not None:
        return f"{command} has no argument called {name}; did you mean {near}?"
    return f"{command} has no argument called {name}; it takes {', '.join(known)}."
