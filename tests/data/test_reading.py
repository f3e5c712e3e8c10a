"""Reading data files."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from quivers.data import default_path, read
from quivers.data.read import READERS
from quivers.errors import DataError

# Python 3.13 names a trailing comma, those before it what comes after.
COMMA = 4 if sys.version_info >= (3, 13) else 5


def test_a_file_gives_its_values_by_name(tmp_path: Path) -> None:
    path = tmp_path / "m.data.json"
    path.write_bytes(b'\xef\xbb\xbf{"y": [1, 2.5, -3e2], "\xcf\x83": 1, "x": [NaN]}')
    values = read(path)
    assert values["y"] == [1, 2.5, -300.0]
    assert values["σ"] == 1
    assert math.isnan(values["x"][0])


def test_the_default_stands_beside_the_model() -> None:
    assert default_path(Path("a/model.qvr")) == Path("a/model.data.json")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", 'is empty: it should hold a JSON object, such as {"y": [1.5, 2]}'),
        (b" \n", 'is empty: it should hold a JSON object, such as {"y": [1.5, 2]}'),
        (b'{"y": \xff}', "is not UTF-8 text: byte 7 is 0xFF"),
        (b'{"y": [1,\n  2,]}', f"is not valid JSON: line 2, column {COMMA}: "),
        (b'{"y": [1', "is not valid JSON: line 1, column 9: expecting ',' delimiter"),
        (b"y,sigma\n1,2\n", "is not valid JSON: line 1, column 1: expecting value"),
        (b"[1, 2]", "holds a list at the top, where names with values belong"),
        (b"null", "holds null at the top, where names with values belong"),
        (b'{"y": 1, "y": 2}', "gives `y` twice"),
        (b'{"y": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nests lists too deeply to be data"),
        (b'{"y": ' + b"9" * 5000 + b"}", "holds a whole number with thousands of digits"),
        (b"\x00" * 40, "is not valid JSON: line 1, column 1: expecting value"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_file_is_one_sentence_with_its_path(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} {sentence}")
    assert "\n" not in str(caught.value)
    assert caught.value.problems[0].code == "QVR600"


def test_a_path_that_cannot_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"none\.json does not exist"):
        read(tmp_path / "none.json")
    with pytest.raises(DataError, match="is a directory without data files: their names end in"):
        read(tmp_path)
    (tmp_path / "a.json").touch()
    with pytest.raises(DataError, match=r"a\.json/b cannot be read: not a directory"):
        read(tmp_path / "a.json" / "b")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"a\.json cannot be read: permission denied"):
        read(tmp_path / "a.json")


def test_the_page_about_data_names_every_ending() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    formats = page.partition("## Formats")[2].partition("###")[0]
    assert [ending for ending in READERS if f"`{ending}`" not in formats] == []
