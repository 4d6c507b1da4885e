"""Names of models and fields in the Django admin are translatable: each is in the list that `makemessages` reads."""

from io import StringIO

from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.utils import translation
from django.utils.functional import Promise

from config import admin_names, admin_texts, urls
from lms.models import AssignmentSubmission, Class, ClassCode, DueDateExtension


def test_none_is_missing_and_none_is_left_over():
    assert urls
    names, helps, choices = set[str](), set[str](), set[str]()
    for model in admin.site._registry:
        options = model._meta
        if options.app_label not in admin_names.APPS:
            continue
        names |= {str(options.verbose_name), str(options.verbose_name_plural)}
        fields = [each for each in options.local_fields + options.local_many_to_many if not each.auto_created]
        names |= {str(field.verbose_name) for field in fields}
        helps |= {str(field.help_text) for field in fields if field.help_text}
        choices |= {str(label) for field in fields for _, label in field.choices or ()}
    assert names == set(map(str, admin_names.NAMES))
    assert helps == set(map(str, admin_texts.HELP_TEXTS))
    assert choices == set(map(str, admin_texts.CHOICES))
    assert {str(apps.get_app_config(label).verbose_name) for label in admin_names.APPS} == set(
        map(str, admin_texts.APP_NAMES)
    )


def test_they_follow_the_language_of_the_reader():
    field = DueDateExtension._meta.get_field("due_date")
    assert isinstance(field.verbose_name, Promise)
    assert isinstance(DueDateExtension._meta.verbose_name_plural, Promise)
    assert all(isinstance(apps.get_app_config(label).verbose_name, Promise) for label in ("lms", "axes", "django_rq"))
    with translation.override("ja"):
        assert str(AssignmentSubmission(pk=7)) == f"{AssignmentSubmission._meta.verbose_name} 7" != "submission 7"


def test_one_word_for_one_thing():
    """What students type to join has the name, not the field of the class that the pages call its code."""
    assert Class._meta.get_field("class_code").verbose_name == "code"
    assert ClassCode._meta.verbose_name == "class code"


def test_no_name_is_in_a_table(db):
    """The migration of a name is one of the state alone."""
    out = StringIO()
    call_command("sqlmigrate", "lms", "0021", stdout=out, no_color=True)
    lines = [line for line in out.getvalue().splitlines() if line and not line.startswith("--")]
    assert set(lines) <= {"BEGIN;", "COMMIT;"}
