"""Who changes what is written here: a member of staff, or the system by one of its jobs.

    with writing_as(Author.person(...)):
        with tenant_scope(tenant_id):
            ...                                  # the triggers of the record of changes put the author into each line

``tenant_scope`` tells PostgreSQL the author together with the tenant, for exactly that transaction. Where none is
known, a change is recorded as the system's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict
from structlog.contextvars import get_contextvars

SET_TENANT_AND_AUTHOR: Final = (
    "select set_config('app.tenant_id', %s, true), set_config('pghistory.context_metadata', %s, true)"
)
"""Begins a transaction of the ORM's; its parameters are the tenant's id and ``author_in_database``, both text."""


class Author(BaseModel):
    """As the record stores it, in plain values: a person may be gone before it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    user_id: int | None = None
    name: str = ""
    role: str = ""
    address: str = ""
    request_id: str = ""
    job: str = ""
    """What the system was doing; empty where a person did it."""

    @classmethod
    def person(cls, user_id: int | None, name: str, role: str, address: str = "") -> Self:
        request_id = get_contextvars().get("request_id") or ""
        return cls(user_id=user_id, name=name, role=role, address=address, request_id=str(request_id))

    @classmethod
    def system(cls, job: str) -> Self:
        return cls(job=job)


_author: ContextVar[Author | None] = ContextVar("author", default=None)


@contextmanager
def writing_as(author: Author) -> Iterator[None]:
    """For the scopes that are opened inside; one that is open already keeps its author."""
    token = _author.set(author)
    try:
        yield
    finally:
        _author.reset(token)


def begin_writing_as(author: Author | None) -> None:
    """As ``writing_as``, where beginning and end are told apart: a task's."""
    _author.set(author)


def author_in_database() -> str:
    """The text for the setting; empty where nobody is named."""
    author = _author.get()
    return "" if author is None else author.model_dump_json()
