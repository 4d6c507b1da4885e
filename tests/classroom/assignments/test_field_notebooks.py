"""Notebooks as people's programs save them, through every door: handed in, uploaded as a starter, kept as a version,
drawn, compared, downloaded. `tests/payloads/field/nb_*`: each stands for a kind.

Each is handed in, drawn and compared; of the doors behind that `make test` leads each through `DOORS_EACH`, in turn."""

import json
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from instructors import tokens
from lms.models import AssignmentStarter, AssignmentSubmission, ClassAssignment, NotebookVersion
from lms.notebooks.cells import cells_of
from tests.lms.notebooks.drawing import diff_cells, draw, left_out
from tests.lms.notebooks.pictures import FIELD
from tests.selection import some_of

pytestmark = [pytest.mark.filterwarnings("ignore:.*lexer"), pytest.mark.usefixtures("redis")]

FILES = sorted(file.name for file in FIELD.glob("nb_*"))
NO_CELLS = {"nb_nbformat_minor_missing_float.json", "nb_nbformat_string.json"}
LEFT = {"nb_widget_view_only.json", "nb_julia_html_img_svg.json"}  # what cannot be shown is said there

# What stands in the page, and what does not.
DRAWN = {
    "nb_OSC_8_hyperlink_rich_.json": (["link end"], ["example.com", "8;id"]),
    "nb_R_html_table_factor.json": (['<table class="dataframe">', "A data.frame"], []),
    "nb_backspaces_keras_.json": (["10/10 [====]"], ["1/10 [>"]),
    "nb_cell_type_sql.json": (["<pre>select 1</pre>"], []),
    "nb_cursor_up_erase_line_nested_tqdm_pip_.json": (["100%"], ["10%\n", "[1A", "[2K"]),
    "nb_error_evalue_null_traceback_null.json": (["<pre>\nE\n</pre>"], ["None", "null"]),
    "nb_error_output_evalue_missing.json": (["E: v"], []),
    "nb_error_output_with_execution_count.json": (["E: v"], []),
    "nb_execute_result_without_execution_count.json": ([">2<"], []),
    "nb_execution_count_negative.json": (["In&nbsp;[&nbsp;]:"], ["[-1]"]),
    "nb_execution_count_string_star.json": (["In&nbsp;[&nbsp;]:"], []),
    "nb_heading_cell_in_4.json": (["<h1>T</h1>"], []),
    "nb_julia_html_img_svg.json": (['src="data:image/png;base64,iVBOR'], []),
    "nb_julia_svg.json": (['src="data:image/svg+xml;base64,'], ["<svg"]),
    "nb_math.json": (['<math alttext="E=mc^2">', '<math display="block"', "<msubsup>"], ["$"]),
    "nb_mime_data_number.json": ([">5<"], []),
    "nb_mime_html_null.json": ([">x<"], ["null"]),
    "nb_nbformat_2.json": (['<span class="mi">1</span>'], []),
    "nb_nbformat_3.json": (["In&nbsp;[1]:", ">2<"], []),
    "nb_output_metadata_empty_list_APL_R_.json": ([">2<"], []),
    "nb_output_metadata_missing.json": ([">2<"], []),
    "nb_output_metadata_null_Cadabra_.json": ([">2<"], []),
    "nb_output_type_update_display_data.json": ([">x<"], []),
    "nb_png_with_newline_list.json": (["data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAA"], []),
    "nb_stream_text_null.json": ([], ["null", "None"]),
    "nb_stream_without_name.json": (["hi"], []),
    "nb_tqdm_CR.json": (["100%|###| 100/100"], ["90%", "\r"]),
    "nb_tqdm_two_stream_chunks.json": (["100%"], ["50%"]),
    "nb_transient_in_output.json": ([">x<"], []),
    "nb_truecolor_ansi.json": (['<span class="ansi-red-fg">red</span>'], ["255", "style"]),
    "nb_widget_view_only.json": (["IntSlider(value=0)"], []),
}


def content_of(name):
    return json.loads((FIELD / name).read_text("utf-8-sig"))


@pytest.fixture
def loops(python_class, notebook):
    return ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops", points=10)


@pytest.fixture
def api(hanako):
    def post(path, body):
        token = tokens.issue(hanako, now=datetime.now(UTC))
        headers = {"Authorization": f"Bearer {token}"}
        return Client().post(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers)

    return post


