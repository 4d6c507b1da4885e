"""The forms of an assignment and of a grade."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from classroom.assignments.fields import LocalDateTimeField, NumberField, TextField
from classroom.assignments.starters import StarterField, heading_of
from core.identity import visible
from lms.comments import OF_ASSIGNMENT, OF_TEACHER
from lms.grading import Grade, version_token
from lms.models import AssignmentSubmission, ClassAssignment, RubricItem
from lms.nbgrader import BadRegion, OldFormat, Release, release
from lms.rubrics import proposed_score, ticked_in


class AssignmentForm(forms.Form):
    starter = StarterField(
        label=_("Starter notebook"),
        required=False,
        help_text=_(
            "The .ipynb file that students were given. Hand-ins are compared with it. Solutions and hidden tests of an"
            " nbgrader notebook are taken out, and its points are taken over. Title and notebook may stay empty: the"
            " file gives them."
        ),
    )
    remove_starter = forms.BooleanField(label=_("Remove the starter notebook"), required=False)
    title = TextField(label=_("Title"), max_length=255, required=False)
    notebook = TextField(
        label=_("Notebook"),
        max_length=1024,
        required=False,
        widget=forms.TextInput(attrs={"list": "notebooks", "autocomplete": "off"}),
        help_text=_(
            "The path of the file in the students' JupyterLab, such as lesson/loops.ipynb. It need not have been opened"
            " yet."
        ),
    )
    description = TextField(
        label=_("Description"),
        required=False,
        strip=False,
        empty_value=None,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Markdown: **bold**, lists, `code`, links."),
    )
    due_date = LocalDateTimeField(label=_("Due"), required=False)
    points = NumberField(
        label=_("Points"),
        required=False,
        min_value=0,
        error_messages={
            "invalid": _("Type a number such as 10 or 7.5, or leave it empty."),
            "min_value": _("Points cannot be less than 0."),
        },
    )
    weight = NumberField(
        label=_("Weight"),
        required=False,
        min_value=0,
        help_text=_("In the totals of the gradebook: 1 if it is empty, 2 counts double, 0 does not count."),
        error_messages={
            "invalid": _("Type a number such as 1 or 0.5, or leave it empty."),
            "min_value": _("A weight cannot be less than 0."),
        },
    )

    def __init__(self, *sent: Any, assignment: ClassAssignment | None) -> None:
        super().__init__(*sent)
        self.initial = values_of(assignment) if assignment else {}
        self.assignment = assignment
        self.released: Release | None = None

    def clean_starter(self) -> dict[str, Any] | None:
        """Return the version for students: solutions of an nbgrader notebook are never stored."""
        content: dict[str, Any] | None = self.cleaned_data["starter"]
        if content is None:
            return None
        try:
            self.released = release(content)
        except BadRegion as bad:
            words = gettext(
                "The solutions cannot be taken out: in cell %(number)d, “%(marker)s” has no partner. Correct the"
                " notebook and choose it again."
            )
            raise forms.ValidationError(words % {"number": bad.number, "marker": bad.marker}) from None
        except OldFormat:
            raise forms.ValidationError(
                gettext("The solutions cannot be taken out of so old a format. Save the notebook in JupyterLab first.")
            ) from None
        return self.released.content

    def clean(self) -> dict[str, Any]:
        """Take title, path and points of the starter notebook where none are typed."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        upload = self.files.get("starter") if found.get("starter") else None
        path = upload.name[:1024] if upload and upload.name else ""
        title = (heading_of(found["starter"]) or path.removesuffix(".ipynb"))[:255] if path else ""
        for name, text in (("title", title), ("notebook", path)):
            if name in found and visible(found[name]) is None:
                found[name] = text
                if not text:
                    self.add_error(name, self.fields[name].error_messages["required"])
        points = self.released.points if self.released else None
        if points is not None and points >= 0 and found.get("points", 0) is None:
            found["points"] = points
        return found

    @property
    def notes(self) -> list[str]:
        """Return what there is to say of an nbgrader notebook that was uploaded."""
        found = []
        if self.released and (self.released.solutions or self.released.hidden):
            words = gettext("Taken out for students: solutions of %(solutions)d cells, hidden tests of %(hidden)d.")
            found.append(words % {"solutions": self.released.solutions, "hidden": self.released.hidden})
        points = self.released.points if self.released else None
        if points is not None and points != self.cleaned_data["points"]:
            words = gettext("The cells of the notebook add up to %(sum)s points; the assignment has %(points)s.")
            given = self.cleaned_data["points"]
            found.append(words % {"sum": f"{points:g}", "points": "–" if given is None else f"{given:g}"})
        return found

    def clean_weight(self) -> float:
        """Return the weight: 1 unless another is typed."""
        weight: float | None = self.cleaned_data["weight"]
        return 1.0 if weight is None else weight

    def clean_due_date(self) -> datetime | None:
        """Return the time; an unchanged one keeps its seconds, which the form does not show."""
        due: datetime | None = self.cleaned_data["due_date"]
        if self.assignment and self.data.get("due_date") == self.initial["due_date"]:
            due = self.assignment.due_date
        return due


