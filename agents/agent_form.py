"""What a person types about an agent or the connection to its model."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django import forms
from django.conf import settings

from agents.egress import check_base_url
from agents.errors import BaseUrlError
from agents.models import Agent, ModelConnection
from tenants.admin_rows import LinesField, TenantOwnedForm
from tenants.identifiers import OPERATOR_ID
from tenants.scoping import active_tenant_id

MAX_CONTEXT_KEYS: Final = 30
MAX_CONTEXT_KEY_CHARS: Final = 64


class AgentForm(TenantOwnedForm):
    once = {"key": "You have an agent with this key already."}

    context_keys = LinesField(
        max_lines=MAX_CONTEXT_KEYS,
        max_line_chars=MAX_CONTEXT_KEY_CHARS,
        help_text="What the page tells about a visitor, and the model may see: one key per line, such as page_title.",
    )

    class Meta:
        model = Agent
        fields = [
            "key",
            "name",
            "is_active",
            "instructions",
            "connection",
            "model",
            "fallback_connection",
            "fallback_model",
            "temperature",
            "max_output_tokens",
            "total_timeout_seconds",
            "max_context_messages",
            "max_context_tokens",
            "context_keys",
        ]
        labels = {
            "is_active": "Switched on",
            "fallback_connection": "Fallback",
            "fallback_model": "Its model",
            "total_timeout_seconds": "Seconds to answer, at most",
        }
        widgets = {"instructions": forms.Textarea(attrs={"rows": 12, "cols": 80})}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("connection") and not cleaned.get("model"):
            self.add_error("model", "Name the model that the connection should use, such as gpt-5-mini.")
        for field, sentence in _wrong_fallback(cleaned):
            self.add_error(field, sentence)
        return cleaned


class ModelConnectionForm(TenantOwnedForm):
    """The key goes in and never comes out: not into the page, not to another address than it was given for."""

    once = {"name": "You have a connection of this name already."}

    api_key = forms.CharField(
        label="API key",
        required=False,
        max_length=1_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 50}),
    )

    class Meta:
        model = ModelConnection
        fields = [
            "name",
            "base_url",
            "connect_timeout_seconds",
            "first_token_timeout_seconds",
            "idle_timeout_seconds",
        ]
        widgets = {"base_url": forms.TextInput(attrs={"size": 50, "placeholder": "https://api.openai.com/v1"})}
        labels = {
            "connect_timeout_seconds": "Seconds to connect",
            "first_token_timeout_seconds": "Seconds to the first word",
            "idle_timeout_seconds": "Seconds between words",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._saved_base_url = self.instance.base_url
        self.fields["api_key"].help_text = (
            "A key is set. Leave this empty to keep it, or type a new one; it is never shown again."
            if self.instance.api_key_sealed
            else "No key is set yet. It is kept encrypted and never shown again."
        )

    def clean_base_url(self) -> str:
        try:
            return check_base_url(
                self.cleaned_data["base_url"],
                operator_owned=active_tenant_id() == OPERATOR_ID,
                private_hosts=settings.PRIVATE_MODEL_HOSTS,
            )
        except BaseUrlError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self._sends_the_key_elsewhere(cleaned):
            self.add_error("api_key", "Type the key again: the one that is set was given for another address.")
        return cleaned

    def _sends_the_key_elsewhere(self, cleaned: dict[str, Any]) -> bool:
        keeps_key = bool(self.instance.api_key_sealed) and not cleaned.get("api_key")
        new = cleaned.get("base_url")
        return keeps_key and new is not None and _server(new) != _server(self._saved_base_url)


def _wrong_fallback(cleaned: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Fields, and what is wrong with them."""
    first, fallback = cleaned.get("connection"), cleaned.get("fallback_connection")
    if fallback is None:
        if "fallback_connection" in cleaned and cleaned.get("fallback_model"):
            yield "fallback_connection", "Choose the connection for this model, or leave both empty."
        return
    if first is None:
        yield "fallback_connection", "Choose the connection that is asked first, too."
    if not cleaned.get("fallback_model"):
        yield "fallback_model", "Name the model that the fallback should use, such as gpt-5-mini."
    elif (first, cleaned.get("model")) == (fallback, cleaned["fallback_model"]):
        yield "fallback_model", "This is the model that is asked first. Name another one, or choose another connection."


def _server(base_url: str) -> tuple[str, str]:
    parts = urlsplit(base_url)
    return parts.scheme, parts.netloc
