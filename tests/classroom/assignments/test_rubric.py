"""A rubric: set by who teaches, ticked while grading, summed to a proposed score; comments that are used again."""

import pytest

from instructors.models import AuditLog, Instructor
from lms import comments as kept
from lms.models import AssignmentSubmission, ClassAssignment, RubricItem, SavedComment
from lms.rubrics import proposed_score


@pytest.fixture
def items(loops):
    lines = (("It runs", 6), ("It is explained", 4.5), ("Copied", -3))
    return [
        RubricItem.objects.create(assignment=loops, position=at, text=text, points=points)
        for at, (text, points) in enumerate(lines)
    ]


@pytest.fixture
def page(loops):
    return f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/rubric/"


@pytest.fixture
def comments_at(loops):
    return f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/comments/"


def lines_form(*lines, initial=0):
    """The form of the page: number, text, points, and whether it is to be removed."""
    form = {"item-TOTAL_FORMS": len(lines), "item-INITIAL_FORMS": initial}
    for at, (number, text, points, *removed) in enumerate(lines):
        form |= {f"item-{at}-number": number, f"item-{at}-text": text, f"item-{at}-points": points}
        form |= {f"item-{at}-DELETE": "on"} if removed else {}
    return form


def rubric(assignment):
    return list(RubricItem.objects.filter(assignment=assignment).values_list("text", "points"))


# --- Setting it -----------------------------------------------------------------------------------------------------


def test_lines_are_made_changed_and_removed(client, page, loops):
    made = lines_form(("", "It runs", "6"), ("", "Copied", "−3"), ("", "", ""))
    assert client.post(page, made).status_code == 302
    assert rubric(loops) == [("It runs", 6), ("Copied", -3)]
    first, second = RubricItem.objects.all()
    again = lines_form(
        (first.pk, "It runs well", "5,5"), (second.pk, "Copied", "-3", "x"), ("", "Tests", "1"), initial=2
    )
    assert client.post(page, again).status_code == 302
    assert rubric(loops) == [("It runs well", 5.5), ("Tests", 1)]
    assert RubricItem.objects.filter(pk=first.pk).exists(), "ticks name it by its id"
    assert AuditLog.objects.filter(action="assignment_update", details={"fields": ["rubric"]}).count() == 2


def test_an_emptied_line_is_removed(client, page, loops, items):
    kept = [(item.pk, item.text, item.points) for item in items[:2]]
    client.post(page, lines_form(*kept, (items[2].pk, "", ""), initial=3))
    assert [text for text, _ in rubric(loops)] == ["It runs", "It is explained"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("", "It runs", ""), "Type a number such as 2, 0.5 or -1."),
        (("", "It runs", "many"), "Type a number such as 2, 0.5 or -1."),
        (("", "", "4"), "Say what the points are for."),
        (("", "x" * 501, "4"), "This is too long."),
    ],
)
def test_what_is_refused_loses_nothing(client, page, loops, line, words):
    answer = client.post(page, lines_form(("", "Kept", "2"), line))
    assert answer.status_code == 422
    html = answer.content.decode()
    assert words in html
    assert "Kept" in html
    assert rubric(loops) == []


def test_a_line_of_another_assignment_is_not_touched(client, page, loops, items, notebook, python_class):
    other = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Other")
    theirs = RubricItem.objects.create(assignment=other, position=0, text="Theirs", points=1)
    client.post(page, lines_form((theirs.pk, "Mine", "9"), (theirs.pk, "", "", "x"), initial=2))
    assert rubric(other) == [("Theirs", 1)]


def test_what_a_colleague_added_meanwhile_stays(client, page, loops, items):
    client.post(page, lines_form((items[0].pk, "It runs", "7"), initial=1))
    assert rubric(loops)[0] == ("It runs", 7)
    assert len(rubric(loops)) == 3


