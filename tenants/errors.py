"""What can go wrong on the ground floor.

ParlourError                       every error that this project raises for a caller to tell apart
|-- ScopeError                     a programming error around ``tenant_scope``; never shown to a visitor
|   |-- TenantScopeMissingError    a tenant's rows were asked for while no tenant is active
|   |-- TenantScopeConflictError   another tenant's scope was entered inside one
|   `-- TenantMismatchError        a row of one tenant was to be written in another's scope, or to point at another's
|-- OriginNotAllowedError          no website is registered for the origin of a request
|-- ApiKeyRefusedError             an API key is unknown, revoked, expired, misspelt, or of a suspended tenant
|-- DomainTakenError               a host is proved by another website already
|-- KeyringError                   a sealed value cannot be opened; never carries a credential, for it ends in logs
|   |-- UnknownEncryptionKeyError  sealed with a key that is not in the ring
|   `-- SealBrokenError            changed, cut short, or sealed for another tenant, row or field
|-- CheckedJustNowError            a domain was looked at a moment ago
|-- AddressRefusedError            a name that a tenant gave leads to an address that may not be called
|-- LastOwnerError                 a tenant's only owner would leave or be given another role
|-- InvitationUnusableError        an invitation is unknown, used, revoked, too old, or of somebody who may not invite
|-- AlreadyMemberError             whom an invitation would make a member is one
|-- TooManyLookupsError            more keys that nobody knows come at once than are looked up
|-- DatabaseAwayError              the database refuses connections, does not answer, or hung up
|-- LegalHoldError                 what was to be deleted is under a legal hold
`-- TenantsFailedError             a job failed for some tenants and went on with the others
"""

from psycopg import OperationalError


class ParlourError(Exception):
    """Root of the project's errors."""


class ScopeError(ParlourError):
    """Root of the errors around tenant scopes."""


class TenantScopeMissingError(ScopeError):
    def __init__(self) -> None:
        super().__init__("no tenant is active: open tenants.scoping.tenant_scope(tenant_id) around this query")


class TenantScopeConflictError(ScopeError):
    def __init__(self) -> None:
        super().__init__("another tenant's scope is open already: leave it before entering this one")


class TenantMismatchError(ScopeError):
    def __init__(self) -> None:
        super().__init__("the row belongs to another tenant: open its own scope to write it")


class OriginNotAllowedError(ParlourError):
    """No website is registered for the origin of the request."""


class ApiKeyRefusedError(ParlourError):
    """Which of the reasons it is, nobody is told."""


class DomainTakenError(ParlourError):
    """By whom, nobody is told."""

    def __init__(self, host: str = "This domain") -> None:
        super().__init__(f"{host} is in use by another website already.")


class KeyringError(ParlourError):
    """A sealed value cannot be opened."""


class UnknownEncryptionKeyError(KeyringError):
    """The value names a key that the ring does not hold."""


class SealBrokenError(KeyringError):
    """The value was changed or cut, or is not where it was sealed for."""


class CheckedJustNowError(ParlourError):
    def __init__(self) -> None:
        super().__init__("This domain was checked a moment ago. Please wait a few seconds.")


class AddressRefusedError(ParlourError):
    """A host resolved to an address that is not public, or to none."""


class LastOwnerError(ParlourError):
    def __init__(self) -> None:
        super().__init__("A tenant needs an owner. Make somebody else an owner first.")


class InvitationUnusableError(ParlourError):
    def __init__(self) -> None:
        super().__init__("This invitation does not work. It may have been used, withdrawn, or be too old.")


class AlreadyMemberError(ParlourError):
    def __init__(self) -> None:
        super().__init__("You belong to this tenant already.")


class TooManyLookupsError(ParlourError):
    """Nobody looked whether there is anything: too many unknown keys came in this second."""


class DatabaseAwayError(ParlourError, OperationalError):
    """Trying again later may help. What was asked may have been done: a commit whose answer was lost counts."""

    def __init__(self) -> None:
        super().__init__("the database is out of reach")


class LegalHoldError(ParlourError):
    def __init__(self) -> None:
        super().__init__("This is under a legal hold: nothing of it can be deleted until the hold is lifted.")


class TenantsFailedError(ParlourError):
    """Raised at the end of a round; the log tells what happened at each of them."""

    def __init__(self, failed: int) -> None:
        super().__init__(f"the round failed for {failed} tenants, see the log")
        self.failed = failed
