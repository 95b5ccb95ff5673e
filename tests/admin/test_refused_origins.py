"""The list of refused origins on a website's page."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tenants.models import Website
from tenants.refused_origins import Refusals, store_refusals
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop

Enter = Callable[[User], Client]


def page_of(website: Website) -> str:
    return f"{ADMIN}tenants/website/{website.pk}/change/"


def test_page_lists_refused_origins_of_its_own_website_alone(enter: Enter, alice: Shop, bob: Shop) -> None:
    at = timezone.now()
    for shop, word in ((alice, "mine"), (bob, "canary")):
        with tenant_scope(shop.tenant.pk):
            one = Refusals(f"https://{word}.example", at, at, 1_234)
            store_refusals(shop.website.pk, at.date(), [one, Refusals("", at, at, 77)])
    for person in (alice.owner, alice.auditor):
        page = enter(person).get(page_of(alice.website)).text
        assert page.count("<code>https://mine.example</code></td><td>1234</td>") == 1
        assert page.count("Others</td><td>77</td>") == 1
        assert "canary" not in page


def test_origin_that_was_refused_is_shown_as_text(enter: Enter, alice: Shop) -> None:
    at = timezone.now()
    with tenant_scope(alice.tenant.pk):
        store_refusals(alice.website.pk, at.date(), [Refusals("<script>canary</script>", at, at, 1)])
    assert "<script>canary" not in enter(alice.owner).get(page_of(alice.website)).text


def test_page_without_refusals_says_so(enter: Enter, alice: Shop) -> None:
    page = enter(alice.owner).get(page_of(alice.website)).text
    assert "No page elsewhere has tried this website's key." in page.replace("&#x27;", "'")
