"""The list page's answer to its address: the filters that it offers, and nothing else."""

from typing import Any

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest


class OfferedFiltersList(ChangeList):
    """Refuses every parameter that is neither Django's own nor one of the page's filters, by its exact name.

    Django takes any path of columns that begins with a filter's: a transcript or a sealed key could be searched by
    address, letter for letter, without being opened.
    """

    def get_filters(self, request: HttpRequest) -> Any:
        try:
            found = super().get_filters(request)
        except DisallowedModelAdminLookup as error:  # as unknown as what is left over below
            raise IncorrectLookupParameters(error) from error
        _, _, left_over, *_ = found
        if left_over:
            raise IncorrectLookupParameters
        return found
