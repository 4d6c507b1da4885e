"""The command that forgets Hanako, and who only looks like her."""

import io

from django.core.management import call_command

from tests.operations.privacy.student_data import EMAIL, LONGER


def forget(email: str = EMAIL, **options: object) -> str:
    out = io.StringIO()
    call_command("forget_student", email, yes=True, stdout=out, **options)
    return out.getvalue()


def of_others(found: list[str]) -> list[str]:
    """Without those whose address only looks like hers."""
    return [place for place in found if LONGER not in place]
