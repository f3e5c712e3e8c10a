"""A model opened in a real, headless Neovim with the plugin of `editors/neovim` on its runtime path."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGIN = ROOT / "editors/neovim"

pytestmark = pytest.mark.e2e


def program(name: str) -> str:
    """A program beside this Python, else on the path; without it CI fails and others skip."""
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=str(beside)) or shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed, and CI must have it")
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a user sees in an afternoon with the eight schools, a misspelling in them."""
    folder = tmp_path_factory.mktemp("neovim")
    centred = (ROOT / "examples/eight_schools/centred.qvr").read_text(encoding="utf-8")
    assert centred.count(" Normal(mu, tau)") == 1
    model = folder / "schools.qvr"
    model.write_text(centred.replace(" Normal(mu, tau)", " Normol(mu, tau)"), encoding="utf-8")
    (folder / "qvr.toml").touch()
    report = folder / "seen.json"
    servers = Path(program("qvr-lsp")).parent
    environment = {
        **os.environ,
        "PATH": f"{servers}{os.pathsep}{os.environ['PATH']}",
        "QVR_SEEN": str(report),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    command = [
        *(program("nvim"), "--headless", "--clean", "-n"),
        *("--cmd", f"set runtimepath^={PLUGIN}"),
        *("-c", "lua vim.lsp.enable('qvr')"),
        *("-c", f"edit {model}"),
        *("-c", f"luafile {Path(__file__).with_name('neovim.lua')}"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=240, check=False)
    assert report.exists(), done.stderr.decode()
    result: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    assert "failure" not in result, result["failure"]
    return result


def test_the_file_is_known_and_the_server_attached_at_the_project_root(seen: dict[str, Any]) -> None:
    assert seen["filetype"] == "qvr"
    assert seen["commentstring"] == "# %s"
    assert Path(seen["root"]).name.startswith("neovim")


def test_columns_are_counted_in_bytes_as_neovim_does(seen: dict[str, Any]) -> None:
    assert seen["encoding"] == "utf-8"


def test_a_misspelt_family_is_marked_on_its_token_and_the_right_one_named(seen: dict[str, Any]) -> None:
    [problem] = seen["before"]
    assert problem["token"] == "Normol"
    assert "Normal" in problem["message"]


def test_the_problem_goes_when_the_text_is_mended(seen: dict[str, Any]) -> None:
    assert seen["after"] == []


def test_a_problem_is_on_its_token_right_of_wide_characters(seen: dict[str, Any]) -> None:
    assert [problem["token"] for problem in seen["wide"]] == ["Scool"]


def test_hovers_show_the_types(seen: dict[str, Any]) -> None:
    assert "School ⊗ Real" in seen["hover"]["theta"]
    assert "Real⁺" in seen["hover"]["tau"]
    assert "School ⊗ Real⁺" in seen["hover"]["sigma"]


def test_the_program_can_be_run_from_its_lens(seen: dict[str, Any]) -> None:
    assert seen["lenses"] == ["▶ Run eight_schools_centred"]


def test_the_server_complains_of_nothing(seen: dict[str, Any]) -> None:
    assert "LSP[qvr]" not in seen["messages"]
