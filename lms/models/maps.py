"""Maps of classrooms: a picture or a plain floor, and the position of each team."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from lms.models.classes import Class

MAX_TEAM_NAME = 255
IN_PERCENT = [MinValueValidator(0), MaxValueValidator(100)]


class ClassroomMap(models.Model):
    """The map of one class, or of no class: the one that existing clients share (http.md section 17).

    At most one map of a class is active, and at most one of no class. Without an image it is a plain floor. A row with
    a `room` is that room's picture, and not active.
    """

    class_ref = models.ForeignKey(
        Class, null=True, blank=True, on_delete=models.CASCADE, related_name="maps", db_column="class_id"
    )
    # The picture of a room with seats. It is never the active map of the class, on which teams are placed.
    room = models.OneToOneField(
        "lms.Room", null=True, blank=True, on_delete=models.CASCADE, related_name="picture", db_column="room_id"
    )
    image_filename = models.CharField(max_length=255, default="", blank=True)
    image_url = models.TextField(default="", blank=True)
    original_filename = models.CharField(max_length=255, null=True, blank=True)
    uploaded_by = models.CharField(max_length=255, null=True, blank=True)
    uploaded_at = models.DateTimeField(default=timezone.now)
    is_active = models.BooleanField(default=True)
    file_size_bytes = models.IntegerField(default=0)
    content_type = models.CharField(max_length=100, null=True, blank=True)

    class Meta:
        db_table = "classroom_maps"
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["class_ref"], condition=Q(is_active=True), name="classroom_maps_one_active_a_class"
            ),
            # The constraint above does not apply to maps of no class, because NULLs are distinct.
            models.UniqueConstraint(
                fields=["is_active"],
                condition=Q(is_active=True, class_ref=None),
                name="classroom_maps_one_active_of_no_class",
            ),
        ]
        indexes = [
            models.Index(fields=["-uploaded_at"], name="classroom_maps_newest"),
            # Requests for pictures look maps up by filename.
            models.Index(fields=["image_filename"], name="classroom_maps_picture"),
        ]

    def __str__(self) -> str:
        return self.original_filename or f"{self._meta.verbose_name} {self.pk}"


class TeamPosition(models.Model):
    """The position of a team, in percent of the map's width and height from its upper left corner.

    It holds the name, not a foreign key: a map is set up before the team's row exists.
    """

    map = models.ForeignKey(ClassroomMap, on_delete=models.CASCADE, related_name="team_positions", db_index=False)
    team_name = models.CharField(max_length=MAX_TEAM_NAME, db_index=True)
    position_x = models.DecimalField(max_digits=5, decimal_places=2, validators=IN_PERCENT)
    position_y = models.DecimalField(max_digits=5, decimal_places=2, validators=IN_PERCENT)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.CharField(max_length=255, null=True, blank=True)

    class Meta:
        db_table = "team_positions"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["map", "team_name"], name="team_positions_once"),
            models.CheckConstraint(
                condition=Q(position_x__range=(0, 100), position_y__range=(0, 100)), name="team_positions_on_the_map"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team_name} × {self.map_id}"
