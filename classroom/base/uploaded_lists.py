"""A list that somebody pastes or uploads: CSV in any usual encoding, or the first sheet of an Excel workbook."""

from django.http import HttpRequest
from django.utils.translation import gettext

from lms.rosters.parser import MAX_BYTES, text_of, too_large
from lms.rosters.rows import Unreadable
from lms.workbooks import BadWorkbook, is_workbook, text_of_workbook


def uploaded(request: HttpRequest, text: str) -> str:
    """Return the text of the uploaded `file`, or `text` without one. Raises Unreadable."""
    file = request.FILES.get("file")
    if file is None:
        return text
    if (file.size or 0) > MAX_BYTES:
        raise Unreadable(too_large())
    content = file.read()
    if not is_workbook(content):
        return plain(text_of(content))
    try:
        return plain(text_of_workbook(content))
    except BadWorkbook:
        words = gettext(
            "This workbook cannot be read. Save it as .xlsx or CSV in your spreadsheet program and try again."
        )
        raise Unreadable(words) from None


def plain(text: str) -> str:
    """Normalize the text as a textarea sends it back, with "\\n" as line end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip("\n")
