"""`qvr fmt`: what it writes, what it prints, and how it leaves."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from quivers.cli import main

ROOT = Path(__file__).resolve().parents[2]

LOOSE = b"object School:FinSet 8\nprogram p : School->School\n  let  x=1 # \xe2\x8a\x97\n  return x\n"
NEAT = (
    b"object School : FinSet 8\nprogram p : School -> School\n    let x = 1  # \xe2\x8a\x97\n    return x\n"
)
BROKEN = b"object A : 8\n" + LOOSE


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    path = tmp_path / "m.qvr"
    path.write_bytes(LOOSE)
    return path


def test_a_file_is_rewritten_once(loose: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", str(loose)]) == 0
    assert loose.read_bytes() == NEAT
    assert capsys.readouterr() == ("1 file reformatted\n", "")
    before = loose.stat()
    assert main(["fmt", str(loose)]) == 0
    assert capsys.readouterr() == ("1 file left unchanged\n", "")
    assert loose.stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in loose.parent.iterdir()] == ["m.qvr"]


def test_all_files_of_a_folder_are_formatted(loose: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (loose.parent / "neat.qvr").write_bytes(NEAT)
    (loose.parent / "other.txt").write_bytes(LOOSE)
    assert main(["fmt", str(loose.parent)]) == 0
    assert capsys.readouterr().out == "1 file reformatted, 1 file left unchanged\n"
    assert (loose.parent / "other.txt").read_bytes() == LOOSE


def test_check_names_what_would_change_and_writes_nothing(
    loose: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    neat = loose.with_name("neat.qvr")
    neat.write_bytes(NEAT)
    assert main(["fmt", "--check", str(loose), str(neat)]) == 1
    expected = f"Would reformat {loose}\n1 file would be reformatted, 1 file already formatted\n"
    assert capsys.readouterr() == (expected, "")
    assert loose.read_bytes() == LOOSE
    assert main(["fmt", "--check", str(neat)]) == 0
    assert capsys.readouterr() == ("1 file already formatted\n", "")


def test_diff_shows_what_would_change_and_writes_nothing(
    loose: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    loose.write_bytes(LOOSE.rstrip(b"\n"))
    assert main(["fmt", "--diff", str(loose)]) == 1
    shown = capfdbinary.readouterr()
    assert shown.err == b"1 file would be reformatted\n"
    name = str(loose).encode()
    assert shown.out == (
        b"--- " + name + b"\tas it is\n+++ " + name + b"\tformatted\n@@ -1,4 +1,4 @@\n"
        + b"".join(b"-" + line + b"\n" for line in LOOSE.splitlines()) + b"\\ No newline at end of file\n"
        + b"".join(b"+" + line + b"\n" for line in NEAT.splitlines())
    )  # fmt: skip
    assert main(["fmt", "--diff", "--check", str(loose)]) == 1
    assert capfdbinary.readouterr().err.startswith(b"Would reformat " + name)
    assert loose.read_bytes() == LOOSE.rstrip(b"\n")


def from_standard_input(content: bytes, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    return main(["fmt", *options, "-"])


def test_standard_input_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert from_standard_input(LOOSE, monkeypatch) == 0
    assert capfdbinary.readouterr() == (NEAT, b"")
    assert from_standard_input(NEAT.replace(b"\n", b"\r\n"), monkeypatch) == 0
    assert capfdbinary.readouterr() == (NEAT.replace(b"\n", b"\r\n"), b"")
    assert from_standard_input(LOOSE, monkeypatch, "--check") == 1
    assert capfdbinary.readouterr().out == b"Would reformat <stdin>\n1 file would be reformatted\n"


def test_a_broken_declaration_is_formatted_around(
    loose: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    loose.write_bytes(b"\n\n" + BROKEN)
    assert main(["fmt", "--check", str(loose)]) == 1
    assert f" --> {loose}:3:" in capfd.readouterr().err
    assert main(["fmt", str(loose)]) == 1
    assert loose.read_bytes() == b"object A : 8\n" + NEAT
    said = capfd.readouterr()
    assert said.err.startswith("error[QVR1")
    assert f" --> {loose}:1:" in said.err
    assert said.err.endswith(f"{loose} is formatted around what cannot be read\n")
    assert said.out == "1 file reformatted\n"
    assert from_standard_input(BROKEN, monkeypatch) == 1
    assert capfd.readouterr().out.encode() == b"object A : 8\n" + NEAT


def test_what_cannot_be_read_is_said_and_the_others_are_formatted(
    loose: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, empty, binary = (str(loose.with_name(name)) for name in ("no.qvr", "empty.qvr", "bin.qvr"))
    Path(empty).write_bytes(b"")
    Path(binary).write_bytes(b"\xff\xfe")
    assert main(["fmt", nowhere, empty, binary, str(loose)]) == 1
    said = capsys.readouterr()
    assert said.out == "1 file reformatted, 1 file left unchanged\n"
    missing, encoding = said.err.splitlines()
    assert missing == f"error[QVR100]: {nowhere} does not exist."
    assert "is not UTF-8 text" in encoding
    assert loose.read_bytes() == NEAT


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_permissions_and_links_stay(loose: Path) -> None:
    loose.chmod(0o640)
    link = loose.with_name("link.qvr")
    link.symlink_to(loose.name)
    assert main(["fmt", str(link)]) == 0
    assert link.is_symlink()
    assert loose.read_bytes() == NEAT
    assert stat.S_IMODE(loose.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_replaced_is_whole_and_said(
    loose: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["fmt", str(loose)]) == 1
    assert capsys.readouterr().err == f"error[QVR100]: {loose} cannot be written: no space left on device.\n"
    assert loose.read_bytes() == LOOSE
    assert [path.name for path in loose.parent.iterdir()] == ["m.qvr"]
    monkeypatch.setattr("os.access", lambda *_: False)
    assert main(["fmt", str(loose)]) == 1
    assert capsys.readouterr().err == f"error[QVR100]: {loose} cannot be written: permission denied.\n"


def test_it_loads_neither_the_checker_nor_the_runtime(loose: Path) -> None:
    code = (
        "import sys; from quivers.cli import main; main(sys.argv[1:]);"
        "print([name for name in ('torch', 'numba', 'numpy', 'lark', 'rich', 'quivers.check')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "fmt", str(loose)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["1 file reformatted", "[]"]
