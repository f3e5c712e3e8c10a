"""Which folder may import which: the table below is the architecture, and changing it is a decision."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LANGUAGE = {"errors", "records", "syntax", "families", "codes", "check"}
NAMES = {"element_names"}  # what results call their numbers
SHELL = {"configuration", "explanations", "json_output", "sampling_defaults"}  # what shells share
RUNTIME = (
    LANGUAGE | NAMES | {"ir", "data", "backends", "inference", "calibration", "results", "terminal", "dsl"}
)

# A folder of `quivers`, or a module at its top; `qvr_server` as one.
MAY_IMPORT: dict[str, set[str]] = {
    "records": set(),
    "element_names": set(),
    "errors": {"records"},
    "sampling_defaults": set(),
    "syntax": {"errors", "records", "grammar"},
    "families": {"errors", "records"},
    "codes": {"records", "syntax"},
    "explanations": set(),
    "configuration": {"records", "syntax", "codes", "check"},
    "check": {"errors", "records", "syntax", "families", "codes"},
    "ide": LANGUAGE | NAMES,
    "ir": LANGUAGE,
    "data": LANGUAGE,
    "terminal": LANGUAGE | NAMES,
    "backends": LANGUAGE | {"ir", "data"},
    "inference": LANGUAGE
    | NAMES
    | {"ir", "data", "backends", "results", "sampling_defaults", "terminal", "notebook"},
    "results": {"errors", "notebook"} | NAMES,
    "json_output": LANGUAGE | NAMES | {"results", "data"},
    "dsl": LANGUAGE | {"ir", "data", "backends", "terminal", "notebook"},
    "calibration": LANGUAGE
    | NAMES
    | {"ir", "data", "backends", "inference", "dsl", "sampling_defaults", "terminal", "notebook"},
    # `page` and what it imports take plain data, so that the server needs no NumPy; `full` has the draws.
    "report": LANGUAGE
    | NAMES
    | {"ide", "ir", "plate", "explanations", "inference", "results", "sampling_defaults"},
    "plate": LANGUAGE,
    "templates": {"syntax"},
    "notebook": LANGUAGE | NAMES | {"terminal", "explanations"},  # renders, as `terminal` does
    "fitting": LANGUAGE
    | {"configuration", "data", "inference", "notebook", "terminal", "dsl", "sampling_defaults"},
    "jupyter": LANGUAGE | {"data", "dsl", "fitting", "notebook", "terminal"},
    "pygments_lexer": LANGUAGE | {"ide"},
    "runs": LANGUAGE
    | NAMES
    | {"ir", "data", "backends", "inference", "results", "json_output", "sampling_defaults", "notebook"},
    "worker": RUNTIME | {"json_output", "sampling_defaults", "runs", "report"},
    "cli": RUNTIME
    | SHELL
    | {"runs", "ide", "plate", "report", "templates", "fitting", "worker", "qvr_server"},
    # Of `runs` what tells of a run without its draws, so that the server needs no NumPy for it.
    "qvr_server": LANGUAGE | NAMES | SHELL | {"ide", "data", "plate", "report", "runs"},
}

# Heavy or protocol-bound libraries, and the only folders that may import them.
ONLY_IN: dict[str, set[str]] = {
    "torch": {"backends", "inference", "calibration"},
    "llvmlite": {"backends"},
    "numba": set(),
    "pygls": {"qvr_server"},
    "lsprotocol": {"qvr_server"},
    "tree_sitter": {"syntax"},
    "lark": {"syntax"},
    "rich": {"terminal", "cli"},
    "pyarrow": {"data"},
    "narwhals": {"data"},
    "pygments": {"pygments_lexer"},
    "IPython": {"jupyter"},
    "arviz": {"inference"},
    "xarray": {"inference"},
}

# One pure function lives beside the sampler and loads neither torch nor LLVM.
EXCEPTIONS = {("results", "quivers.inference.convergence")}


def layer_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    if parts[0] == "server":
        return "qvr_server"
    return parts[1].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, int]]:
    """Every module that the file imports, with its line; `from quivers import data` gives quivers.data."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            if node.module == "quivers":
                found += [(f"quivers.{alias.name}", node.lineno) for alias in node.names]
            else:
                found.append((node.module, node.lineno))
    return found


SOURCES = sorted([*ROOT.glob("quivers/**/*.py"), *ROOT.glob("server/**/*.py")])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_layer_allows(path: Path) -> None:
    layer = layer_of(path)
    if layer == "__init__":
        own = {name for name, _ in imports(path) if name.startswith("quivers")}
        assert own == {"quivers.dsl", "quivers.errors", "quivers.fitting"}
        return  # those for type checkers alone: a test of the start holds the rest
    assert layer in MAY_IMPORT, f"{path} stands in no layer of the table"
    for name, line in imports(path):
        head, *rest = name.split(".")
        if head == "quivers" and rest and rest[0] != "__version__":
            target = rest[0]
            allowed = target == layer or target in MAY_IMPORT[layer] or (layer, name) in EXCEPTIONS
            assert allowed, f"{path}:{line}: `{layer}` may not import `{name}`"
        elif head == "qvr_server":
            assert layer == "qvr_server" or "qvr_server" in MAY_IMPORT[layer], f"{path}:{line}: {name}"
        elif head in ONLY_IN:
            assert layer in ONLY_IN[head], f"{path}:{line}: `{head}` may not be imported in `{layer}`"


def test_no_module_has_a_vague_name() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "stuff", "base", "manager"}
    assert not [path for path in SOURCES if path.stem in vague]


def test_the_table_has_no_layer_that_does_not_exist() -> None:
    layers = {layer_of(path) for path in SOURCES} - {"__init__"}
    assert set(MAY_IMPORT) == layers
