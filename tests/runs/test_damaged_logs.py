"""Whatever a log or a description has been made into, reading ends in sentences, and what is whole counts."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quivers.cli import main
from quivers.errors import QvrError
from quivers.runs.folders import listed
from quivers.runs.log import Kind, entries, packed
from quivers.runs.saved import SavedRun, kept_of, read_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SavedRun:
    """A short run of the centred eight schools."""
    place = tmp_path_factory.mktemp("damaged")
    for ending in (".qvr", ".data.json"):
        shutil.copy(ROOT / "examples" / "eight_schools" / f"centred{ending}", place)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("QVR_RUNS_DIR", str(place / "runs"))
        options = ["--chains", "2", "--warmup", "60", "--draws", "30", "--quiet"]
        assert main(["run", str(place / "centred.qvr"), *options]) == 0
        return read_run(listed()[0].folder)


@pytest.fixture
def changed(whole: SavedRun, tmp_path: Path) -> Path:
    """A copy of the run's folder, to be damaged."""
    return Path(shutil.copytree(whole.folder, tmp_path / "runs" / whole.folder.name))


quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def looked_at(folder: Path, whole: SavedRun) -> None:
    """Reading is a sentence, or gives draws that the run had."""
    sentences: list[str] = []
    for read in (kept_of, read_run):
        try:
            found = read(folder)
        except QvrError as error:
            sentences.append(str(error))
            continue
        if isinstance(found, SavedRun):
            assert 0 <= found.kept <= whole.kept
    assert all(each.endswith(".") and "\n" not in each for each in sentences)


@quick
@given(data=st.data())
def test_a_log_that_is_cut_overwritten_or_padded_anywhere_is_read_as_far_as_it_is_whole(
    whole: SavedRun, changed: Path, data: st.DataObject
) -> None:
    content = (whole.folder / "draws.log").read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 400)))
        content = content[:start] + data.draw(st.binary(max_size=300)) + content[end:]
    (changed / "draws.log").write_bytes(content)
    looked_at(changed, whole)
    try:
        found = read_run(changed)
    except QvrError:
        return
    for part, full in zip(found.parts, whole.parts, strict=True):
        if part is not None and full is not None:
            assert np.array_equal(part.positions, full.positions[: len(part.positions)])


@quick
@given(data=st.data())
def test_records_that_are_whole_but_say_what_no_run_says_are_a_sentence(
    whole: SavedRun, changed: Path, data: st.DataObject
) -> None:
    """As another version, or another program, might write them: their checksums are right."""
    records = []
    for entry, _ in entries(whole.folder / "draws.log"):
        values = dict(entry.values)
        arrays = {name: entry.array(name) for name in entry.shapes}
        kind: int = entry.kind
        match data.draw(st.sampled_from(["as it is", "value", "array", "kind", "gone"])):
            case "value" if values:
                name = data.draw(st.sampled_from(sorted(values)))
                values[name] = data.draw(plain)
            case "array" if arrays:
                name = data.draw(st.sampled_from(sorted(arrays)))
                shape = data.draw(st.lists(st.integers(0, 3), max_size=3))
                arrays[name] = np.full(shape, data.draw(st.sampled_from([0.0, np.nan, 1e300])))
            case "kind":
                kind = data.draw(st.integers(0, 6))
            case "gone":
                continue
        records.append(_packed(kind, values, arrays))
    (changed / "draws.log").write_bytes(b"".join(records))
    looked_at(changed, whole)


def _packed(kind: int, values: dict[str, Any], arrays: dict[str, Any]) -> bytes:
    if kind in list(Kind):
        return packed(Kind(kind), values, arrays)
    other = bytearray(packed(Kind.DATA, values, arrays))
    other[4:8] = kind.to_bytes(4, "little")
    other[16:20] = bytes(4)
    other[16:20] = zlib.crc32(bytes(other[20:]), zlib.crc32(bytes(other[:20]))).to_bytes(4, "little")
    return bytes(other)


@quick
@given(data=st.data())
def test_a_description_that_says_anything_is_a_sentence(
    whole: SavedRun, changed: Path, data: st.DataObject
) -> None:
    told = json.loads((whole.folder / "run.json").read_text())
    told.pop("checksum")
    at: Any = told
    while True:
        name = data.draw(st.sampled_from(sorted(at)))
        if isinstance(at[name], dict) and at[name] and data.draw(st.booleans()):
            at = at[name]
            continue
        break
    at[name] = data.draw(plain)
    told["checksum"] = f"{zlib.crc32(json.dumps(told, sort_keys=True).encode()):08x}"
    (changed / "run.json").write_text(json.dumps(told))
    looked_at(changed, whole)
    _listed(changed)


def _listed(folder: Path) -> None:
    """The list is printed whatever one of its runs says."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("QVR_RUNS_DIR", str(folder.parent))
        patched.setenv("QVR_TRACEBACK", "1")  # what is no sentence is raised
        for command in (["runs"], ["runs", "--json"]):
            assert main(command) == 0


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(2, "Update QVR to read it, or run it anew."), (0, "Read it with that version, or run it anew.")],
)
def test_a_run_of_another_version_says_which_and_what_to_do(
    changed: Path, capsys: pytest.CaptureFixture[str], number: int, sentence: str
) -> None:
    about = json.loads((changed / "run.json").read_text())
    about["format"] = number
    about["identity"]["versions"]["qvr"] = "9.1"
    (changed / "run.json").write_text(json.dumps(about))
    for command in (["runs", "show", str(changed)], ["run", "--resume", str(changed)]):
        capsys.readouterr()
        assert main(command) == 1
        err = capsys.readouterr().err
        assert "was saved by QVR 9.1 in a form that QVR" in err
        assert sentence in err
    assert os.listdir(changed)