def values_of(assignment: ClassAssignment) -> dict[str, Any]:
    due, points = assignment.due_date, assignment.points
    return {
        "title": assignment.title,
        "notebook": assignment.notebook.path,
        "description": assignment.description,
        "due_date": shown_moment(due) if due else "",
        "points": "" if points is None else f"{points:g}",
        "weight": f"{assignment.weight:g}",
    }


def shown_moment(moment: datetime) -> str:
    """Return the value of a `datetime-local` field, in the time zone of the pages."""
    return timezone.localtime(moment).replace(tzinfo=None).isoformat(timespec="minutes")


class GradeForm(forms.Form):
    """The grade of a submission. `seen` is the version token of the submission that the form showed."""

    grade = NumberField(
        label=_("Grade"),
        required=False,
        error_messages={"invalid": _("Type a number such as 8 or 7.5, or leave it empty.")},
    )
    feedback = TextField(
        label=_("Feedback"), required=False, strip=False, empty_value=None, widget=forms.Textarea(attrs={"rows": 6})
    )
    seen = forms.Field(required=False, widget=forms.HiddenInput)
    rubric = forms.MultipleChoiceField(
        required=False,
        error_messages={
            "invalid_choice": _("A line of the rubric was removed in the meantime. Check the ticks again.")
        },
    )
    keep = forms.ChoiceField(
        label=_("Keep this text to use again"),
        required=False,
        choices=[
            ("", _("No")),
            (OF_ASSIGNMENT, _("For everybody who grades this assignment")),
            (OF_TEACHER, _("For me, in all my classes")),
        ],
    )

    def __init__(self, *sent: Any, submission: AssignmentSubmission, items: Sequence[RubricItem]) -> None:
        super().__init__(*sent)
        points = "" if submission.grade is None else f"{submission.grade:.10g}"
        self.initial = {
            "grade": points,
            "feedback": submission.feedback,
            "seen": version_token(submission),
            "rubric": [str(number) for number in ticked_in(submission)],
        }
        self.maximum = submission.assignment.points
        self.items = items
        self.fields["rubric"].choices = [(str(item.pk), item.text) for item in items]  # type: ignore[attr-defined]

    @property
    def lines(self) -> list[tuple[RubricItem, bool]]:
        """Return the items of the rubric, and whether each is ticked in the form."""
        ticked = set(self["rubric"].value() or ())
        return [(item, str(item.pk) in ticked) for item in self.items]

    @property
    def proposed(self) -> float | None:
        """Return the score that the ticks propose."""
        return proposed_score(self.items, [item.pk for item, is_ticked in self.lines if is_ticked], most=self.maximum)

    def clean_grade(self) -> float | None:
        points: float | None = self.cleaned_data["grade"]
        if points is None or 0 <= points <= (points if self.maximum is None else self.maximum):
            return points
        if self.maximum is None:
            raise forms.ValidationError(gettext("A grade cannot be less than 0."))
        raise forms.ValidationError(gettext("Type a number from 0 to %(most)s.") % {"most": f"{self.maximum:g}"})

    def grade_given(self, *, is_returned: bool) -> Grade:
        given = self.cleaned_data
        return Grade(
            points=given["grade"],
            feedback=given["feedback"],
            is_returned=is_returned,
            ticked=[int(number) for number in given["rubric"]] if self.items else None,
        )
