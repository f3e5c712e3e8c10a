"""Files of every format, cut, spliced and written over, end in a fit or in sentences that have a code."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bad_recipes
import numpy as np
import pytest

from quivers.check.analysis import check_source
from quivers.cli import main
from quivers.codes import CODES
from quivers.data import bind, read
from quivers.errors import DataError, DataProblem
from qvr_server.data_files import DataFiles

SOURCE = """object School : FinSet
object County : FinSet
data county : School -> County
program p : School -> School
    sample mu : County <- Normal(0.0, 5.0)
    observe y : School <- Normal(mu[county], sigma)
    return y
"""
CHECKED = check_source(SOURCE)
PROGRAM = CHECKED.programs["p"]
TRIES = 120

TABLE = 'y,sigma,county\n1.5,1,"Anoka"\n-2,1,Cook\n3e0,1,"St. ""Louis"""\n,1,Anoka\n'
# What stands where it should not: in text by its signs, in other files by its bytes.
PIECES = [
    *rb"""" null , ; [ ] { } : - e 0 _ # 1e999 1,5 NaN -Infinity true \u0000 \ud800 "y" "School":""".split(),
    *(b" ", b"\t", b"\n", b"\r", b"\n\n", b"\x00", b"\xff", b"\x85", b"\x1b[31m", b"\xef\xbb\xbf"),
    *("é😀\u2028".encode(), b"9" * 400, b"[" * 3000),
]


def plain(text: str) -> Callable[[Path], bytes]:
    return lambda _: text.encode()


def stream(path: Path) -> bytes:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as file:
        table = pa.table(bad_recipes.ROWS)
        with pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    return path.read_bytes()


def names_by_number(path: Path) -> bytes:
    import pyarrow as pa

    county = pa.array(["a", "b", "a"]).dictionary_encode()
    return bad_recipes.whole_parquet(path, county=county)


def archive(path: Path) -> bytes:
    np.savez(path, **bad_recipes.ROWS, School=np.int64(3), X=np.ones((2, 2), ">f4"), z=np.array([b"a"]))
    return path.read_bytes()


WHOLES: dict[str, Callable[[Path], bytes]] = {
    "d.json": plain(json.dumps({"y": [1, 2.5, None], "sigma": 1, "county": ["a", "b", "a"], "School": 3})),
    "e.json": plain(json.dumps({"y": [1, 2, 3], "sigma": [1], "county": [0, 1, 0], "County": ["x", "y"]})),
    "d.csv": plain(TABLE),
    "d.tsv": plain(TABLE.replace(",", "\t")),
    "d.parquet": bad_recipes.whole_parquet,
    "e.parquet": names_by_number,
    "d.arrow": bad_recipes.whole_arrow,
    "e.arrow": stream,
    "d.npz": bad_recipes.whole_npz,
    "e.npz": archive,
    "y.npy": bad_recipes.whole_npy,
}


def mangled(whole: bytes, generator: random.Random) -> bytes:
    """The bytes after one to three changes."""
    content = bytearray(whole)
    for _ in range(generator.randint(1, 3)):
        place, other = sorted((generator.randrange(len(content) + 1), generator.randrange(len(content) + 1)))
        change = generator.randrange(6)
        if change == 0:
            del content[place:]
        elif change == 1:
            del content[place : min(other, place + 20)]
        elif change == 2:
            content[place:place] = generator.choice(PIECES)
        elif change == 3:
            content[place : place + 1] = bytes([generator.randrange(256)])
        elif change == 4:
            content[place:place] = content[place:other]
        else:
            content[place : place + 4] = generator.choice((b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff"))
    return bytes(content)


def tries(name: str, path: Path) -> Iterator[None]:
    whole = WHOLES[name](path)
    generator = random.Random(name)
    for _ in range(TRIES):
        path.write_bytes(mangled(whole, generator))
        os.utime(path, (0, 0))  # the editor waits for the end of one that is new
        yield


def refusal(path: Path) -> Sequence[DataProblem]:
    """What is wrong with a file for the program."""
    try:
        bind(CHECKED, PROGRAM, read(path))
    except DataError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("name", WHOLES)
def test_a_mangled_file_fits_or_ends_in_sentences(name: str, tmp_path: Path) -> None:
    path, model = tmp_path / name, tmp_path / "m.qvr"
    refused = 0
    for _ in tries(name, path):
        told = [(problem.code, problem.message) for problem in refusal(path)]
        refused += bool(told)
        for code, message in told:
            assert code in CODES
            assert code.startswith("QVR6")
            assert message.endswith((".", "?"))
            assert "\n" not in message
            assert "Error" not in message
        in_editor = DataFiles(largest=2**30).answer(model, CHECKED, PROGRAM, str(path)).problems
        assert [problem.code for problem in in_editor] == [code for code, _ in told]
    assert refused > TRIES / 10


@pytest.mark.parametrize("name", WHOLES)
def test_the_command_ends_with_status_1_where_it_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, model = tmp_path / name, tmp_path / "m.qvr"
    model.write_text(SOURCE, encoding="utf-8")
    whole, generator = WHOLES[name](path), random.Random(name)
    refused = 0
    while refused < 4:
        path.write_bytes(mangled(whole, generator))
        problems = refusal(path)
        if problems:
            refused += 1
            assert main(["run", str(model), "--data", str(path)]) == 1
            captured = capsys.readouterr()
            assert captured.out == ""
            assert f"error[{problems[0].code}]: " in captured.err
            assert "Traceback" not in captured.err
