"""The form of a note about a student."""

from django import forms
from django.utils.translation import gettext_lazy as _

MAX_NOTE_LENGTH = 4_000


class NoteForm(forms.Form):
    text = forms.CharField(
        max_length=MAX_NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "class": "note-text", "aria-describedby": "note-help"}),
        label=_("Note"),
        error_messages={
            "required": _("Write something first, then save it."),
            "max_length": _("A note may have %(limit_value)d characters; this one has %(show_value)d. Shorten it."),
        },
    )
