"""Views that store and commit notebook versions (docs/contract/http.md section 11). `version_views` reads them.

A class key writes to the histories of its class and reads none, because classmates share it: the response contains only
what was sent. An instructor's token reads the histories of the instructor's classes and writes to those that they teach
(`class_id`), and to the account's own history without `class_id`.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import Unprocessable
from instructors.rest.openapi import documented, text_filter
from instructors.rest.parameters import find_or_404, query_text, validated
from lms.access import classes_of, histories_of, submissions_of
from lms.api.base import ApiView
from lms.api.notebook_content import NotebookParser, receipt
from lms.api.permissions import ClassKeyOrLogin, refuse_unless_taught
from lms.api.version_requests import CommitRequest, DirectCommitRequest, NotebookSnapshotRequest
from lms.api.version_selectors import shown_snapshot, shown_version
from lms.api.version_serializers import CommitResponse, DirectCommitResponse, NotebookSnapshotResponse
from lms.models import NotebookHistory, NotebookSnapshot, NotebookVersion
from lms.versions.commits import MAIN, commit, store_changes
from lms.versions.lookup import empty_notebook, find_snapshot, find_version, newest_content, versions_of
from lms.versions.snapshots import ANONYMOUS, Author, Owner, store_snapshot

NOTEBOOK = {
    "cells": [{"cell_type": "code", "source": "print(1)", "metadata": {}, "outputs": [], "execution_count": 1}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 4,
}
AUTHOR = {"author_id": "student001@example.com", "author_name": "Hanako"}


class VersionsView(ApiView):
    """Base class: the visible histories, the owner of a new one, and helpers to find and commit versions."""

    parser_classes = (NotebookParser,)

    @property
    def seen(self) -> Any:
        return histories_of(self.viewer)

    def owner(self, class_id: int | None) -> Owner:
        """Return the owner of the history to write. Raises NotFound for a class that the viewer does not see,
        PermissionDenied for its assistants."""
        if self.holder is not None:
            return Owner(class_id=self.holder.class_id)
        if class_id is not None:
            find_or_404(classes_of(self.viewer), class_id, "Class")
            refuse_unless_taught(self.viewer, class_id)
            return Owner(class_id=class_id)
        return Owner(account_id=self.viewer.pk if self.is_login_needed() else None)

    def refuse_unless_written(self, history: NotebookHistory) -> None:
        """Raise PermissionDenied unless the viewer teaches the history's class or holds its key."""
        if self.holder is None and history.class_ref_id is not None:
            refuse_unless_taught(self.viewer, history.class_ref_id)

    def version_or_404(self, version_id: str) -> NotebookVersion:
        found = find_version(self.seen, version_id)
        if found is None:
            raise NotFound(f"Version {version_id} not found")
        self.record_view(found.history.student_id)
        return found

    def made(self, version: NotebookVersion) -> dict[str, Any]:
        """Store the changes of a new version and return the data of the response."""
        store_changes(version)
        version = versions_of(self.seen).get(pk=version.pk)
        shown = shown_version(version)
        if self.holder is not None:
            shown |= HIDDEN_FROM_KEYS
            author = Author(author_id=version.author_id or "", author_name=version.author_name or "")
            shown["snapshot"] = as_sent(shown["snapshot"], author, metadata=None)
        names = ("commit_id", "version_id", "message", "commit_message", "branch", "branch_name", "created_at")
        return {name: shown[name] for name in (*names, "version_number")} | {"version": shown}

    def commit_as(self, snapshot: NotebookSnapshot, fields: dict[str, Any]) -> NotebookVersion:
        version = commit(
            snapshot,
            branch_name=fields.get("branch") or fields.get("branch_name") or MAIN,
            message=fields.get("message") or fields["commit_message"],
            author=author_of(fields),
            now=timezone.now(),
        )
        self.record_change("notebook_commit", version)
        return version


# Fields of a version that reveal the parent version, which may be a classmate's.
HIDDEN_FROM_KEYS: dict[str, Any] = {
    "parent_version_id": None,
    "parent_version_number": None,
    "diffs": [],
    **dict.fromkeys(("total_changes", "cells_added", "cells_deleted", "cells_modified", "cells_moved"), 0),
}


def as_sent(snapshot: dict[str, Any], author: Author, *, metadata: dict[str, Any] | None) -> dict[str, Any]:
    """Return the snapshot's data with the author and metadata of this request: a classmate may have stored the same
    content before."""
    own = {"author_id": author.author_id, "author_name": author.author_name, "metadata": metadata or {}}
    return {**snapshot, **own}


def author_of(fields: dict[str, Any]) -> Author:
    author_id = fields.get("author_id") or ANONYMOUS
    return Author(author_id=author_id, author_name=fields.get("author_name") or author_id)


