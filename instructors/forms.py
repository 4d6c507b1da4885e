"""Forms that set a password: of an account that is made by its owner, and of one that exists."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.identity import password_form
from core.validators import validate_address, validate_visible
from instructors.models import Instructor


def _new_password(label: Any) -> forms.CharField:
    return forms.CharField(label=label, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))


class NewPasswordForm(forms.Form):
    """A new password, typed twice. Subclasses say whose it is."""

    password = _new_password(_("Password"))
    repeated = _new_password(_("Password, once more"))

    def owner(self, cleaned: dict[str, Any]) -> Instructor:
        """Return the account, stored or not, whose address and name the password must not resemble."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        for field in ("password", "repeated"):
            if field in found:
                found[field] = password_form(found[field])
        password = found.get("password")
        if password is not None:
            try:
                validate_password(password, self.owner(found))
            except forms.ValidationError as error:
                self.add_error("password", error)
        if password and "repeated" in found and password != found["repeated"]:
            self.add_error("repeated", gettext("The two passwords differ."))
        return found


class _NameForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=255,
        validators=[validate_visible],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class NewcomerForm(NewPasswordForm, _NameForm):
    """The name and password of a new account that accepts an invitation."""

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def owner(self, cleaned: dict[str, Any]) -> Instructor:
        return Instructor(email=self.email, name=cleaned.get("name", ""))


class FirstAccountForm(NewPasswordForm, _NameForm):
    """The first account."""

    email = forms.CharField(
        label=_("E-mail"),
        max_length=255,
        validators=[validate_address],
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    field_order = ("email", "name", "password", "repeated")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip()

    def owner(self, cleaned: dict[str, Any]) -> Instructor:
        return Instructor(email=cleaned.get("email", ""), name=cleaned.get("name", ""))


class ResetPasswordForm(NewPasswordForm):
    """The new password of an account whose owner came with a link."""

    def __init__(self, *args: Any, account: Instructor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.fields["password"].label = _("New password")
        self.fields["repeated"].label = _("New password, once more")

    def owner(self, cleaned: dict[str, Any]) -> Instructor:
        return self.account


class OwnPasswordForm(ResetPasswordForm):
    """The new password of an account whose owner knows the present one."""

    current = forms.CharField(
        label=_("Present password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("current", "password", "repeated")


class ForgottenForm(forms.Form):
    """The address to mail a link to."""

    email = forms.CharField(
        label=_("E-mail"), max_length=255, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
