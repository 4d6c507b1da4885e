"""Store a snapshot of each submission that has none: those that were handed in before versions existed."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from lms.api.notebook_content import receipt
from lms.models import AssignmentSubmission
from lms.versions.snapshots import store_submission


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Process submissions in order of arrival, a few at a time because notebooks may be large. Idempotent."""
        rows = AssignmentSubmission.objects.filter(notebook_content__isnull=False).order_by("pk")
        stored = 0
        for submission in rows.select_related("assignment__notebook", "student").iterator(chunk_size=10):
            content = submission.notebook_content
            if not isinstance(content, dict):
                continue
            with transaction.atomic():
                submission.content_sha256 = submission.content_sha256 or receipt(content)
                stored += store_submission(submission) is not None
        self.stdout.write(f"Submissions with a snapshot: {stored}")
