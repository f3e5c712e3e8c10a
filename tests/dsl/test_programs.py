"""Loading programs from Python: what comes back, and what each kind of bad input says."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from quivers.dsl import load, loads
from quivers.errors import ProgramError, QvrError

FARMS = """
object Farm : FinSet 4

program first : Farm -> Farm
    sample height <- Normal(0.0, 1.0)
    sample yield_ : Farm <- Normal(height, 2.0)
    observe seen : Farm <- Normal(yield_, error)
    return yield_

program second : Farm -> Farm
    sample slope : Farm <- Exponential(1.0)
    return slope
"""


def test_the_last_program_is_the_one_that_loads():
    assert loads(FARMS).name == "second"


def test_an_export_chooses_the_program():
    program = loads(FARMS + "\nexport first\n")
    assert program.name == "first"
    assert program.signature == "Farm -> Farm ! {Sample, Score}"


def test_the_morphism_is_a_module_without_parameters():
    model = loads(FARMS).morphism
    assert isinstance(model, torch.nn.Module)
    assert list(model.parameters()) == []
    assert loads(FARMS).morphism.to("cpu").device.type == "cpu"


def test_the_morphism_is_built_once():
    program = loads(FARMS)
    assert program.morphism is program.morphism


def test_a_mistake_is_shown_with_its_line():
    with pytest.raises(ProgramError) as raised:
        loads(FARMS.replace("Exponential", "Exponentiel"))
    assert "Exponentiel" in str(raised.value)
    assert "11" in str(raised.value)
    assert [problem.code for problem in raised.value.diagnostics] == ["QVR202"]


def test_a_warning_does_not_stop_a_program():
    program = loads(FARMS.replace("Normal(height, 2.0)", "Normal(0.0, height)"))
    assert any(problem.severity.value == "warning" for problem in program.checked.diagnostics)


@pytest.mark.parametrize("text", ["", "object Farm : FinSet 4\n", "# nothing\n"])
def test_a_text_without_a_program_says_so(text):
    with pytest.raises(ProgramError, match="no program"):
        loads(text)


def test_an_unclosed_bracket_is_an_error_of_the_program():
    with pytest.raises(ProgramError, match="error"):
        loads("(")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(QvrError, match=r"nowhere\.qvr can't be read"):
        load(tmp_path / "nowhere.qvr")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(QvrError, match="can't be read"):
        load(tmp_path)


def test_bytes_that_are_not_utf8_are_refused(tmp_path):
    path = tmp_path / "latin.qvr"
    path.write_bytes(b"# caf\xe9\n" + FARMS.encode())
    with pytest.raises(QvrError, match="UTF-8"):
        load(path)


def test_loading_from_a_file_is_loading_its_text(tmp_path):
    path = tmp_path / "farms.qvr"
    path.write_text(FARMS, encoding="utf-8")
    assert load(path).signature == loads(FARMS).signature


def test_loading_does_not_import_torch():
    code = (
        "import sys; from quivers.dsl import loads; "
        f"loads({FARMS!r}); print('torch' in sys.modules, 'numba' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]