@pytest.fixture
def upload(signed_in, hanako, python_class, loops):
    """A file as the starter of the assignment: what the form says about it, empty where it is taken."""

    def send(file, name="starter.ipynb"):
        typed = {"title": "Loops", "notebook": "loops.ipynb", "due_date": "", "points": "", "description": ""}
        at = f"/classes/{python_class.pk}/assignments/{loops.pk}/edit/"
        answer = signed_in(hanako).post(at, {**typed, "starter": SimpleUploadedFile(name, file)})
        return "" if answer.status_code == 302 else answer.context["form"].errors["starter"][0]

    return send


def downloaded_and_opened(content, name, *, at, client, **others):
    assert json.loads(client.get(f"{at}notebook.ipynb").content) == content
    assert client.get(at).status_code == client.get(f"{at}notebook/?plain").status_code == 200


def kept_as_a_version(content, name, *, api, **others):
    kept = api("/notebook-version/snapshot", {"notebook_path": "a.ipynb", "notebook_content": content})
    assert kept.status_code == 201, kept.content
    assert kept.json()["snapshot"]["total_cells"] == len(cells_of(content))


def committed(content, name, *, api, **others):
    direct = {"notebook_path": "b.ipynb", "notebook_content": content, "commit_message": "m"}
    assert api("/notebook-version/commit-direct", direct).status_code == 201
    assert NotebookVersion.objects.get().snapshot.stored.content == content


def uploaded_as_a_starter(content, name, *, upload, **others):
    assert upload((FIELD / name).read_bytes()) == ""
    assert AssignmentStarter.objects.get().content == content


DOORS = [downloaded_and_opened, kept_as_a_version, committed, uploaded_as_a_starter]
DOORS_EACH = 1


@pytest.mark.parametrize("name", FILES)
def test_a_notebook_of_the_field_passes_every_door_and_is_kept_as_it_was_sent(
    name, api, upload, loops, ren, signed_in, hanako, python_class
):
    content = content_of(name)
    body = {"assignment_id": loops.pk, "student_id": ren.pk, "notebook_content": content}
    handed_in = api("/submissions", body)
    assert handed_in.status_code == 201, handed_in.content
    assert handed_in.json()["notebook_content"] == content
    work = AssignmentSubmission.objects.get()
    at = f"/classes/{python_class.pk}/submissions/{work.pk}/"
    for enter in some_of(DOORS, FILES.index(name), share=DOORS_EACH):
        enter(content, name, at=at, client=signed_in(hanako), api=api, upload=upload)


@pytest.mark.parametrize("name", FILES)
def test_it_is_drawn_as_it_should_look(name):
    content = content_of(name)
    html = draw(content)
    assert html.count('<div class="cell ') == len(cells_of(content)) == (0 if name in NO_CELLS else 1)
    assert (left_out() in html) is (name in LEFT)
    shown, hidden = DRAWN.get(name, ([], []))
    text = html.replace("<pre>", "<pre>\n").replace("</pre>", "\n</pre>").replace("\n\n", "\n")
    for words in shown:
        assert words in html or words in text, words
    for words in hidden:
        assert words not in html, words


@pytest.mark.parametrize("name", FILES)
def test_the_copy_that_is_drawn_is_a_valid_notebook(name):
    import nbformat

    from lms.notebooks.markdown_cells import Formulas
    from lms.notebooks.rendering import _notebook

    nbformat.validate(_notebook(content_of(name), Formulas()))


@pytest.mark.parametrize("name", FILES)
def test_compared_with_itself_nothing_changed(name):
    content = content_of(name)
    found = diff_cells(content, content)
    assert [(each.kind, each.outputs_changed) for each in found] == [("unchanged", False)] * len(cells_of(content))


# --- Starters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["starter_bom", "starter_utf16", "starter_null_metadata_output", "starter_lf"])
def test_a_starter_of_the_field_is_taken(upload, name):
    assert upload((FIELD / f"{name}.json").read_bytes()) == ""
    assert AssignmentStarter.objects.get().content["nbformat"] == 4


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8-sig"])
def test_a_starter_in_any_unicode(upload, encoding):
    text = json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "課題"}]}, ensure_ascii=False)
    assert upload(text.encode(encoding)) == ""
    assert cells_of(AssignmentStarter.objects.get().content)[0].source == "課題"


