"""Admin pages of a tenant's members, and of the invitations by which they come."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from tenants.admin_rows import TenantOwnedAdmin
from tenants.admin_scope import role_in
from tenants.api_keys import usable_keys_made_by
from tenants.errors import InvitationUnusableError
from tenants.invitations import invite, revoke
from tenants.members import change_role, remove_member
from tenants.models import Invitation, Membership
from tenants.roles import Deed, Thing, may, policy_in_words


@admin.register(Membership)
class MembershipAdmin(TenantOwnedAdmin):
    """Who works in the tenant. New ones come by invitation; the operator may also choose from all people."""

    thing = Thing.MEMBERS
    purpose = "Who may look at this tenant, and who may change it."
    rank = 6
    empty_hint = "Invite the first one."
    list_display = ["user", "shown_role", "created_at"]
    list_select_related = ["user"]
    fields = ["user", "role"]

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> list[str]:
        return [] if obj is None else ["user"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only those who can log in here and are not members yet; the operator alone gets to see this list."""
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(is_active=True, is_staff=True, is_superuser=False).exclude(
                pk__in=Membership.objects.values("user_id")
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if change:
            change_role(obj.pk, obj.role)
        else:
            super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        remove_member(obj.pk)
        if kept := list(usable_keys_made_by(obj.user_id).values_list("name", flat=True)):
            messages.warning(
                request, f"API keys that {obj.user} made still work: {', '.join(kept)}. Revoke what they may have kept."
            )

    @admin.display(description="Role", ordering="role")
    def shown_role(self, membership: Membership) -> str:
        return membership.role.capitalize()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        invites = may(role_in(request), Deed.ADD, Thing.INVITATIONS)
        context = {"policy": policy_in_words(), "may_invite": invites}
        return super().changelist_view(request, {**context, **(extra_context or {})})


@admin.register(Invitation)
class InvitationAdmin(TenantOwnedAdmin):
    """Made here, shown once as a link, and read or withdrawn afterwards; nothing about one is edited."""

    thing = Thing.INVITATIONS
    purpose = "Links that make somebody a member, for a week and once."
    rank = 7
    empty_hint = "Make one, and send its link to the person whom you want here."
    change_form_template = "admin/parlour/invitation_change_form.html"
    list_display = ["shown_role", "note", "state", "inviter", "created_at"]
    list_select_related = ["invited_by", "accepted_by"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the only change there is has an address of its own: ``withdraw``

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        return ["role", "note"] if obj is None else ["role", "note", "state", "inviter", "created_at"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)
        made, obj.token = invite(obj.role, note=obj.note, invited_by=request.user)
        obj.pk = made.pk
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The link, in this answer alone. A redirect would have to keep it somewhere meanwhile."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Invitation",
            "opts": self.opts,
            "invitation": obj,
            # A fragment is sent to no server: no log and no Referer will have it.
            "link": f"{settings.PUBLIC_URL}{reverse('invitation')}#{obj.token}",
        }
        return TemplateResponse(request, "admin/parlour/invitation_link.html", context)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**one_button, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        may_withdraw = {"may_withdraw": Deed.CHANGE in self.rights(request)}
        return super().change_view(request, object_id, form_url, {**may_withdraw, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        withdraw = self.admin_site.admin_view(require_POST(self.withdraw))
        return [path("<path:object_id>/withdraw/", withdraw, name="tenants_invitation_withdraw"), *super().get_urls()]

    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if Deed.CHANGE not in self.rights(request):
            raise PermissionDenied
        invitation: Invitation | None = self.get_object(request, object_id)
        if invitation is None:
            return self.unknown(request, object_id)
        try:
            revoke(invitation)
        except InvitationUnusableError:
            messages.error(request, "It was accepted already. Remove the member instead.")
        else:
            self.log_change(request, invitation, "Withdrew the invitation.")
            messages.success(request, "The invitation is withdrawn: its link does not work any more.")
        return HttpResponseRedirect(reverse("admin:tenants_invitation_changelist"))

    @admin.display(description="Role", ordering="role")
    def shown_role(self, invitation: Invitation) -> str:
        return invitation.role.capitalize()

    @admin.display(description="State")
    def state(self, invitation: Invitation) -> SafeString:
        kind, words = _state(invitation)
        return format_html('<span class="state state-{}">{}</span>', kind, words)

    @admin.display(description="Invited by")
    def inviter(self, invitation: Invitation) -> str:
        by = invitation.invited_by
        return "-" if by is None else "The operator" if by.is_superuser else by.get_username()


def _state(invitation: Invitation) -> tuple[str, str]:
    if invitation.accepted_at is not None:
        return "live", f"Accepted by {invitation.accepted_by or 'somebody'}"
    if invitation.revoked_at is not None:
        return "off", "Withdrawn"
    if invitation.expires_at <= timezone.now():
        return "off", "Too old"
    return "waiting", f"Open until {timezone.localtime(invitation.expires_at):%d %B, %H:%M}"
