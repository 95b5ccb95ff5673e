"""Lists that may be long: their pages are counted to a thousand rows and no further."""

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet

LISTED_AT_MOST: Final = 1_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than ``LISTED_AT_MOST``: beyond that a filter finds more than paging does."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by().values("pk")[:LISTED_AT_MOST].count()

    @property
    def is_cut(self) -> bool:
        return self.count == LISTED_AT_MOST
