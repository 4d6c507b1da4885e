"""Real notebooks, checked, drawn and compared. These are test files of nbformat (BSD-3-Clause, Jupyter contributors);
`tests/lms/notebooks/real_notebooks.py` takes any folder of them."""

import json
from pathlib import Path

import pytest

from tests.lms.notebooks.real_notebooks import sweep

FILES = sorted((Path(__file__).parents[2] / "payloads" / "notebooks").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_real_notebook(file, drawn):
    said = sweep(json.loads(file.read_text()))
    assert said.startswith("fine"), said
