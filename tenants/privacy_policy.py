"""What holds on a website: when personal data is replaced, what is kept and how long, and what is stored of a visitor.

A website's own word, or else its tenant's. The view ``privacy_policies`` puts them together, for the doors and the jobs
as for this module; nothing else does.
"""

import json
from dataclasses import dataclass, fields
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any, Final, Self
from uuid import UUID

from django.db import connection

from tenants.privacy_choices import Redact, StoreIp
from tenants.scoping import active_tenant_id

Address = IPv4Address | IPv6Address

_BITS_KEPT: Final = {4: 24, 6: 48}
_MAX_USER_AGENT_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class PrivacyPolicy:
    """The policy of one website, as of now."""

    redact_when: Redact
    redact_after_hours: int
    """After so long a silence the job goes over a session, in every mode but ``never``."""
    kinds_kept: frozenset[str]
    """Kinds of personal data, as in ``PersonalData``, that stay as they are."""
    retention_days: int
    turn_retention_days: int
    """Never more than ``retention_days``."""
    ip_storage: StoreIp
    stores_user_agent: bool
    is_held: bool
    """The website is under a legal hold: nothing of it is deleted or redacted."""

    @property
    def redacts_meanwhile(self) -> bool:
        """Whether a conversation's words are replaced while it goes on, turn by turn. A hold comes before."""
        return self.redact_when in {Redact.AT_TURN_END, Redact.BEFORE_MODEL} and not self.is_held

    @classmethod
    def take_from(cls, row: dict[str, Any]) -> Self:
        """Out of a row of the view, or of a door that gives the same columns: those are taken off it."""
        values = {field.name: row.pop(field.name) for field in fields(cls)}
        return cls(
            **{
                **values,
                "redact_when": Redact(values["redact_when"]),
                "kinds_kept": frozenset(values["kinds_kept"]),
                "ip_storage": StoreIp(values["ip_storage"]),
            }
        )

    def stored_address(self, address: Address | str | None) -> str:
        """What may be stored of a visitor's address: all of it, its network (/24, /48), or nothing.

        Takes what was stored before, too, for a policy that has become stricter since.
        """
        if not address or self.ip_storage is StoreIp.NOT:
            return ""
        if self.ip_storage is StoreIp.WHOLE:
            return str(address)
        network = ip_network(address, strict=False)
        return str(network.supernet(new_prefix=min(_BITS_KEPT[network.version], network.prefixlen)))

    def stored_user_agent(self, user_agent: str | None) -> str:
        """What may be stored of what the browser says of itself; cut, and without anything invisible."""
        if not user_agent or not self.stores_user_agent:
            return ""
        return "".join(filter(str.isprintable, user_agent))[:_MAX_USER_AGENT_CHARS]


_COLUMNS: Final = ", ".join(field.name for field in fields(PrivacyPolicy))
_OF_TENANT: Final = f"SELECT website_id, {_COLUMNS} FROM privacy_policies WHERE tenant_id = %s"  # noqa: S608  own names


def policies_of_websites() -> dict[UUID, PrivacyPolicy]:
    """Of the active tenant's websites, each by the website's id."""
    return _policies(_OF_TENANT, [active_tenant_id()])


def policy_of_website(website_id: UUID) -> PrivacyPolicy:
    """Of one of the active tenant's websites. Raises ``KeyError`` where it has none such."""
    return _policies(f"{_OF_TENANT} AND website_id = %s", [active_tenant_id(), website_id])[website_id]


def _policies(query: str, values: list[Any]) -> dict[UUID, PrivacyPolicy]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row.pop("website_id"): PrivacyPolicy.take_from(_decoded(row)) for row in rows}


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    """Django leaves jsonb of plain cursors as text."""
    return {**row, "kinds_kept": json.loads(row["kinds_kept"])}
