"""Change students of a class: edit them in one form, move some to another class, merge two, correct an address."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from classroom.base.decorators import class_action
from classroom.base.display import display_of
from classroom.base.setup_pages import setup_form, show, taught_classroom
from classroom.setup import merges, moves, register_edits
from classroom.setup.members import members
from core.identity import row_number
from core.validators import validate_address
from instructors.permissions import account_of
from lms.access import of_other_teachers
from lms.merging import AddressTaken
from lms.models import Student, StudentAddress


@setup_form
def edit(request: HttpRequest, class_id: int) -> HttpResponse:
    """Show the form of all students that a search finds; the first `register_edits.MAX_ROWS` of them."""
    classroom, class_ref = taught_classroom(request, class_id)
    display = display_of(request)
    if display.projector:
        return show(request, classroom, "edit_students", rows=[])
    found = members(classroom, search=request.GET.get("q", ""), order=request.GET.get("sort", ""))
    rows = register_edits.rows_of(found)
    context: dict[str, Any] = {"members": found, "most": register_edits.MAX_ROWS}
    if request.method != "POST":
        return show(request, classroom, "edit_students", rows=rows, **context)
    changed = register_edits.changed_rows(classroom, request.POST)
    if any(row.problems or row.theirs for row in changed):
        typed = {row.student_id: row for row in changed}
        kept = [typed.pop(row.student_id, row) for row in rows]
        context["problems"] = [row for row in changed if row.problems]
        context["conflicts"] = [row for row in changed if row.theirs]
        return show(request, classroom, "edit_students", rows=[*typed.values(), *kept], **context)
    count = register_edits.save(class_ref, changed, by=account_of(request), request=request)
    if count:
        messages.success(request, gettext("Students changed: %(count)d") % {"count": count})
    else:
        messages.info(request, gettext("Nothing was changed."))
    return redirect(f"{reverse('class_students', args=[class_id])}?{request.GET.urlencode()}")


@class_action
def move(request: HttpRequest, class_id: int) -> HttpResponse:
    """Without `step` a preview of what moves and what stays; with `step=move` do it."""
    classroom, class_ref = taught_classroom(request, class_id)
    user, display = account_of(request), display_of(request)
    chosen = _chosen(request.POST)
    if not chosen:
        messages.warning(request, gettext("Select at least one student first."))
        return redirect("class_students", class_id)
    offered = moves.targets(user, class_ref)
    number = row_number(request.POST.get("target", ""))
    target = next((each for each in offered if each.pk == number), None)
    if target is None and number is not None:
        raise Http404  # not a class of this user's
    if target is None:
        target = offered[0] if offered else None
    elif request.POST.get("step") == "move":
        count = moves.move(class_ref, chosen, target=target, by=user, request=request)
        words = gettext("Moved to %(name)s: %(count)d")
        messages.success(request, words % {"name": target.name, "count": count})
        return redirect("class_students", class_id)
    rows = moves.preview(classroom, class_ref, chosen, target=target, display=display) if target else []
    return show(request, classroom, "move_students", rows=rows, targets=offered, target=target)


@class_action
def merge(request: HttpRequest, class_id: int) -> HttpResponse:
    """Without `step` a preview of what follows; with `step=merge` do it."""
    classroom, class_ref = taught_classroom(request, class_id)
    user = account_of(request)
    chosen = _chosen(request.POST)
    if len(chosen) != 2 or display_of(request).projector:
        messages.warning(request, gettext("Select the two students who are one person."))
        return redirect("class_students", class_id)
    kept_id = row_number(request.POST.get("keep", "")) or chosen[0]
    if kept_id not in chosen:
        raise Http404
    [other_id] = [pk for pk in chosen if pk != kept_id]
    found = merges.merge_preview(classroom, kept_id=kept_id, other_id=other_id, user=user)
    if found is None:
        raise Http404
    if request.POST.get("step") == "merge":
        if found.is_refused:
            raise PermissionDenied
        keep_old = bool(request.POST.get("keep_old"))
        try:
            merges.merge(class_ref, kept_id=kept_id, other_id=other_id, keep_old=keep_old, by=user, request=request)
        except Student.DoesNotExist:  # merged or erased meanwhile
            raise Http404 from None
        words = gettext("%(name)s is one person now, with the address %(email)s.")
        messages.success(request, words % {"name": found.kept.name, "email": found.kept.email})
        return redirect("class_students", class_id)
    return show(request, classroom, "merge_students", preview=found, both=found.both)


class AddressForm(forms.Form):
    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        validators=[validate_address],
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    keep_old = forms.BooleanField(
        label=_("What still comes with the old address is theirs too"),
        required=False,
        initial=True,
        help_text=_("A JupyterLab may go on sending it. Leave it out if the old address is another person's."),
    )


@setup_form
def address(request: HttpRequest, class_id: int, student_id: int) -> HttpResponse:
    """Correct the address of a student. The first POST says what follows, one with `step=correct` does it."""
    classroom, class_ref = taught_classroom(request, class_id)
    student = get_object_or_404(classroom.students, pk=student_id)
    if display_of(request).projector:
        return redirect("class_students", class_id)
    user = account_of(request)
    form = AddressForm(request.POST or None, initial={"email": student.email})
    context: dict[str, Any] = {
        "student": student,
        "form": form,
        "former": StudentAddress.objects.filter(student=student_id),
        "is_refused": bool(of_other_teachers(user, [student_id])),
    }
    if request.method != "POST" or not form.is_valid():
        return show(request, classroom, "student_address", **context)
    if context["is_refused"]:
        raise PermissionDenied
    email, keep_old = form.cleaned_data["email"], form.cleaned_data["keep_old"]
    if request.POST.get("step") != "correct":
        return show(request, classroom, "student_address", is_checked=True, new_email=email, **context)
    try:
        merges.correct(class_ref, student_id=student_id, email=email, keep_old=keep_old, by=user, request=request)
    except AddressTaken as taken:
        other = get_object_or_404(classroom.students, pk=taken.student_id)
        form.add_error("email", gettext("This is the address of %(name)s.") % {"name": other.display_name})
        return show(request, classroom, "student_address", other=other, **context)
    except Student.DoesNotExist:
        raise Http404 from None
    messages.success(request, gettext("The address is %(email)s now.") % {"email": email})
    return redirect("class_students", class_id)


def _chosen(posted: QueryDict) -> list[int]:
    """Return the ids of the selected students, each once."""
    found = (row_number(text) for text in posted.getlist("student"))
    return list(dict.fromkeys(pk for pk in found if pk is not None))
