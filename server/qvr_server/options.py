"""The server's options as one typed tree; what a client sends is read into it, and a bad value falls back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from quivers.sampling_defaults import (
    ALGORITHMS,
    CHAINS,
    DEEPEST,
    DRAWS,
    ENGINE,
    ENGINES,
    MASS_MATRICES,
    REPARAMETERIZATION,
    REPARAMETERIZATIONS,
    STARTS,
    TARGET_ACCEPT,
    WARMUP,
)

# A JavaScript number holds every seed up to it, so that a client can send back what it was told.
LARGEST_SEED = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Rule:
    """What one option may be. `kind` is JSON Schema's word; `optional` ones may be null."""

    kind: str
    about: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False

    def fits(self, value: Any) -> bool:
        """Whether an option may have this value."""
        if self.kind == "boolean":
            return isinstance(value, bool)
        if self.kind == "string":
            return isinstance(value, str) and (not self.choices or value in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        if self.kind == "integer" and value != int(value):
            return False
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def taken(self, value: Any) -> Any:
        """The value as the options hold it; a client's `4.0` is a whole number too."""
        return {"boolean": bool, "string": str, "integer": int, "number": float}[self.kind](value)

    @property
    def wanted(self) -> str:
        """What is asked for, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        noun = {"boolean": "true or false", "string": "text", "integer": "a whole number"}
        said = noun.get(self.kind, "a number")
        if self.least is not None and self.most is not None:
            return f"{said} from {self.least} to {self.most}"
        if self.least is not None:
            return f"{said} of at least {self.least}"
        if self.above is not None and self.below is not None:
            return f"{said} between {self.above} and {self.below}"
        return said

    def schema(self, default: Any) -> dict[str, Any]:
        """The rule as JSON Schema."""
        found: dict[str, Any] = {"type": [self.kind, "null"] if self.optional else self.kind}
        if self.choices:
            found["enum"] = [*self.choices, None] if self.optional else list(self.choices)
        limits = (
            ("minimum", self.least),
            ("maximum", self.most),
            ("exclusiveMinimum", self.above),
            ("exclusiveMaximum", self.below),
        )
        found |= {name: value for name, value in limits if value is not None}
        return {**found, "default": default, "description": self.about}


def _option(default: Any, kind: str, about: str, **limits: Any) -> Any:
    rule = Rule(kind, about, optional=default is None, **limits)
    return field(default=default, metadata={"rule": rule})


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """The process in which programs run."""

    warm: bool = _option(
        True,
        "boolean",
        "Start the worker with the first document, so that the first run doesn't wait for it.",
    )
    memory: int | None = _option(
        None,
        "integer",
        "The most memory that the next worker may take, in MiB; null lets it choose by the machine.",
        least=256,
    )
    hang_seconds: float = _option(
        30.0, "number", "How long the worker may say nothing during a run before it is ended.", least=1
    )


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How `qvr.run` samples where its arguments don't say."""

    chains: int = _option(CHAINS, "integer", "How many chains to run.", least=1, most=1000)
    warmup: int = _option(WARMUP, "integer", "Draws of each chain's warm-up, which are not kept.", least=0)
    draws: int = _option(DRAWS, "integer", "Draws to keep of each chain.", least=1)
    target_accept: float = _option(
        TARGET_ACCEPT, "number", "The acceptance that the step size is adapted to.", above=0, below=1
    )
    seed: int | None = _option(
        None,
        "integer",
        "The seed of every run; null draws one, which the result tells.",
        least=0,
        most=LARGEST_SEED,
    )
    algorithm: str = _option(ALGORITHMS[0], "string", "The sampler.", choices=ALGORITHMS)
    mass_matrix: str = _option(
        MASS_MATRICES[0], "string", "The form of the mass matrix.", choices=MASS_MATRICES
    )
    max_tree_depth: int | None = _option(
        None, "integer", "The deepest tree of NUTS; null for its default.", least=1, most=DEEPEST
    )
    engine: str = _option(
        ENGINE, "string", "What computes the log density; `auto` compiles it where it can.", choices=ENGINES
    )
    init: str = _option(STARTS[0], "string", "Where chains start.", choices=STARTS)
    thin: int = _option(1, "integer", "Keep every so many draws.", least=1)
    reparameterize: str = _option(
        REPARAMETERIZATION,
        "string",
        "The form of latents that depend on others; `auto` chooses it in warm-up, `centred` is as written.",
        choices=REPARAMETERIZATIONS,
    )


@dataclass(frozen=True, slots=True)
class DataOptions:
    """The data of models."""

    check: bool = _option(
        True, "boolean", "Compare the data file of a model with the model while it is edited."
    )
    file: str | None = _option(
        None, "string", "The data file of every model, from its folder; null looks for one beside the model."
    )


@dataclass(frozen=True, slots=True)
class InlayHintOptions:
    """What is shown between the words of a model."""

    types: bool = _option(True, "boolean", "Show the type of each name that a step binds.")
    sizes: bool = _option(True, "boolean", "Show the size of each object that the data decide.")
    inputs: bool = _option(True, "boolean", "Show the inputs of each program.")
    posteriors: bool = _option(True, "boolean", "Show the posterior of the last run at the end of each line.")


@dataclass(frozen=True, slots=True)
class LensOptions:
    """The lines above programs."""

    enable: bool = _option(True, "boolean", "Show `▶ Run` above each program, with its last answer.")


@dataclass(frozen=True, slots=True)
class Options:
    """Everything a user can set, under the section `qvr` of an editor's settings."""

    worker: WorkerOptions = field(default_factory=WorkerOptions)
    run: RunOptions = field(default_factory=RunOptions)
    data: DataOptions = field(default_factory=DataOptions)
    inlay_hints: InlayHintOptions = field(default_factory=InlayHintOptions)
    lens: LensOptions = field(default_factory=LensOptions)
    live_inference: bool = _option(False, "boolean", "Run a model whenever it is saved.")
    save_runs: bool = _option(
        True,
        "boolean",
        "Keep runs in `.qvr/runs` of the workspace, as `qvr run` does, so that they are found again.",
    )
    trusted: bool = _option(
        True, "boolean", "Whether programs of the workspace may run; checking works in any case."
    )


# ------------------------------------------------------------------------ what a client sends


def read(settings: Any) -> tuple[Options, tuple[str, ...]]:
    """The options in a client's settings, and one sentence for each value that could not be taken.

    Settings may be the section `qvr` itself or hold it; names are written in camel case.
    """
    if isinstance(settings, dict) and "qvr" in settings:
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
    entries = {camel_case(entry.name): entry for entry in fields(defaults)}
    taken: dict[str, Any] = {}
    for name, value in settings.items():
        entry = entries.get(name)
        where = f"{path}.{name}"
        if entry is None:
            if (told := _unknown(str(name), path, list(entries))) is not None:
                warnings.append(told)
            continue
        default = getattr(defaults, entry.name)
        if is_dataclass(default):
            taken[entry.name] = _read(default, value, where, warnings)
        elif value is None:
            continue
        elif (rule := entry.metadata["rule"]).fits(value):
            taken[entry.name] = rule.taken(value)
        else:
            used = "its default" if default is None else written(default)
            warnings.append(
                f"The setting {where} must be {rule.wanted}, not {written(value)}; {used} is used."
            )
    return replace(defaults, **taken)


def _unknown(name: str, path: str, known: list[str]) -> str | None:
    """What to say of a name that is no option. At the top, editors have settings of their own."""
    from quivers.check.spelling import nearest

    near = nearest(name, known)
    if near is not None:
        return f"There is no setting {path}.{name}; did you mean {path}.{near}?"
    if path == "qvr":
        return None
    return f"There is no setting {path}.{name}; {path} has {', '.join(known)}."


def written(value: Any) -> str:
    """A value as its user wrote it, in JSON, cut where it is long."""
    import json

    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def camel_case(name: str) -> str:
    """`target_accept` as editors' settings spell it, `targetAccept`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


# ------------------------------------------------------------------------ what editors are told


def json_schema() -> dict[str, Any]:
    """The tree as JSON Schema, for the settings that an editor offers."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_schema(Options())}


def settings_by_name() -> dict[str, dict[str, Any]]:
    """The schema of each single setting under its whole name, such as `qvr.run.draws`."""
    found: dict[str, dict[str, Any]] = {}

    def collect(schema: dict[str, Any], path: str) -> None:
        for name, entry in schema["properties"].items():
            if entry.get("type") == "object":
                collect(entry, f"{path}.{name}")
            else:
                found[f"{path}.{name}"] = entry

    collect(_schema(Options()), "qvr")
    return found


def _schema(defaults: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for entry in fields(defaults):
        default = getattr(defaults, entry.name)
        properties[camel_case(entry.name)] = (
            _schema(default) if is_dataclass(default) else entry.metadata["rule"].schema(default)
        )
    about = (type(defaults).__doc__ or "").split("\n")[0]
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "additionalProperties": False,
    }


def plain(options: Any) -> dict[str, Any]:
    """Options as a client would write them."""
    found: dict[str, Any] = {}
    for entry in fields(options):
        value = getattr(options, entry.name)
        found[camel_case(entry.name)] = plain(value) if is_dataclass(value) else value
    return found
