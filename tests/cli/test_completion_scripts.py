"""`qvr completion`: what the scripts complete in a real bash, and in zsh and fish where they are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quivers.cli import main
from quivers.cli.arguments import parser
from quivers.codes import CODES
from quivers.templates import TEMPLATES

ROOT = Path(__file__).resolve().parents[2]
BASH = shutil.which("bash")
# There a shell that is missing is a failure.
IN_CI = "CI" in os.environ
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these shells are not Windows'")

# What bash hands a function: the words of the line, with `=` as one of its own.
ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_qvr
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    for name in ("a.qvr", "b c.qvr", "study.csv"):
        (folder / name).touch()
    (folder / "models").mkdir()
    for name in ("schools-3f9c01ab", "radon-77aa01bc"):
        (folder / ".qvr" / "runs" / name).mkdir(parents=True)
    return folder


def surroundings(folder: Path, **more: str) -> dict[str, str]:
    """Variables of a shell that keeps runs where they are kept by default."""
    kept = {name: value for name, value in os.environ.items() if name != "QVR_RUNS_DIR"}
    return {**kept, "HOME": str(folder.parent), **more}


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def completed(folder: Path, script: str, *words: str) -> set[str]:
    assert BASH is not None
    file = folder.parent / "qvr.bash"
    file.write_text(script, "utf-8")
    done = subprocess.run(
        [BASH, "--norc", "-c", ASK, "bash", str(file), *words],
        cwd=folder, env=surroundings(folder), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


@pytest.mark.skipif(BASH is None and not IN_CI, reason="no bash")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["qvr", "pl"], {"plate"}),
        (["qvr", "check", ""], {"a.qvr", "b c.qvr", "models"}),
        (["qvr", "check", "a.qvr", "b"], {"b c.qvr"}),
        (["qvr", "check", "a.qvr", "--output-"], {"--output-format"}),
        (["qvr", "check", "--output-format", "s"], {"sarif"}),
        (["qvr", "check", "--output-format", "=", "gi"], {"github"}),
        (["qvr", "check", "--output-format", "="], {"text", "json", "sarif", "github"}),
        (["qvr", "run", "--data", "s"], {"study.csv"}),
        (["qvr", "run", "--seed", "1", ""], {"a.qvr", "b c.qvr", "models"}),
        (["qvr", "run", "--seed", "="], set()),
        (["qvr", "run", "--seed", "=", "1", "a"], {"a.qvr"}),
        (["qvr", "run", "a.qvr", ""], set()),
        (["qvr", "new", ""], set(TEMPLATES)),
        (["qvr", "new", "irt", ""], set()),
        (["qvr", "completion", ""], {"bash", "zsh", "fish"}),
        (["qvr", "runs", "sh"], {"show"}),
        (["qvr", "runs", "show", ""], {"latest", "schools-3f9c01ab", "radon-77aa01bc"}),
        (["qvr", "runs", "remove", "latest", "s"], {"schools-3f9c01ab"}),
        (["qvr", "compare", "latest", "r"], {"radon-77aa01bc"}),
        (["qvr", "run", "--resume", "s"], {"schools-3f9c01ab"}),
        (["qvr", "predict", "--run", "=", "l"], {"latest"}),
        (["qvr", "report", "a"], {"a.qvr"}),
        (["qvr", "report", "s"], {"schools-3f9c01ab"}),
        (["qvr", "explain", "QVR60"], {f"QVR60{digit}" for digit in range(10)} & set(CODES)),
        (["qvr", "explain", "a"], {"a.qvr"}),
        (["qvr", "run", "--algorithm", ""], {"nuts", "hmc"}),
        (["qvr", "nothing", ""], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bash_completes(
    words: list[str], found: set[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(folder, script("bash", capsys), *words) == found


@pytest.mark.skipif(BASH is None and not IN_CI, reason="no bash")
def test_bash_completes_every_command_and_every_option(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = script("bash", capsys)
    [commands] = [each.choices for each in parser()._actions if each.dest == "==SUPPRESS=="] or [None]
    assert commands is not None
    assert completed(folder, text, "qvr", "") - {"--help", "--version"} == set(commands)
    for name, own in dict(commands).items():
        options = {option for action in own._actions for option in action.option_strings}
        assert completed(folder, text, "qvr", name, "-") == options, name


def test_bash_is_told_of_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert BASH is not None
    done = subprocess.run(
        [BASH, "--norc", "-c", f"{script('bash', capsys)}\ncomplete -p qvr"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "-F _qvr qvr" in done.stdout


@pytest.mark.skipif(shutil.which("fish") is None and not IN_CI, reason="no fish")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("qvr pla", {"plate"}),
        ("qvr check --output-format sa", {"sarif"}),
        ("qvr run --data st", {"study.csv"}),
        ("qvr check a", {"a.qvr"}),
        ("qvr new hier", {"hierarchical"}),
        ("qvr runs show r", {"radon-77aa01bc"}),
        ("qvr run --resume s", {"schools-3f9c01ab"}),
        ("qvr compare latest s", {"schools-3f9c01ab"}),
        ("qvr explain QVR20", {code for code in CODES if code.startswith("QVR20")}),
        ("qvr report a", {"a.qvr"}),
    ],
)
def test_fish_completes(line: str, found: set[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder.parent / "qvr.fish"
    file.write_text(script("fish", capsys), "utf-8")
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {file}; complete -C '{line}'"],
        cwd=folder, env=surroundings(folder),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert {each.split("\t")[0] for each in done.stdout.splitlines()} == found


@pytest.mark.skipif(shutil.which("zsh") is None and not IN_CI, reason="no zsh")
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("qvr pla", "qvr plate "),
        ("qvr check a", "qvr check a.qvr "),
        ("qvr check --output-format sar", "qvr check --output-format sarif "),
        ("qvr new hier", "qvr new hierarchical "),
        ("qvr run a.qvr --engine tor", "qvr run a.qvr --engine torch "),
        ("qvr run --data st", "qvr run --data study.csv "),
        ("qvr runs show sch", "qvr runs show schools-3f9c01ab "),
        ("qvr run --resume sch", "qvr run --resume schools-3f9c01ab "),
        ("qvr compare latest rad", "qvr compare latest radon-77aa01bc "),
        ("qvr explain QVR401", "qvr explain QVR401 "),
        ("qvr explain a", "qvr explain a.qvr "),
        ("qvr report rad", "qvr report radon-77aa01bc "),
    ],
)
def test_zsh_completes(typed: str, line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pexpect

    file = folder.parent / "qvr.zsh"
    file.write_text(script("zsh", capsys), "utf-8")
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(folder.parent)}
    shell = pexpect.spawn("zsh", ["-f"], cwd=str(folder), env=environment, encoding="utf-8", timeout=60)
    shell.sendline(f"PS1='>>> '; autoload -Uz compinit; compinit -u -D; source {file}; echo rea''dy")
    shell.expect("ready")
    shell.expect(">>> ")
    shell.send(typed + "\t")
    shell.expect_exact(line)
    shell.close(force=True)
