import re

import pytest
from django.conf import LazySettings
from django.test import Client

from widget.demo_shops import BAKERY, BICYCLES, DEMO_SHOPS, DemoShop, demo_shop_at


def facts(text: str) -> dict[str, list[str]]:
    """What a page and an agent could contradict each other in."""
    plain = text.replace("–", "-")  # noqa: RUF001  the page's dash between hours
    patterns = {
        "prices": r"£\d+(?:,\d{3})*(?:\.\d\d)?",
        "hours": r"\d{1,2}:\d\d-\d{1,2}:\d\d",
        "phones": r"01632 960 \d{3}",
        "addresses": r"\d+ [A-Z][a-z]+ (?:Lane|Street), [A-Z][a-z]+",
        "emails": r"[a-z]+@[a-z-]+\.example",
    }
    return {name: sorted(set(re.findall(pattern, plain))) for name, pattern in patterns.items()}


def page_of(client: Client, host: str) -> str:
    response = client.get("/", headers={"host": host})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("shop", DEMO_SHOPS, ids=lambda shop: shop.domain)
def test_page_and_agent_know_the_same_facts(client: Client, shop: DemoShop) -> None:
    told = facts(shop.instructions)
    assert [name for name, found in told.items() if not found] == []
    page = page_of(client, shop.domain)
    main = page[page.index("<main>") : page.index("</main>")]
    assert facts(main) == told


@pytest.mark.parametrize("shop", DEMO_SHOPS, ids=lambda shop: shop.domain)
def test_page_carries_the_snippet_a_customer_would_paste(
    client: Client, settings: LazySettings, shop: DemoShop
) -> None:
    settings.PUBLIC_URL = "http://localhost:4711"
    page = page_of(client, f"{shop.domain}:4711")
    snippet = f'<script async src="http://localhost:4711/widget.js" data-site-key="{shop.site_key}"></script>'
    assert re.findall(r"<script.*?</script>", page) == [snippet]


@pytest.mark.parametrize("shop", DEMO_SHOPS, ids=lambda shop: shop.domain)
def test_page_allows_scripts_of_parlour_alone(client: Client, settings: LazySettings, shop: DemoShop) -> None:
    response = client.get("/", headers={"host": shop.domain})
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == settings.PUBLIC_URL
    assert policy["style-src"] == "'self'"
    assert re.findall(r" style=| on[a-z]+=|<style", response.content.decode()) == []
    assert response.cookies == {}


def test_the_two_shops_share_no_key_and_no_domain() -> None:
    assert demo_shop_at(BAKERY.domain) is BAKERY
    assert demo_shop_at(BICYCLES.domain) is BICYCLES
    assert demo_shop_at("localhost") is None
    assert len({shop.site_key for shop in DEMO_SHOPS}) == len(DEMO_SHOPS)


def test_start_page_leads_to_the_shops(client: Client, settings: LazySettings) -> None:
    settings.PUBLIC_URL = "http://localhost:4711"
    page = page_of(client, "localhost:4711")
    links = re.findall(r'<a href="([^"]+)"', page)
    shops = ["http://bakery.localhost:4711/", "http://bicycles.localhost:4711/"]
    assert links == [*shops, "/admin/", "/api/v1/schema/", "/readyz"]


def test_without_demo_sites_there_is_only_the_way_to_the_admin(client: Client, settings: LazySettings) -> None:
    settings.DEMO_SITES = False
    for host in ("localhost", BAKERY.domain):
        page = page_of(client, host)
        assert re.findall(r'<a href="([^"]+)"', page) == ["/admin/"]
        assert "<script" not in page