def test_a_starter_with_numbers_that_are_none_is_taken_as_events_take_them(upload):
    assert upload((FIELD / "starter_nan.json").read_bytes()) == ""
    [output] = AssignmentStarter.objects.get().content["cells"][0]["outputs"]
    assert output["data"]["application/vnd.plotly.v1+json"] == {"y": [1, None]}


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ((FIELD / "starter_merge_conflict.json").read_bytes(), "merge conflict"),
        (b'{\r\n "cells": [\r\n<<<<<<< HEAD\r\n1\r\n=======\r\n>>>>>>> x\r\n]}', "merge conflict"),
        (b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n", "merge conflict"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"PK\x03\x04rest", "packed file"),
        (b"\x1f\x8brest", "packed file"),
        (b"%PDF-1.7", "PDF"),
        (b"\n\n<!DOCTYPE html><html>", "web page"),
        (b"<html>", "web page"),
        (b"[]", "JSON, but no cells"),
        (b'{"name": "x", "version": 1}', "JSON, but no cells"),
        (b'"text"', "JSON, but no cells"),
        (b'{"cells": [], "nbformat": 9}', "format that is not known"),
        (b'{"cells": [], "m": ' + b"[" * 150 + b"]" * 150 + b"}", "nested too deeply"),
        (b'{"cells": [{"cell_type": "code", "source": "pri', "cut short"),
        (b'{"cells": [', "cut short"),
        (b'{"cells": [{"source": "\xe9"}]}', "damaged"),
        (b"import os\n", "ends in .ipynb"),
    ],
)
def test_what_is_no_notebook_is_told_what_it_is(upload, file, words):
    said = upload(file)
    assert words in said
    assert "notebook" in said
    assert not AssignmentStarter.objects.exists()


# --- What is the same -----------------------------------------------------------------------------------------------

LF = content_of("starter_lf.json")


def with_sources(change):
    return {**LF, "cells": [{**cell, "source": change(cell["source"])} for cell in LF["cells"]]}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text + "\n",
        lambda text: text + "\r\n\r\n",
        lambda text: text.splitlines(keepends=True),
        lambda text: text.replace("\n", "\r\n").splitlines(keepends=True),
    ],
    ids=["CRLF", "CR", "a line end more", "two more", "lines", "lines of CRLF"],
)
def test_line_ends_change_nothing(change):
    for old, new in ((LF, with_sources(change)), (with_sources(change), LF)):
        assert [each.kind for each in diff_cells(old, new)] == ["unchanged"] * 3
    without_ids = {**LF, "cells": [{k: v for k, v in c.items() if k != "id"} for c in with_sources(change)["cells"]]}
    assert [each.kind for each in diff_cells(LF, without_ids)] == ["unchanged"] * 3


@pytest.mark.parametrize("change", [lambda text: text + " ", lambda text: "\n" + text, lambda text: text + "\fx"])
def test_what_is_marked_as_changed_has_a_changed_line(change):
    for each in diff_cells(LF, with_sources(change)):
        assert each.kind == "modified"
        assert each.lines_added + each.lines_deleted > 0


def test_a_cell_of_another_type_says_so_instead_of_lines():
    other = {**LF, "cells": [{**LF["cells"][0], "cell_type": "markdown"}, *LF["cells"][1:]]}
    [changed, *_] = diff_cells(LF, other)
    assert (changed.kind, changed.old_type, changed.cell_type, changed.lines) == ("modified", "code", "markdown", [])


def test_outputs_that_are_shown_the_same_are_the_same():
    def made(*outputs):
        return {"cells": [{"cell_type": "code", "source": "1", "outputs": list(outputs)}]}

    def stream(text, **more):
        return {"output_type": "stream", "text": text, **more}

    one = made(stream("a\nb\n", name="stdout"))
    for other in (
        made(stream(["a\n", "b\n"], name="stdout")),
        made(stream("a\n"), stream("b\n", name="stdout")),
        made(stream("a\r\nb\r\n")),
        made(stream("\r10%\ra  \nb\n", name="stdout")),
    ):
        assert [each.outputs_changed for each in diff_cells(one, other)] == [False]
    for other in (made(stream("a\nc\n")), made(stream("a\nb\n", name="stderr")), made()):
        assert [each.outputs_changed for each in diff_cells(one, other)] == [True]


def test_the_page_of_changes_says_nothing_changed(signed_in, hanako, upload, api, loops, ren, python_class, drawn):
    upload(json.dumps(LF).encode())
    windows = with_sources(lambda text: text.replace("\n", "\r\n") + "\r\n")
    api("/submissions", {"assignment_id": loops.pk, "student_id": ren.pk, "notebook_content": windows})
    work = AssignmentSubmission.objects.get()
    html = signed_in(hanako).get(f"/classes/{python_class.pk}/submissions/{work.pk}/?view=changes").content.decode()
    assert "Cells changed: 0, added: 0, deleted: 0, moved: 0" in html
    assert "Cells that stayed the same: 3" in html
    assert "· +" not in html
