"""Foreign keys that hold a query's joins to the rows its managers would find.

A manager's condition stands on the rows that a query begins with. A path such as ``agent__website_agents`` leads on by
joins, and through a shared agent it would come out at the rows of every tenant that uses it.
"""

from typing import TYPE_CHECKING, Any, Final

from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.db.models.sql.where import AND, OR, WhereNode

from tenants.identifiers import OPERATOR_ID
from tenants.scoping import ActiveTenant, SharedManager, TenantManager

_TENANT: Final = "tenants.Tenant"


class _TenantForeignKey(models.ForeignKey[Any, Any]):
    """What every foreign key of a tenant's row is.

    A join over it, in either direction and under any name, finds at both of its ends the active tenant's rows alone, of
    a shared model the operator's too. It cannot be compiled where no tenant is active.
    """

    def get_extra_restriction(self, alias: str | None, related_alias: str) -> WhereNode:
        """Django's hook: the condition of a join between ``related_alias``, the rows that have the key, and ``alias``,
        those that it points at; None where the query does without them."""
        pointing = _found_by_managers(self.model, related_alias)
        pointed_at = [] if alias is None else _found_by_managers(self.remote_field.model, alias)
        return WhereNode([*pointing, *pointed_at], connector=AND)

    def deconstruct(self) -> Any:
        """To the database, and so to migrations, it is a foreign key as any other."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs


def _found_by_managers(model: Any, alias: str) -> list[WhereNode]:
    manager = model._base_manager  # noqa: SLF001  as Django spells it for everybody
    if model._meta.label == _TENANT:  # noqa: SLF001
        return [_one_of(model, "id", alias, ActiveTenant())]
    if isinstance(manager, SharedManager):
        return [_one_of(model, "tenant", alias, ActiveTenant(), OPERATOR_ID)]
    return [_one_of(model, "tenant", alias, ActiveTenant())] if isinstance(manager, TenantManager) else []


def _one_of(model: Any, field: str, alias: str, *owners: Any) -> WhereNode:
    column = model._meta.get_field(field)  # noqa: SLF001
    own: list[Any] = [Exact(Col(alias, column), owner) for owner in owners]
    return WhereNode(own, connector=OR)


if TYPE_CHECKING:  # its plugin fills in what a field points at for Django's own class alone
    TenantForeignKey = models.ForeignKey
else:
    TenantForeignKey = _TenantForeignKey
