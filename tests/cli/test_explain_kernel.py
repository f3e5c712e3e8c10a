"""`qvr explain FILE --kernel`: the source of a run's kernel, with data and without, and why there is none."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from quivers.cli import main

MODEL = """
object School : FinSet

program first : School -> School
    sample mu <- Normal(0.0, 5.0)
    observe y : School <- Normal(mu, 1.0)

program second : School -> School
    sample tau <- HalfNormal(5.0)
    let scale = 2.0 * tau
    observe y : School <- Normal(0.0, scale)
"""


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "model.qvr"
    file.write_text(MODEL, encoding="utf-8")
    return file


def shown(capsys, *arguments):
    status = main(["explain", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_source_names_the_programs_sites_without_data(model, capsys):
    status, out, _ = shown(capsys, model, "--kernel")
    assert status == 0
    assert f"# The kernel of second, from {model}\n# There are no data" in out
    assert "# sample tau" in out
    assert "# let scale" in out
    assert "y_at = 1  # y : School" in out
    assert "for i_School in range(n_School):  # each School" in out
    ast.parse(out)


def test_with_data_the_sizes_and_the_file_are_named(model, capsys):
    data = model.parent / "model.data.json"
    data.write_text(json.dumps({"y": [1.0, 2.0, 3.0]}), encoding="utf-8")
    status, out, _ = shown(capsys, model, "--kernel", "--program", "first")
    assert status == 0
    assert f"# The kernel of first, from {model}\n# Data: {data}\n# Sizes: School 3\n" in out
    other = model.parent / "other.json"
    data.rename(other)
    assert f"# Data: {other}\n" in shown(capsys, model, "--kernel", "--data", other)[1]


def test_where_there_is_no_kernel_the_reason_is_told(model, capsys, monkeypatch):
    from quivers.backends.kernel import kernel

    monkeypatch.setattr(kernel, "LARGEST", 3)
    status, out, _ = shown(capsys, model, "--kernel")
    assert status == 0
    assert out.startswith("second has no kernel, so torch runs. The program takes ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kernel"], "`--kernel` needs a .qvr file"),
        (["QVR401", "--program", "p"], "`--data`, `--map` and `--program` go with `--kernel`"),
        (["model.qvr"], "`model.qvr` is a file: `qvr explain model.qvr --kernel` shows"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, message, capsys):
    status, _, err = shown(capsys, *arguments)
    assert status == 2
    assert message in err


def test_programs_with_errors_and_programs_that_are_not_there_are_refused(model, capsys):
    status, _, err = shown(capsys, model, "--kernel", "--program", "third")
    assert status == 2
    assert "has no program `third`, only `first`, `second`" in err
    model.write_text(MODEL.replace("HalfNormal(5.0)", "HalfNormal(-5.0)"), encoding="utf-8")
    status, _, err = shown(capsys, model, "--kernel")
    assert status == 1
    assert "HalfNormal" in err


def test_torch_is_not_loaded_for_it(model):
    script = (
        "import sys; from quivers.cli import main; "
        f"main(['explain', {str(model)!r}, '--kernel']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
