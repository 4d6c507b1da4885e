"""The admin site of rooms and their seats. Who sits where is shown; the pages of a class place people."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from core.identity import label_key
from lms.admin.base import LargeTableAdmin, TabularInline
from lms.models import Room, Seat

if TYPE_CHECKING:
    FormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    FormSet = forms.BaseInlineFormSet


class Seats(FormSet):
    def clean(self) -> None:
        """Refuse two seats of one label, however it is typed."""
        super().clean()
        forms_left = [form for form in self.forms if form not in self.deleted_forms and form.cleaned_data.get("label")]
        keys = [label_key(form.cleaned_data["label"]) for form in forms_left if hasattr(form, "cleaned_data")]
        if len(set(keys)) < len(keys):
            raise ValidationError(gettext("Two seats have the same label."))


class SeatInline(TabularInline):
    model = Seat
    formset = Seats
    extra = 0
    fields = ["label", "position_x", "position_y", "student"]
    readonly_fields = ["student"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("assignment__enrolment__student")

    @admin.display(description=gettext_lazy("student"))
    def student(self, seat: Any) -> str:
        return str(seat.assignment.enrolment.student) if hasattr(seat, "assignment") else "–"


@admin.register(Room)
class RoomAdmin(LargeTableAdmin):
    goes_along = True
    list_display = ["name", "class_ref", "seats", "created_at"]
    list_select_related = ["class_ref"]
    search_fields = ["name", "class_ref__class_code", "class_ref__name"]
    autocomplete_fields = ["class_ref"]
    inlines = [SeatInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["created_at", *(["class_ref"] if obj else [])]  # who sits there is of this class

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(number_of_seats=Count("seats"))
        return rows

    @admin.display(description=gettext_lazy("seats"), ordering="number_of_seats")
    def seats(self, room: Any) -> int:
        return int(room.number_of_seats)
