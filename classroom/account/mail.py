"""Mail the link for choosing a new password."""

import logging
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTPException

from django.core.mail import send_mail
from django.db import connection
from django.http import HttpRequest
from django.utils.translation import gettext

from instructors import password_links
from instructors.models import Instructor

logger = logging.getLogger(__name__)

# One after the other, and not in the request: how long a mail takes would tell which addresses have an account.
_thread = ThreadPoolExecutor(1, thread_name_prefix="mail")


def mail_link(address: str, *, base: str, request: HttpRequest) -> None:
    """Send a link if the address is that of an account that is switched on. Returns at once."""
    subject = gettext("Your new password for Cell Monitor")
    words = gettext(
        "Somebody, probably you, asked for a new password. Choose it here; the link works once, within a day:\n\n"
        "%(link)s\n\nIf it was not you, do nothing: your password stays as it is."
    )
    _thread.submit(_send, address, base, subject, words, request)


def _send(address: str, base: str, subject: str, words: str, request: HttpRequest) -> None:
    try:
        account = Instructor.objects.with_email(address)
        if account is None or not account.is_active:
            return
        password_links.record(account, by=None, request=request, how="mail")
        # To the address of the account: what was typed may only look like it.
        send_mail(subject, words % {"link": password_links.link(account, base=base)}, None, [account.email])
    except (SMTPException, OSError) as error:
        logger.warning("A link to a new password could not be mailed (%s)", type(error).__name__)
    except Exception:
        logger.exception("A link to a new password could not be mailed")
    finally:
        connection.close()
