"""Export the data of one staff account: the account, its status, its actions and the texts it wrote.

Tables are found by introspection: every row with a foreign key to the account is included.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import ForeignKey, Model, Q

from core.identity import email_key
from instructors.models import AuditLog, Instructor, RevokedToken
from operations.privacy.tables import all_models

SECRETS = {"password", "password_hash", "token_hash", "key_hash", "jti"}
LEFT_OUT: set[type[Model]] = {AuditLog, RevokedToken}  # exported separately below; digests only


def export_account(account: Instructor, *, to: Path) -> dict[str, int]:
    """Write a JSON object, `{table: [rows]}`, to a file that only its owner can read.

    Return the number of rows by table. Raises FileExistsError.
    """
    content = dict(rows_of(account))
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
    return {name: len(rows) for name, rows in content.items()}


def rows_of(account: Instructor) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "instructors", _values(Instructor, Q(pk=account.pk))
    actors, targets = (_spellings(AuditLog, column, account.email) for column in ("actor_email", "target_id"))
    mine = Q(actor_id=account.pk) | Q(actor_email__in=actors)
    yield "audit_logs", _values(AuditLog, mine | Q(target_type="instructor", target_id__in=[account.pk, *targets]))
    for model in all_models():
        columns = [each.name for each in model._meta.concrete_fields if _points_to_accounts(each)]
        if columns and model not in LEFT_OUT:
            about = Q()
            for name in columns:
                about |= Q(**{name: account.pk})
            if rows := _values(model, about):
                yield model._meta.db_table, rows


def _spellings(model: type[Model], column: str, address: str) -> list[str]:
    """Return the values of a column that are this e-mail address in any spelling."""
    values = model._default_manager.exclude(**{column: None}).order_by(column).values_list(column, flat=True).distinct()
    return [value for value in values.iterator() if email_key(value) == email_key(address)]


def _points_to_accounts(column: Any) -> bool:
    return isinstance(column, ForeignKey) and column.related_model is Instructor


def _values(model: type[Model], about: Q) -> list[dict[str, Any]]:
    names = [column.attname for column in model._meta.concrete_fields if column.attname not in SECRETS]
    return list(model._default_manager.filter(about).order_by("pk").values(*names))
