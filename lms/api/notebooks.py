"""Notebooks (docs/contract/http.md section 5a)."""

from typing import Any

from django.db import IntegrityError, transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.identity import notebook_path
from instructors.rest.exceptions import BadRequest
from instructors.rest.fields import Name
from instructors.rest.openapi import PAGING, documented, row_filter, text_filter
from instructors.rest.parameters import query_id, query_text, validated
from lms.access import classes_of, notebooks_in, notebooks_of, with_saves_seen
from lms.api.base import ApiView
from lms.models import Notebook


class NotebookResponse(serializers.ModelSerializer[Notebook]):
    last_modified = serializers.DateTimeField(source="saved_at", allow_null=True, read_only=True)

    class Meta:
        model = Notebook
        fields = ["id", "path", "name", "last_modified"]
        read_only_fields = fields


class NewNotebook(serializers.Serializer[Any]):
    path = Name(max_length=1024)


class NotebooksView(ApiView):
    action = "list or create notebooks"

    @documented(
        summary="Notebooks",
        responses={200: NotebookResponse(many=True)},
        parameters=[
            *PAGING,
            text_filter("path", "The notebook of exactly this path."),
            row_filter(
                "class_id", "Only those that this class uses: its assignments, and those that its students have open."
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        rows = notebooks_of(self.viewer)
        if path := query_text(request, "path"):
            rows = rows.filter(path=path)
        if (class_id := query_id(request, "class_id")) is not None:
            rows = rows & notebooks_in(classes_of(self.viewer).filter(pk=class_id))
        return Response(NotebookResponse(self.paginate_queryset(with_saves_seen(rows, self.viewer)), many=True).data)

    @documented(
        summary="Create a notebook",
        request=NewNotebook,
        responses={201: NotebookResponse},
        errors=(400,),
        example={"path": "lesson/exercise01.ipynb"},
    )
    def post(self, request: Request) -> Response:
        """Create a notebook that no student has opened yet, for an assignment."""
        path = notebook_path(validated(NewNotebook(data=request.data))["path"])
        try:
            with transaction.atomic():
                made = Notebook.objects.create(path=path, name=name_of_path(path), is_course_material=True)
        except IntegrityError:
            if notebooks_of(self.viewer).filter(path=path).exists():
                raise BadRequest(f"Notebook with path '{path}' already exists") from None
            # Students of another class use this path, which the caller may not know: answer as for a new notebook.
            # Only the id, which must be that of the row, shows that it is older.
            made = Notebook.objects.get(path=path)
            Notebook.objects.filter(pk=made.pk).update(is_course_material=True)
        annotated = with_saves_seen(Notebook.objects.filter(pk=made.pk), self.viewer).get()
        return Response(NotebookResponse(annotated).data, status=201)


def name_of_path(path: str) -> str:
    """Return the last segment of the path, the notebook's name."""
    return path.rstrip("/").rpartition("/")[2] or path