def either(fields: dict[str, Any], *names: str) -> str:
    """Return the first value that is not blank under one of the names. Raises Unprocessable if there is none."""
    found = next((fields[name] for name in names if (fields.get(name) or "").strip()), None)
    if found is None:
        raise Unprocessable(["body", names[0]], "Field required", "missing")
    return str(found)


def object_of(request: Request) -> dict[str, Any]:
    """Return the body. Raises Unprocessable if it is no JSON object."""
    if not isinstance(request.data, dict):
        raise Unprocessable(["body"], "Input should be a valid dictionary", "dict_type")
    return request.data


class SnapshotsView(VersionsView):
    action = "create notebook snapshot"
    key_methods = frozenset({"POST"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="Store a snapshot of a notebook",
        request=NotebookSnapshotRequest,
        responses={201: NotebookSnapshotResponse},
        errors=(404,),
        parameters=[text_filter("notebook_path", "The same as in the body, which takes precedence.")],
        example={"notebook_path": "lesson/exercise01.ipynb", "notebook_content": NOTEBOOK, **AUTHOR},
    )
    def post(self, request: Request) -> Response:
        """The same content at the same path is the same snapshot, with `metadata` as sent last. Without content, the
        newest submission or snapshot of this path is used; with a class key, or without any, an empty notebook."""
        body, path = object_of(request), query_text(request, "notebook_path")
        fields = validated(NotebookSnapshotRequest(data={"notebook_path": path, **body} if path else body))
        owner, path = self.owner(fields.get("class_id")), fields["notebook_path"]
        content, sha256 = fields.get("notebook_content"), None
        if content is None and self.holder is not None:
            content = empty_notebook()  # the newest may be a classmate's
        elif content is None:
            content, sha256 = newest_content(self.seen, submissions_of(self.viewer), path)
        with transaction.atomic():
            made = store_snapshot(
                path,
                content,
                sha256=sha256 or receipt(content) or "",
                owner=owner,
                author=author_of(fields),
                metadata=fields.get("metadata"),
            )
            self.record_change("notebook_snapshot", made)
        shown = shown_snapshot(made)
        if self.holder is not None:
            shown = as_sent(shown, author_of(fields), metadata=fields.get("metadata"))
        summary = {name: shown[name] for name in ("snapshot_id", "created_at", "metadata")}
        return Response({**summary, "message": "Notebook snapshot created successfully", "snapshot": shown}, status=201)


class CommitsView(VersionsView):
    action = "commit notebook version"
    key_methods = frozenset({"POST"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="Commit a snapshot",
        request=CommitRequest,
        responses={201: CommitResponse},
        errors=(404,),
        example={"snapshot_id": "3f0c7c2e6a1f4f0e", "message": "Exercise 2 solved", **AUTHOR},
    )
    def post(self, request: Request) -> Response:
        """Commit to a branch of the snapshot's history, or of the history of `notebook_path`. The first commit creates
        the branch."""
        body = object_of(request)
        fields = validated(CommitRequest(data=body))
        fields["message"] = either(fields, "message", "commit_message")
        path = fields.get("notebook_path") or ""
        snapshot = find_snapshot(self.seen, fields["snapshot_id"], path=path)
        if snapshot is None:
            raise NotFound(f"Snapshot {fields['snapshot_id']} not found")
        self.refuse_unless_written(snapshot.history)
        with transaction.atomic():
            if path and path != snapshot.history.notebook.path:
                snapshot = store_snapshot(
                    path,
                    snapshot.stored.content,
                    sha256=snapshot.stored_id,
                    owner=Owner.of(snapshot.history),
                    author=author_of(fields),
                )
            version = self.commit_as(snapshot, fields)
        return Response(self.made(version), status=201)


class DirectCommitsView(VersionsView):
    action = "commit notebook version"
    key_methods = frozenset({"POST"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="Store a snapshot and commit it",
        request=DirectCommitRequest,
        responses={201: DirectCommitResponse},
        errors=(404,),
        example={
            "notebook_path": "lesson/exercise01.ipynb",
            "notebook_content": NOTEBOOK,
            "commit_message": "First version",
            **AUTHOR,
        },
    )
    def post(self, request: Request) -> Response:
        fields = validated(DirectCommitRequest(data=object_of(request)))
        fields["message"] = either(fields, "commit_message", "message")
        content = fields["notebook_content"]
        owner = self.owner(fields.get("class_id"))
        with transaction.atomic():
            snapshot = store_snapshot(
                fields["notebook_path"],
                content,
                sha256=receipt(content) or "",
                owner=owner,
                author=author_of(fields),
            )
            version = self.commit_as(snapshot, fields)
        data = self.made(version)
        message = "Notebook committed successfully"
        return Response({**data, "message": message, "snapshot": data["version"]["snapshot"]}, status=201)
