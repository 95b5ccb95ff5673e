"""What a person types to register a website, and the sentences that answer what cannot be one."""

from typing import Any, Final

from django import forms

from agents.models import WebsiteAgent
from tenants.admin_rows import LinesField, TenantOwnedForm
from tenants.domains import DomainError, Origin, OriginError, normalise_domain
from tenants.models import Website
from tenants.privacy_form import WebsitePrivacy
from tenants.registration import extra_origin

MAX_EXTRA_ORIGINS: Final = 20
MAX_ORIGIN_CHARS: Final = 2_048
MAX_STARTERS: Final = 6
MAX_STARTER_CHARS: Final = 120


class WebsiteForm(TenantOwnedForm):
    """Domain (when it is new), extra origins, and the switches."""

    once = {"domain": "You have registered this domain already."}

    # Longer than any domain: a whole pasted address is read, too.
    domain = forms.CharField(
        max_length=2_048,
        widget=forms.TextInput(attrs={"size": 50, "placeholder": "example.com", "autocapitalize": "none"}),
        help_text="Type it or paste any address of the website.",
    )
    extra_origins = LinesField(
        max_lines=MAX_EXTRA_ORIGINS,
        max_line_chars=MAX_ORIGIN_CHARS,
        help_text="Other addresses of the same website from which visitors chat, one per line, such as "
        "https://www.example.com. The domain itself over https is always included.",
    )

    class Meta:
        model = Website
        fields = [
            "domain",
            "title",
            "is_active",
            "require_session_token",
            "double_send",
            "turns_per_day",
            "tokens_per_day",
            "quota_message",
        ]
        labels = {"is_active": "Switched on", "require_session_token": "Require a session token"}
        help_texts = {
            "title": "What visitors read above the chat; the domain, where this is empty.",
            "is_active": "Switched off, the website's visitors are refused at once.",
        }
        widgets = {"quota_message": forms.TextInput(attrs={"size": 60})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.domain:
            del self.fields["domain"]  # given once: everything else hangs on it
            own = str(Origin.for_domain(self.instance.domain))
            self.initial["extra_origins"] = [
                origin.origin for origin in self.instance.origins.all() if origin.origin != own
            ]

    def clean_domain(self) -> str:
        try:
            return normalise_domain(self.cleaned_data["domain"])
        except DomainError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        domain = cleaned.get("domain") or self.instance.domain
        if domain:
            for text in cleaned.get("extra_origins") or []:
                self._check_extra_origin(domain, text)
        return cleaned

    def _check_extra_origin(self, domain: str, text: str) -> None:
        try:
            extra_origin(domain, text)
        except OriginError as error:
            self.add_error("extra_origins", f"{text}: {error}")


class WebsiteFormWithPrivacy(WebsitePrivacy, WebsiteForm):
    """For those who may let a website depart from its tenant's policy."""

    class Meta(WebsiteForm.Meta):
        fields = [
            *WebsiteForm.Meta.fields,
            "redact_when",
            "redact_after_hours",
            "retention_days",
            "turn_retention_days",
            "ip_storage",
            "stores_user_agent",
        ]


class WebsiteAgentForm(TenantOwnedForm):
    """An agent on a website: what it is told there and how it looks."""

    starters = LinesField(
        max_lines=MAX_STARTERS,
        max_line_chars=MAX_STARTER_CHARS,
        help_text="Questions a visitor may click on, one per line.",
    )

    class Meta:
        model = WebsiteAgent
        fields = ["agent", "is_default", "instructions", "welcome", "starters", "accent", "position"]
        labels = {"is_default": "Answers by default", "accent": "Colour", "instructions": "This website's facts"}
        help_texts = {
            "is_default": "The agent that answers where the page names none. There is exactly one.",
            "instructions": "Opening hours, address, delivery: what the agent should know here and nowhere else.",
        }
        widgets = {
            "accent": forms.TextInput(attrs={"type": "color"}),
            "welcome": forms.TextInput(attrs={"size": 60}),
            "instructions": forms.Textarea(attrs={"rows": 6, "cols": 60}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.agent_id is None:
            # A further agent must not take the default over because nobody looked at a box.
            self.initial["is_default"] = False

    def _get_validation_exclusions(self) -> set[str]:
        """Several ticked boxes are no mistake: ``save_website_agents`` makes one default of them."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions | {"is_default"}
