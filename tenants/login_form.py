"""The admin's login, limited in tries. Nothing it says or does tells whether a name is known here.

Names that nobody has are counted and locked like all others, and Django hashes a password for them, too.
"""

import unicodedata
from typing import Any, Final

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest

from tenants.throttle import Throttle, network_behind

_LOCK_SECONDS: Final = 15 * 60
_TRIES_OF_A_NAME: Final = Throttle("login", most=5, seconds=_LOCK_SECONDS)
"""From one network: were it from anywhere, whoever knows a name could lock its owner out."""
_TRIES_OF_A_NETWORK: Final = Throttle("login of a network", most=100, seconds=_LOCK_SECONDS)
"""Of all names together: one password tried on many."""

_SECONDS_LOCKED: Final = "login_seconds_locked"


class LoginForm(AdminAuthenticationForm):
    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        if not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return super().clean()
        network, name = network_behind(self.request), _alike(self.cleaned_data["username"])
        # Counted before the password is looked at: tries that come at once cannot overtake the count.
        waits = [_TRIES_OF_A_NETWORK.take(network), _TRIES_OF_A_NAME.take(network, name)]
        if (seconds := max((wait for wait in waits if wait is not None), default=None)) is not None:
            setattr(self.request, _SECONDS_LOCKED, seconds)
            raise forms.ValidationError(_sentence(seconds), code="locked")
        cleaned = super().clean()
        _TRIES_OF_A_NETWORK.forgive(network)
        _TRIES_OF_A_NAME.clear(network, name)
        return cleaned


def seconds_locked(request: HttpRequest) -> int | None:
    """How long the login that was just tried is locked; None where it is not."""
    return getattr(request, _SECONDS_LOCKED, None)


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _sentence(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"Too many tries. Please wait {minutes} minute{'' if minutes == 1 else 's'}, then try again."
