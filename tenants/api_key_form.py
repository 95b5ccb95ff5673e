"""What a person says about an API key that is to be made."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime

from tenants.admin_rows import TenantOwnedForm
from tenants.models import ApiKey


class ApiKeyForm(TenantOwnedForm):
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=ApiKey.Scope.choices,
        initial=[ApiKey.Scope.CHAT],
        widget=forms.CheckboxSelectMultiple,
    )
    expires_at = forms.SplitDateTimeField(
        label="Expires",
        required=False,
        widget=AdminSplitDateTime,
        help_text="Empty: it works until it is revoked.",
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scopes", "expires_at"]
        widgets = {"name": forms.TextInput(attrs={"size": 40, "placeholder": "Who uses it: shop server"})}

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= datetime.now(UTC):
            raise forms.ValidationError("This moment is over already.")
        return expires_at
