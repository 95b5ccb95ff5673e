"""Admin pages of agents and model connections; importing it registers the websites' page, too."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from agents import website_admin
from agents.agent_form import AgentForm, ModelConnectionForm
from agents.api_keys import set_api_key
from agents.models import Agent, ModelConnection
from tenants.admin_rows import TenantOwnedAdmin
from tenants.roles import Deed, Thing
from tenants.scoping import active_tenant_id

__all__ = ["AgentAdmin", "ModelConnectionAdmin", "website_admin"]


@admin.register(Agent)
class AgentAdmin(TenantOwnedAdmin):
    """The tenant's own agents, and to read the operator's, which every tenant's websites may use."""

    thing = Thing.AGENTS
    form = AgentForm
    purpose = "Who answers your visitors: instructions, model and limits."
    rank = 3
    empty_hint = "Add one: give it a name and tell it in plain words how to answer."
    in_use_message = "This agent has conversations, so it cannot be deleted. Switch it off instead."
    list_display = ["name", "key", "owner", "answers_with", "is_active"]
    search_fields = ["name", "key"]
    search_help_text = "Name or key"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        return Agent.shared.select_related("connection").order_by("key")

    def has_change_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or is_own(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or is_own(obj))

    def get_fieldsets(self, request: HttpRequest, obj: Agent | None = None) -> Any:
        if obj is not None and not is_own(obj):
            return [(None, {"fields": ["name", "key", "owner", "instructions"]})]
        writes = Deed.CHANGE in self.rights(request)
        model = ["connection", "model", "fallback_connection", "fallback_model"]
        model += ["temperature", "max_output_tokens", "total_timeout_seconds"]
        limits = ["max_context_messages", "max_context_tokens", "context_keys" if writes else "context_keys_in_lines"]
        return [
            (None, {"fields": ["name", "key", "is_active", "instructions"]}),
            ("Model", {"fields": model}),
            ("What the model is shown", {"fields": limits}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Agent | None = None) -> list[str]:
        if obj is None:
            return []
        # Pages name the agent by its key: it is given once.
        return ["key", "owner", "context_keys_in_lines"]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What the operator's people did to a shared agent is the operator's own affair."""
        agent = self.get_object(request, object_id)
        if agent is None or not is_own(agent):
            return self.unknown(request, object_id)
        return super().history_view(request, object_id, extra_context)

    @admin.display(description="Whose")
    def owner(self, agent: Agent) -> str:
        return "Your own" if is_own(agent) else "The operator's, shared"

    @admin.display(description="Answers with")
    def answers_with(self, agent: Agent) -> str:
        if not is_own(agent):
            return "-"
        return f"{agent.model} at {agent.connection}" if agent.connection else "The demo model"

    @admin.display(description="Context keys")
    def context_keys_in_lines(self, agent: Agent) -> str:
        return "\n".join(agent.context_keys) or "-"


@admin.register(ModelConnection)
class ModelConnectionAdmin(TenantOwnedAdmin):
    thing = Thing.CONNECTIONS
    form = ModelConnectionForm
    purpose = "Where your models are, and the keys to them."
    rank = 4
    empty_hint = "Add one to let your agents use a model of your own. Without any, the demo model answers."
    list_display = ["name", "base_url", "key_state", "created_at"]

    def get_fieldsets(self, request: HttpRequest, obj: ModelConnection | None = None) -> Any:
        key = "api_key" if Deed.CHANGE in self.rights(request) else "key_state"
        patience = ["connect_timeout_seconds", "first_token_timeout_seconds", "idle_timeout_seconds"]
        return [(None, {"fields": ["name", "base_url", key]}), ("Patience", {"fields": patience})]

    def get_readonly_fields(self, request: HttpRequest, obj: ModelConnection | None = None) -> list[str]:
        return [] if Deed.CHANGE in self.rights(request) else ["key_state"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.tenant_id = active_tenant_id()
        if form.cleaned_data["api_key"]:
            set_api_key(obj, form.cleaned_data["api_key"])
        super().save_model(request, obj, form, change)

    def columns_set_by_hand(self, form: Any) -> list[str]:
        return ["api_key_sealed"] if form.cleaned_data["api_key"] else []

    @admin.display(description="Key")
    def key_state(self, connection: ModelConnection) -> str:
        return "A key is set" if connection.api_key_sealed else "No key"


def is_own(agent: Agent) -> bool:
    return agent.tenant_id == active_tenant_id()
