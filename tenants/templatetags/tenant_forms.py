"""``{% csrf_token %}`` for all templates: Django's, and with it the tenant that the form is made in."""

from typing import Any

from django.template import Library
from django.template.base import Parser, Token
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html

from tenants.stale_form import MADE_IN

register = Library()


class TenantFormNode(CsrfTokenNode):
    def render(self, context: Any) -> str:
        token, tenant = super().render(context), context.get("active_tenant")
        if tenant is None:  # a page outside the admin, or for somebody who belongs to no tenant
            return token
        return format_html('{}<input type="hidden" name="{}" value="{}">', token, MADE_IN, tenant.pk)


@register.tag
def csrf_token(parser: Parser, token: Token) -> TenantFormNode:  # noqa: ARG001  as Django calls it
    return TenantFormNode()
