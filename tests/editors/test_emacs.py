"""Emacs in batch mode: the modes compile without warnings, colour, indent, and talk with the real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent))
from editor_programs import program

ROOT = Path(__file__).resolve().parents[2]
MODES = ROOT / "editors/emacs"
TESTS = Path(__file__).parent / "emacs"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modes as compiled files, any warning being an error."""
    folder = tmp_path_factory.mktemp("emacs") / "modes"
    shutil.copytree(MODES, folder)
    files = sorted(path.name for path in folder.glob("*.el"))
    done = emacs(folder, "--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", *files)
    assert done.returncode == 0, done.stderr
    assert len(list(folder.glob("*.elc"))) == len(files) >= 6
    return folder


def emacs(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Emacs in batch mode with a home of its own and the modes of `folder`."""
    servers = Path(program("qvr-lsp")).parent
    environment = {
        **os.environ,
        "PATH": f"{servers}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder.parent),
        "LC_ALL": "C.UTF-8",
        **variables,
    }
    return subprocess.run(
        [program("emacs"), "--batch", "-L", str(folder), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )


def passed(folder: Path, suite: str, **variables: str) -> None:
    """Run a file of ERT tests; all of them must pass."""
    done = emacs(folder, "-l", str(TESTS / suite), "-f", "ert-run-tests-batch-and-exit", **variables)
    assert done.returncode == 0, done.stderr[-6000:]
    assert ", 0 unexpected" in done.stderr


def test_the_mode_colours_and_indents(compiled: Path) -> None:
    passed(compiled, "qvr-mode-tests.el", QVR_EXAMPLES=str(ROOT / "examples"))


def test_a_model_is_checked_run_and_reported_through_eglot(compiled: Path, tmp_path: Path) -> None:
    centred = ROOT / "examples/eight_schools/centred.qvr"
    text = centred.read_text("utf-8")
    assert text.count(" Normal(mu, tau)") == 1
    (tmp_path / "schools.qvr").write_text(text.replace(" Normal(mu, tau)", " Normol(mu, tau)"), "utf-8")
    shutil.copy(centred.with_name("centred.data.json"), tmp_path / "schools.data.json")
    (tmp_path / "qvr.toml").touch()
    passed(compiled, "qvr-eglot-tests.el", QVR_FOLDER=str(tmp_path))


def test_the_tree_sitter_mode_colours_or_says_what_it_lacks(compiled: Path) -> None:
    has = emacs(
        compiled, "--eval", "(princ (and (fboundp 'treesit-available-p) (treesit-available-p)))"
    ).stdout
    if has == "t":
        build = f'(qvr-ts-build-grammar "{ROOT / "grammar/src"}")'
        assert emacs(compiled, "-l", "qvr-ts-mode", "--eval", build).returncode == 0
        passed(compiled, "qvr-ts-mode-tests.el", QVR_EXAMPLES=str(ROOT / "examples"))
    else:
        said = "(condition-case problem (qvr-ts-mode) (user-error (princ (cadr problem))))"
        assert "or use M-x qvr-mode" in emacs(compiled, "-l", "qvr-ts-mode", "--eval", said).stdout
