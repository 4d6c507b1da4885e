"""Model fields that store the normal form of another field, for lookups and unique constraints.

`core.identity` defines the normal forms.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext

from core.identity import EMAIL_LENGTH, email_key, notebook_path

# Prefix of the key of a row that no typed text may match, because an older row has its key (`manage.py
# check_identities`). Real keys have no capital letters.
UNREACHABLE = "UNREACHABLE:"

Row = TypeVar("Row", bound=models.Model, covariant=True)
if TYPE_CHECKING:
    CharField = models.CharField[str, str]
else:
    CharField = models.CharField


class KeyField(CharField):
    """The normal form of the field `of`, updated whenever the row is saved.

    Make it unique by a constraint of the model: `unique=True` would create a second index, for LIKE.
    """

    def __init__(self, *, of: str = "", form: Callable[[str], str] = email_key, **options: Any) -> None:
        self.of, self.form = of, form
        super().__init__(**{"max_length": EMAIL_LENGTH, "editable": False, **options})

    def deconstruct(self) -> Any:
        """Present the field to migrations as a CharField, so that they do not depend on this class."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = self.form(getattr(model_instance, self.of) or "")
        before = str(getattr(model_instance, self.attname) or "")
        if before.startswith(UNREACHABLE) and not self._is_free(key, model_instance):
            key = before
        setattr(model_instance, self.attname, key)
        return key

    def check_typed(self, instance: models.Model, *, taken: str) -> None:
        """Raise ValidationError for the source field if its key is invalid or belongs to another row."""
        key = self.form(getattr(instance, self.of) or "")
        if not key:
            raise ValidationError({self.of: gettext("Write at least one visible character.")})
        if len(key) > (self.max_length or 0):
            raise ValidationError({self.of: gettext("This is too long.")})
        if not self._is_free(key, instance):
            raise ValidationError({self.of: taken})

    def _is_free(self, key: str, instance: models.Model) -> bool:
        """Return whether the key is valid and no other row has it."""
        others = type(instance)._default_manager.exclude(pk=instance.pk)
        return 0 < len(key) <= (self.max_length or 0) and not others.filter(**{self.attname: key}).exists()


class PathField(CharField):
    """The path of a notebook, normalised for storage and lookups."""

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return notebook_path(prepared) if isinstance(prepared, str) else prepared

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        path = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, path)
        return path


def _key_fields(model: type[models.Model]) -> list[KeyField]:
    return [field for field in model._meta.concrete_fields if isinstance(field, KeyField)]


class KeyedQuerySet(models.QuerySet[Row]):
    """A queryset whose updates of a field also update its key fields."""

    def update(self, **values: Any) -> int:
        for field in _key_fields(self.model):
            if field.of in values and field.attname not in values:
                values[field.attname] = field.form(values[field.of] or "")
        return super().update(**values)

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        rows, names = list(objs), list(fields)
        for field in _key_fields(self.model):
            if field.of in names:
                names.append(field.attname)
                for row in rows:
                    field.pre_save(row, False)
        return super().bulk_update(rows, names, batch_size)


class Keyed(models.Model):
    """An abstract model with key fields."""

    if TYPE_CHECKING:
        objects: ClassVar[models.Manager[Self]]
    else:
        objects = models.Manager.from_queryset(KeyedQuerySet)()

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        if update_fields is not None:
            names = set(update_fields)
            update_fields = names | {field.attname for field in _key_fields(type(self)) if field.of in names}
        super().save(*args, update_fields=update_fields, **options)
