"""A visitor proves who they are: the session is theirs from then on, and nobody else's."""

from collections.abc import Collection

from sessions.errors import IdentityMismatchError
from sessions.identity import read_identity
from sessions.starting import check_right
from sessions.store import identify
from sessions.store.visits import Visit
from tenants.identity_secrets import open_identity_secrets


async def identify_visitor(visit: Visit, token: str, hosts: Collection[str]) -> str:
    """Marks the session as the user's whom the signed ``token`` names, and gives their id. Twice is as once.

    Raises the session token's errors, ``IdentityInvalidError``, and ``IdentityMismatchError`` where the session was
    proved to be another's: one conversation never passes from one person to another.
    """
    asked = await identify.identity_secrets(visit)
    check_right(visit, asked)
    assert asked is not None
    sealed = (asked["identity_secret_sealed"], asked["former_identity_secret_sealed"])
    secrets = open_identity_secrets(visit.tenant_id, visit.website_id, sealed)
    user_id = read_identity(token, secrets=secrets, hosts=hosts, now=asked["now"])
    session = await identify.verify_user(visit, user_id)
    check_right(visit, session)
    assert session is not None
    if session["user_id"] != user_id:
        raise IdentityMismatchError
    return user_id