def test_only_for_who_teaches(signed_in, assistant, page, comments_at):
    client = signed_in(assistant)
    assert client.get(page).status_code == 404
    assert client.post(page, lines_form(("", "It runs", "6"))).status_code == 404
    assert client.post(comments_at, {"text": "x", "of": "assignment"}).status_code == 404
    assert not RubricItem.objects.exists()
    assert not SavedComment.objects.exists()


# --- Grading with it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ticked", "most", "score"),
    [((0, 1), 10, 10), ((0, 1), None, 10.5), ((0, 2), 10, 3), ((2,), 10, 0), ((), 10, None)],
)
def test_the_proposed_score(items, ticked, most, score):
    assert proposed_score(items, [items[at].pk for at in ticked], most=most) == score


def test_ticks_are_kept_with_the_grade(grade, client, work, items, at, notified):
    assert grade(grade="3", rubric=[items[0].pk, items[2].pk]).status_code == 302
    work.refresh_from_db()
    assert (work.grade, work.ticked_items, notified) == (3, [items[0].pk, items[2].pk], [work.pk])
    entry = AuditLog.objects.get(action="submission_update")
    assert entry.details == {"fields": ["feedback", "grade", "status", "ticked_items"]}
    form = client.get(at).context["form"]
    assert [is_ticked for _, is_ticked in form.lines] == [True, False, True]
    assert form.proposed == 3
    grade(grade="3")
    work.refresh_from_db()
    assert work.ticked_items is None


def test_another_grade_than_the_proposed_one_may_be_given(grade, work, items, notified):
    grade(grade="9", rubric=[items[2].pk])
    work.refresh_from_db()
    assert work.grade == 9


def test_without_a_script_a_button_proposes_and_saves_nothing(grade, work, items, notified):
    answer = grade("propose", grade="", feedback="Good", rubric=[items[0].pk, items[2].pk])
    assert answer.status_code == 200
    form = answer.context["form"]
    assert (form["grade"].value(), form["feedback"].value()) == ("3", "Good")
    assert [is_ticked for _, is_ticked in form.lines] == [True, False, True]
    assert b"data-changed" in answer.content
    work.refresh_from_db()
    assert (work.grade, work.ticked_items, notified) == (None, None, [])


def test_of_two_graders_who_tick_the_second_is_told(grade, client, signed_in, kaoru, work, items, at, notified):
    seen = client.get(at).context["form"]["seen"].value()
    grade(client=signed_in(kaoru), grade="", rubric=[items[1].pk])
    answer = grade(seen=seen, grade="", feedback="Mine", rubric=[items[0].pk])
    assert answer.status_code == 409
    assert [is_ticked for _, is_ticked in answer.context["form"].lines] == [True, False, False]
    work.refresh_from_db()
    assert work.ticked_items == [items[1].pk]


def test_a_line_that_was_removed_meanwhile_is_asked_about(grade, work, items, notified):
    RubricItem.objects.filter(pk=items[0].pk).delete()
    answer = grade(grade="6", feedback="Mine", rubric=[items[0].pk, items[1].pk])
    assert answer.status_code == 422
    assert "was removed in the meantime" in answer.content.decode()
    assert "Mine" in answer.content.decode()
    work.refresh_from_db()
    assert work.grade is None


def test_an_assistant_sees_what_was_ticked(grade, signed_in, assistant, at, items, notified):
    grade(grade="6", rubric=[items[0].pk])
    html = signed_in(assistant).get(at).content.decode()
    assert "It runs" in html
    assert "It is explained" not in html


# --- Comments -------------------------------------------------------------------------------------------------------


def test_feedback_is_kept_while_grading(grade, loops, hanako, work, notified):
    grade(grade="3", feedback="Name your variables.", keep="assignment")
    grade(grade="4", feedback="Well done.", keep="teacher")
    grade(grade="4", feedback="Well done.", keep="teacher")
    grade(grade="5", feedback="", keep="teacher")
    found = list(SavedComment.objects.values_list("text", "assignment", "author"))
    assert found == [("Name your variables.", loops.pk, None), ("Well done.", None, hanako.pk)]


