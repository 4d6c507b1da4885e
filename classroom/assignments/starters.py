"""The form field of a starter notebook. Its errors say what kind of file was uploaded instead."""

from __future__ import annotations

import json
import re
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError

from core.identity import visible
from core.json_size import TooManyValues, refuse_too_many_values
from instructors.rest.exceptions import TooLarge
from lms.api.notebook_content import NotebookContent
from lms.notebooks.cells import cells_of

HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
CONFLICT = re.compile(rb"^<{7}(?: |\r?$)", re.MULTILINE)


class StarterField(forms.FileField):
    """An uploaded notebook; its value is the content, or None without a file."""

    widget = forms.FileInput(attrs={"accept": ".ipynb"})

    def to_python(self, upload: UploadedFile[Any] | None) -> dict[str, Any] | None:  # type: ignore[override]
        if upload is None:
            return None
        try:
            return read_notebook(upload)
        except TooLarge:
            words = gettext("This file is too large. Clear the outputs of the notebook and save it again.")
            raise forms.ValidationError(words) from None


def read_notebook(upload: UploadedFile[Any]) -> dict[str, Any]:
    """Return the notebook in a file. Raises TooLarge, and forms.ValidationError for what is no notebook."""
    if (upload.size or 0) > settings.SUBMISSION_BYTES_LIMIT * 2:  # a file has additional whitespace
        raise TooLarge
    file = upload.read()
    try:
        text = text_of_file(file)
        refuse_too_many_values(text.encode(errors="replace"))
        content: dict[str, Any] = NotebookContent().run_validation(json.loads(text))
        return content
    except TooManyValues as error:
        raise TooLarge(str(error)) from None
    except ValidationError as error:
        raise forms.ValidationError(message_for_code(str(error.get_codes()[0]))) from None  # type: ignore[index]
    except (ValueError, RecursionError) as error:  # no JSON, or no text
        raise forms.ValidationError(message_for_file(file, error)) from None


def heading_of(content: dict[str, Any]) -> str:
    """Return the first heading of a notebook's texts; "" without one."""
    texts = (cell.source for cell in cells_of(content) if cell.kind == "markdown")
    found = next((match[1] for text in texts for match in [HEADING.search(text)] if match and visible(match[1])), "")
    return " ".join(found.split())


def message_for_code(code: str) -> str:
    """Return the message for an error code of lms.api.notebook_content."""
    if code == "deep":
        return gettext("This notebook is nested too deeply. Clear its outputs and save it again.")
    if code == "version":
        return gettext("This notebook has a format that is not known here. Save it in JupyterLab and choose that file.")
    return gettext("This is not a notebook: the file contains JSON, but no cells. Choose a file that ends in .ipynb.")


def text_of_file(file: bytes) -> str:
    """Decode a JSON file: UTF-8, or UTF-16 or UTF-32 if its first bytes say so. Raises UnicodeDecodeError."""
    return file.decode(json.detect_encoding(file)).removeprefix("\ufeff")


def message_for_file(file: bytes, error: Exception) -> str:
    """Return a message that says why a file that is not JSON is not a notebook, and what to do."""
    start = file[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return gettext("This file is empty. Save the notebook in JupyterLab and choose that file.")
    if start.startswith((b"pk\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"rar!")):
        return gettext("This is a packed file. Unpack it, and choose the notebook in it, a file that ends in .ipynb.")
    if start.startswith(b"%pdf"):
        return gettext("This is a PDF. Choose the notebook itself, a file that ends in .ipynb.")
    if start.startswith(b"<") and not start.startswith(b"<<<<<<<"):
        return gettext(
            "This is a web page that was saved under the name of a notebook. Download the notebook itself, for instance"
            " with “Raw” or “Download”, and choose that file."
        )
    if CONFLICT.search(file):
        return gettext(
            "This notebook holds a merge conflict of Git (lines that begin with <<<<<<<). Resolve the conflict, open"
            " the notebook in JupyterLab, save it and choose it again."
        )
    if isinstance(error, UnicodeDecodeError):
        return gettext(
            "This is not a notebook, or its text is damaged. Save the notebook in JupyterLab and choose that file."
        )
    if isinstance(error, json.JSONDecodeError) and start.startswith(b"{") and is_cut(error):
        return gettext("This notebook is cut short: its end is missing. Copy or download it again and choose it.")
    return gettext("This is not a notebook. Choose a file that ends in .ipynb.")


def is_cut(error: json.JSONDecodeError) -> bool:
    """Return whether the JSON is only truncated."""
    return error.msg.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip())
