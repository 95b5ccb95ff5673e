"""A visitor has their conversation deleted: nothing of it is kept but a receipt."""

from typing import Any, Final

from django.utils.crypto import salted_hmac

from sessions.again import again_if_broken
from sessions.errors import ErasureHeldError
from sessions.relay import tell
from sessions.starting import check_right
from sessions.store import erase
from sessions.store.erase import Erased, Receipt
from sessions.store.visits import Visit

_PAUSES_SECONDS: Final = (0.1, 0.5)


async def forget_session(visit: Visit) -> Receipt:
    """Erases the session, and gives the receipt; asked again with the token that it had, the same one.

    A turn under way is given up: it writes nothing any more. Raises the session token's errors, and
    ``ErasureHeldError``.
    """
    new = erase.new_receipt(_receipt_hmac(visit))
    erased = await again_if_broken(lambda: erase.erase_session(visit, new), _PAUSES_SECONDS)
    if erased.receipt is None:
        check_right(visit, erased.left)
        raise ErasureHeldError
    _tell_who_works_on_it(erased)
    return erased.receipt


def receipt_body(session_id: str, receipt: Receipt) -> dict[str, Any]:
    """What the visitor gets to keep."""
    return {
        "session_id": session_id,
        "receipt_id": f"er_{receipt.id.hex}",
        "erased_at": receipt.finished_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "sessions": receipt.sessions_done,
        "messages": receipt.messages_done,
        "turns": receipt.turns_done,
    }


def _tell_who_works_on_it(erased: Erased) -> None:
    for turn_id in erased.live_turns:
        tell("gone", turn_id)
    if erased.session_pk is not None:
        tell("next", erased.session_pk)


def _receipt_hmac(visit: Visit) -> bytes | None:
    """Finds the receipt again for whoever has the token, and for nobody else: the token itself has 256 random bits.

    A server has none, and its sessions' ids may be customers' numbers: nothing that could be guessed is kept of them.
    """
    if visit.token_hash is None:
        return None
    text = f"{visit.website_id}:{visit.session_id}:{visit.token_hash.hex()}"
    return salted_hmac("parlour.erasure.receipt", text, algorithm="sha256").digest()
