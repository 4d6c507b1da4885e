"""`manage.py up --demo --lab`: what is wrong is told in a sentence, and the notebook is the class's."""

import json
import socket
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from events.simulation.lesson import notebook
from operations.local.demo_lab import FIRST_PORT, DemoLab


@pytest.fixture
def jupyter(tmp_path: Path) -> Path:
    file = tmp_path / "jupyter"
    file.touch(mode=0o755)
    return file


def test_a_command_that_is_not_there(tmp_path):
    with pytest.raises(ImproperlyConfigured, match="make demo-lab"):
        DemoLab(jupyter=tmp_path / "missing", folder=tmp_path)


def test_it_belongs_to_the_demo(jupyter):
    with pytest.raises(CommandError, match="--lab needs --demo"):
        call_command("up", lab=jupyter, demo=False)


def test_a_taken_port_is_passed_over(tmp_path, jupyter):
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", FIRST_PORT))
            taken.listen()
        except OSError:
            pass  # somebody else has it: as well
        assert DemoLab(jupyter=jupyter, folder=tmp_path).port > FIRST_PORT


def test_the_notebook_is_the_class_s_and_what_a_student_wrote_stays(tmp_path, jupyter):
    lab = DemoLab(jupyter=jupyter, folder=tmp_path / "lab")
    program = lab.program(url="http://127.0.0.1:8000", key="k")
    lesson = notebook(language="ja", number=1)
    [file] = (tmp_path / "lab").rglob("*.ipynb")
    assert str(file).endswith(lesson.path)
    content = json.loads(file.read_text())
    assert [cell["id"] for cell in content["cells"]] == [cell.cell_id for cell in lesson.cells]
    assert program.environment["CELL_MONITOR_KEY"] == "k"
    assert not any(part == "k" or lab.token in part for part in program.argv), (
        "secrets are not in the list of processes"
    )
    file.write_text("mine")
    lab.program(url="http://127.0.0.1:8000", key="k")
    assert file.read_text() == "mine"
