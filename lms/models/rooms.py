"""Rooms of a class, their seats, and who sits where.

A class may have several rooms. A seat takes one student, and a student has at most one seat in a room. Who sits there
is the enrolment: who leaves the class leaves the seat.
"""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from core.identity import LABEL_LENGTH, label_key
from core.key_fields import Keyed, KeyField
from lms.models.classes import Class, StudentClass
from lms.models.maps import IN_PERCENT

MAX_ROOM_NAME = 100  # characters
MAX_SEAT_LABEL = 20


class Room(Keyed):
    class_ref = models.ForeignKey(
        Class,
        on_delete=models.CASCADE,
        related_name="rooms",
        db_column="class_id",
        db_index=False,
        verbose_name="class",
    )
    name = models.CharField(max_length=MAX_ROOM_NAME)
    name_key = KeyField(of="name", form=label_key, max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "rooms"
        ordering = ["id"]
        verbose_name, verbose_name_plural = gettext_lazy("room"), gettext_lazy("rooms")
        constraints = [models.UniqueConstraint(fields=["class_ref", "name_key"], name="rooms_once_a_class")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        key = label_key(self.name or "")
        if not key:
            raise ValidationError({"name": gettext("Write at least one visible character.")})
        others = Room.objects.filter(class_ref=self.class_ref_id, name_key=key).exclude(pk=self.pk)
        if others.exists():
            raise ValidationError({"name": gettext("The class already has a room with this name.")})


class Seat(Keyed):
    """A seat. Its middle is at a point in percent of the room's width and height from its upper left corner."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="seats", db_index=False)
    label = models.CharField(max_length=MAX_SEAT_LABEL)
    label_key = KeyField(of="label", form=label_key, max_length=LABEL_LENGTH)
    position_x = models.DecimalField(max_digits=5, decimal_places=2, validators=IN_PERCENT)
    position_y = models.DecimalField(max_digits=5, decimal_places=2, validators=IN_PERCENT)

    class Meta:
        db_table = "seats"
        ordering = ["id"]
        verbose_name, verbose_name_plural = gettext_lazy("seat"), gettext_lazy("seats")
        constraints = [
            models.UniqueConstraint(fields=["room", "label_key"], name="seats_once_a_room"),
            models.CheckConstraint(
                condition=Q(position_x__range=(0, 100), position_y__range=(0, 100)), name="seats_in_the_room"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        if not label_key(self.label or ""):
            raise ValidationError({"label": gettext("Write at least one visible character.")})


class SeatAssignment(models.Model):
    """That a student of the class sits there. `room` is the seat's, for the constraint."""

    seat = models.OneToOneField(Seat, on_delete=models.CASCADE, related_name="assignment")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    enrolment = models.ForeignKey(StudentClass, on_delete=models.CASCADE, related_name="seats")
    placed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "seat_assignments"
        ordering = ["id"]
        verbose_name, verbose_name_plural = gettext_lazy("seat assignment"), gettext_lazy("seat assignments")
        constraints = [models.UniqueConstraint(fields=["room", "enrolment"], name="seat_assignments_once_a_room")]

    def __str__(self) -> str:
        return f"{self.enrolment_id} × {self.seat_id}"