def test_whose_comments_are_offered(client, at, loops, hanako, notebook, python_class):
    other = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Other")
    colleague = Instructor.objects.create_user("other@example.com", "correct horse", name="Other")
    for text, owner in (
        ("Of this", {"assignment": loops}), ("Mine", {"author": hanako}),
        ("Of another", {"assignment": other}), ("A colleague's", {"author": colleague}),
    ):  # fmt: skip
        SavedComment.objects.create(text=text, **owner)
    assert {each.text for each in client.get(at).context["comments"]} == {"Of this", "Mine"}


def test_without_a_script_a_button_inserts_one_and_saves_nothing(grade, loops, work, notified):
    comment = SavedComment.objects.create(assignment=loops, text="Name your variables.")
    answer = grade("", insert=comment.pk, feedback="Good.", grade="7")
    form = answer.context["form"]
    assert (answer.status_code, form["feedback"].value()) == (200, "Good.\nName your variables.")
    assert form["grade"].value() == "7"
    assert grade("", insert=comment.pk).context["form"]["feedback"].value() == "Name your variables."
    work.refresh_from_db()
    assert (work.grade, work.feedback) == (None, None)


def test_a_comment_of_somebody_else_is_not_inserted(grade, kaoru, notified):
    comment = SavedComment.objects.create(author=kaoru, text="Secret")
    answer = grade("", insert=comment.pk, feedback="Good.")
    assert answer.context["form"]["feedback"].value() == "Good."
    assert "Secret" not in answer.content.decode()


def test_on_their_page_they_are_added_and_deleted(client, page, comments_at, loops, hanako):
    client.post(comments_at, {"text": "One\r\nTwo", "of": "assignment"})
    client.post(comments_at, {"text": "Mine", "of": "teacher"})
    assert {each.text for each in client.get(page).context["comments"]} == {"One\nTwo", "Mine"}
    for each in SavedComment.objects.all():
        assert client.post(comments_at, {"delete": each.pk}).status_code == 302
    assert not SavedComment.objects.exists()
    assert AuditLog.objects.filter(action="comment_delete").count() == 2


def test_a_comment_of_somebody_else_is_not_deleted(client, comments_at, kaoru):
    comment = SavedComment.objects.create(author=kaoru, text="Secret")
    for number in (comment.pk, "x", ""):
        assert client.post(comments_at, {"delete": number}).status_code == 404
    assert SavedComment.objects.exists()


def test_an_empty_comment_and_too_many_are_refused(client, comments_at, loops, monkeypatch):
    answer = client.post(comments_at, {"text": " ", "of": "assignment"})
    assert (answer.status_code, "Write the comment first." in answer.content.decode()) == (422, True)
    monkeypatch.setattr(kept, "MOST", 1)
    client.post(comments_at, {"text": "One", "of": "assignment"})
    answer = client.post(comments_at, {"text": "Two words", "of": "assignment"})
    assert (answer.status_code, "Two words" in answer.content.decode()) == (422, True)
    assert SavedComment.objects.count() == 1


# --- What a grader sees next ----------------------------------------------------------------------------------------


def test_after_save_and_next_the_focus_is_on_the_grade(grade, client, other, at, notified):
    address = grade("next", grade="1")["Location"]
    assert address.endswith(f"/submissions/{other.pk}/?focus=grade")
    assert "autofocus" in client.get(address).content.decode()
    assert "autofocus" not in client.get(at).content.decode()
    start = at.partition("submissions/")[0]
    first = client.get(f"{start}assignments/{other.assignment_id}/next/")["Location"]
    assert first == f"{start}submissions/{other.pk}/?focus=grade"


def test_hand_ins_come_first_then_who_is_missing(client, loops, enrol, work):
    enrol("aaron@example.com", name="Aaron")
    AssignmentSubmission.objects.create(assignment=loops, student=enrol("zoe@example.com", name="Zoe"))
    page = client.get(f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/").context["page"]
    assert [work.name for work in page.shown] == ["Ren", "Zoe", "Aaron"]
    assert [(is_in, len(group)) for is_in, group in page.groups] == [(True, 2), (False, 1)]
