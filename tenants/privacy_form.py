"""The privacy policy as people choose it: a tenant's, and what a website does otherwise."""

from typing import Any, Final

from django import forms

from tenants.models import Tenant
from tenants.privacy_choices import IP_STORAGES, PERSONAL_DATA, REDACTION_TIMINGS, Redact
from tenants.privacy_policy import PrivacyPolicy
from tenants.scoping import active_tenant_id

TENANTS_FIELDS: Final = [
    "redact_when",
    "redact_after_hours",
    "replaced_kinds",
    "retention_days",
    "turn_retention_days",
    "ip_storage",
    "stores_user_agent",
]
WEBSITES_FIELDS: Final = [
    "redact_when",
    "redact_after_hours",
    "kinds",
    "replaced_kinds",
    "retention_days",
    "turn_retention_days",
    "ip_storage",
    "stores_user_agent",
]

_YES_NO: Final = {True: "stored", False: "not stored"}
_OWN: Final = "own"
_NO_KIND: Final = "Choose at least one kind. To replace nothing at all, choose “Never” above."


def kinds_in_words(kinds_kept: list[str] | None) -> str:
    """The kinds that are replaced, in a few words."""
    if kinds_kept is None:
        return "As the tenant"
    kept = [words for kind, words in PERSONAL_DATA if kind in kinds_kept]
    return f"All but: {', '.join(kept)}" if kept else "All"


def in_words(policy: PrivacyPolicy) -> str:
    """A website's policy as it is, line by line."""
    hours = f" ({policy.redact_after_hours})" if policy.redact_when is Redact.AFTER_SILENCE else ""
    return "\n".join(
        [
            f"Personal data is replaced: {dict(REDACTION_TIMINGS)[policy.redact_when.value]}{hours}",
            f"What is replaced: {kinds_in_words(sorted(policy.kinds_kept))}",
            f"Days a conversation is kept: {policy.retention_days}",
            f"Days a turn's own words are kept: {policy.turn_retention_days}",
            f"Visitors' IP addresses: {dict(IP_STORAGES)[policy.ip_storage.value]}",
            f"Which browser a visitor uses: {_YES_NO[policy.stores_user_agent]}",
        ]
    )


def _kinds_field(*, required: bool) -> forms.MultipleChoiceField:
    """What is replaced, while what is left is stored: so kinds that are learnt later are replaced."""
    return forms.MultipleChoiceField(
        choices=PERSONAL_DATA,
        required=required,
        label="What is replaced",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _NO_KIND},
    )


def _replaced(kinds_kept: list[str]) -> list[str]:
    return [kind for kind, _ in PERSONAL_DATA if kind not in kinds_kept]


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker alone
    """The settings of a tenant. A new one begins with the usual policy."""

    replaced_kinds = _kinds_field(required=True)

    class Meta:
        model = Tenant
        fields = ["redact_when", "ip_storage"]  # the page names the others
        widgets = {"redact_when": forms.RadioSelect, "ip_storage": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:  # noqa: SLF001  Django's own way to ask
            del self.fields["replaced_kinds"]
        else:
            self.initial["replaced_kinds"] = _replaced(self.instance.kinds_kept)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "replaced_kinds" in cleaned:
            self.instance.kinds_kept = _replaced(cleaned["replaced_kinds"])
        return cleaned


class WebsitePrivacy(forms.ModelForm):  # type: ignore[type-arg]  # as above
    """The part of a website's form in which it departs from its tenant. What is left out is as the tenant."""

    redact_when = forms.ChoiceField(required=False, label="Personal data is replaced")
    kinds = forms.ChoiceField(required=False, label="Kinds of personal data")
    replaced_kinds = _kinds_field(required=False)
    ip_storage = forms.ChoiceField(required=False, label="Visitors' IP addresses")
    stores_user_agent = forms.TypedChoiceField(
        required=False, label="Which browser a visitor uses", coerce=lambda typed: typed == "yes", empty_value=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenant = Tenant.objects.get(pk=active_tenant_id())
        self._offer(tenant)
        website = self.instance
        self.initial["kinds"] = "" if website.kinds_kept is None else _OWN
        kept = tenant.kinds_kept if website.kinds_kept is None else website.kinds_kept
        self.initial["replaced_kinds"] = _replaced(kept)
        self.initial["stores_user_agent"] = {None: "", True: "yes", False: "no"}[website.stores_user_agent]

    def _offer(self, tenant: Tenant) -> None:
        """Each choice begins with what the tenant does, in words."""
        said: dict[str, list[tuple[str, str]]] = {
            "redact_when": [("", _as_tenant(dict(REDACTION_TIMINGS)[tenant.redact_when])), *REDACTION_TIMINGS],
            "ip_storage": [("", _as_tenant(dict(IP_STORAGES)[tenant.ip_storage])), *IP_STORAGES],
            "kinds": [("", _as_tenant(kinds_in_words(tenant.kinds_kept))), (_OWN, "Those that are ticked below")],
            "stores_user_agent": [
                ("", _as_tenant(_YES_NO[tenant.stores_user_agent])),
                ("yes", "Stored"),
                ("no", "Not stored"),
            ],
        }
        for name, choices in said.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # each is a field of choices
        for name in ("redact_after_hours", "retention_days", "turn_retention_days"):
            self.fields[name].help_text = f"Empty: as the tenant, {getattr(tenant, name)}."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("redact_when", "ip_storage"):
            cleaned[name] = cleaned.get(name) or None
        is_own = cleaned.get("kinds") == _OWN
        if is_own and not cleaned.get("replaced_kinds"):
            self.add_error("replaced_kinds", _NO_KIND)
        self.instance.kinds_kept = _replaced(cleaned.get("replaced_kinds", [])) if is_own else None
        return cleaned


def kinds_column(form: Any) -> list[str]:
    """``kinds_kept``, which both forms fill, where somebody has chosen others."""
    return ["kinds_kept"] if {"kinds", "replaced_kinds"} & set(form.changed_data) else []


def _as_tenant(words: str) -> str:
    return f"As the tenant: {words[0].lower()}{words[1:]}"


def warns(redact_when: str | None) -> bool:
    """Whether what is chosen needs a warning."""
    return redact_when == Redact.NEVER
