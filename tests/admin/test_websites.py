"""Registering a website and choosing its agents, as a person does it in the browser."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Agent, WebsiteAgent
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, make_shop, sentences, switch_to
from tests.cast import Cast

Enter = Callable[[User], Client]

ADD = f"{ADMIN}tenants/website/add/"


def agents_fields(*rows: dict[str, str], saved: int = 0) -> dict[str, str]:
    """The inline form's fields as the browser sends them; the first ``saved`` rows exist already."""
    fields = {"website_agents-TOTAL_FORMS": str(len(rows)), "website_agents-INITIAL_FORMS": str(saved)}
    for number, row in enumerate(rows):
        typed = {"position": "right", "accent": "#4f46e5", **row}
        fields |= {f"website_agents-{number}-{name}": value for name, value in typed.items()}
    return fields


def register(client: Client, domain: str, *agents: Agent, **more: str) -> Any:
    rows = [{"agent": str(agent.pk)} for agent in agents]
    return client.post(ADD, {"domain": domain, "is_active": "on", **agents_fields(*rows), **more})


def websites_of(tenant: Tenant) -> list[Website]:
    with tenant_scope(tenant.pk):
        return list(Website.objects.all())


def website_called(tenant: Tenant, domain: str) -> Website:
    with tenant_scope(tenant.pk):
        return Website.objects.prefetch_related("origins", "website_agents").get(domain=domain)


def errors(response: Any, field: str) -> list[str]:
    return list(response.context["adminform"].form.errors.get(field, []))


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("EXAMPLE.com.", "example.com"),
        ("https://Example.com:443/shop?x=1", "example.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
    ],
)
def test_registering_reads_what_people_paste(enter: Enter, alice: Shop, typed: str, domain: str) -> None:
    response = register(enter(alice.owner), typed, alice.agent, extra_origins="https://www." + domain)
    website = website_called(alice.tenant, domain)
    assert response["Location"] == f"{ADMIN}tenants/website/{website.pk}/change/"
    assert (website.tenant_id, website.is_active, website.is_proved) == (alice.tenant.pk, True, False)
    assert {row.origin for row in website.origins.all()} == {f"https://{domain}", f"https://www.{domain}"}
    assert [(row.agent_id, row.is_default) for row in website.website_agents.all()] == [(alice.agent.pk, True)]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("example", "Type the whole domain with its ending, such as example.com."),
        ("192.168.0.1", "Use a domain name: an IP address or a name ending in a number cannot be registered."),
        ("*.example.com", "A wildcard cannot be registered: add each domain by itself."),
        ("example.com:8080", "A domain has no port: add the address with its port as an extra origin instead."),
        ("ftp://example.com", "Only addresses that begin with https:// or http:// belong to websites."),
        ("", "This field is required."),
    ],
)
def test_registering_refuses_what_is_no_domain(enter: Enter, alice: Shop, typed: str, sentence: str) -> None:
    response = register(enter(alice.owner), typed, alice.agent)
    assert errors(response, "domain") == [sentence]
    assert websites_of(alice.tenant) == [alice.website]


def test_registering_the_same_domain_twice_is_refused(enter: Enter, alice: Shop) -> None:
    response = register(enter(alice.owner), alice.website.domain.upper(), alice.agent)
    assert errors(response, "domain") == ["You have registered this domain already."]
    assert websites_of(alice.tenant) == [alice.website]


def test_two_tenants_may_wait_for_the_same_domain(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    domain = f"same-{alice.tenant.slug}.example"
    for shop in (alice, bob):
        assert register(enter(shop.owner), domain, shop.agent).status_code == 302
        assert website_called(shop.tenant, domain).is_proved is False


def test_registering_a_local_domain_that_is_taken_is_a_sentence(enter: Enter, alice: Shop, bob: Shop) -> None:
    response = register(enter(alice.owner), bob.website.domain, alice.agent)
    assert sentences(response) == ["This domain is in use by another website already."]
    assert websites_of(alice.tenant) == [alice.website]


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("www.example.com", "www.example.com: Begin the origin with https:// or http://."),
        (
            "https://evil.net",
            "https://evil.net: https://evil.net is outside example.com: register it as a website of its own.",
        ),
        (
            "https://example.com/shop",
            "https://example.com/shop: An origin ends after the host or port: leave out the path.",
        ),
    ],
)
def test_registering_refuses_extra_origins_with_a_sentence(
    enter: Enter, alice: Shop, extra: str, sentence: str
) -> None:
    response = register(enter(alice.owner), "example.com", alice.agent, extra_origins=extra)
    assert errors(response, "extra_origins") == [sentence]
    assert websites_of(alice.tenant) == [alice.website]


def test_the_form_cannot_choose_tenant_key_or_proof(enter: Enter, alice: Shop, bob: Shop) -> None:
    register(
        enter(alice.owner),
        "mine.example",
        tenant=str(bob.tenant.pk),
        tenant_id=str(bob.tenant.pk),
        site_key="pk_chosen",
        proved_at="2026-01-01",
    )
    website = website_called(alice.tenant, "mine.example")
    assert (website.tenant_id, website.is_proved) == (alice.tenant.pk, False)
    assert website.site_key != "pk_chosen"
    assert websites_of(bob.tenant) == [bob.website]


def test_change_page_shows_snippet_and_origins(enter: Enter, alice: Shop) -> None:
    page = enter(alice.owner).get(alice.pages()["website"] + "change/").text
    key = alice.website.site_key
    assert (
        f"&lt;script async src=&quot;{settings.PUBLIC_URL}/widget.js&quot; "
        f"data-site-key=&quot;{key}&quot;&gt;&lt;/script&gt;" in page
    )
    assert f"<code>http://{alice.website.domain}:{settings.LOCAL_ORIGIN_PORT}</code>" in page


def test_domain_stays_once_it_is_registered(enter: Enter, alice: Shop) -> None:
    enter(alice.owner).post(
        alice.pages()["website"] + "change/",
        {"domain": "other.example", "title": "New title", "is_active": "on", **kept(alice)},
    )
    assert [(one.domain, one.title) for one in websites_of(alice.tenant)] == [(alice.website.domain, "New title")]


def kept(shop: Shop, **changes: str) -> dict[str, str]:
    """The fields of the shop's website that stay, and the inline's for the agent that it has."""
    with tenant_scope(shop.tenant.pk):
        row = WebsiteAgent.objects.get(website=shop.website)
    fields = {"id": str(row.pk), "agent": str(row.agent_id), "is_default": "on"}
    return {"double_send": "enqueue", **agents_fields({**fields, **changes}, saved=1)}


def test_changed_origins_are_the_websites(enter: Enter, alice: Shop) -> None:
    fields = {"title": "Title Alpha", "is_active": "on", **kept(alice)}
    extra = f"https://www.{alice.website.domain}"
    for typed, expected in ((extra, [extra]), ("", [])):
        enter(alice.owner).post(alice.pages()["website"] + "change/", {**fields, "extra_origins": typed})
        saved = website_called(alice.tenant, alice.website.domain)
        own = f"https://{alice.website.domain}"
        assert [row.origin for row in saved.origins.all()] == sorted([own, *expected])


def test_extra_origin_on_anothers_host_is_refused_by_name(enter: Enter, alice: Shop, bob: Shop, cast: Cast) -> None:
    cast.website(bob.tenant, f"shop.{alice.website.domain}")
    fields = {"title": "Changed", "is_active": "on", **kept(alice)}
    for extra in (f"http://shop.{alice.website.domain}", f"https://shop.{alice.website.domain}:8443"):
        response = enter(alice.owner).post(
            alice.pages()["website"] + "change/",
            {**fields, "extra_origins": f"https://www.{alice.website.domain}\n{extra}"},
        )
        assert sentences(response) == [f"shop.{alice.website.domain} is in use by another website already."]
    saved = website_called(alice.tenant, alice.website.domain)
    assert (saved.title, [row.origin for row in saved.origins.all()]) == (
        "Title Alpha",
        [f"https://{alice.website.domain}"],
    )


def test_owner_sets_budgets_their_words_and_double_sends(enter: Enter, alice: Shop) -> None:
    page = alice.pages()["website"] + "change/"
    budgets = {"turns_per_day": "500", "tokens_per_day": "100000", "quota_message": "Call us: 01632 960 142"}
    enter(alice.owner).post(page, {"is_active": "on", **kept(alice), **budgets, "double_send": "reject"})
    saved = website_called(alice.tenant, alice.website.domain)
    assert (saved.turns_per_day, saved.tokens_per_day, saved.quota_message, saved.double_send) == (
        500,
        100_000,
        "Call us: 01632 960 142",
        "reject",
    )
    enter(alice.owner).post(page, {"is_active": "on", **kept(alice), **dict.fromkeys(budgets, "")})
    saved = website_called(alice.tenant, alice.website.domain)
    assert (saved.turns_per_day, saved.tokens_per_day, saved.quota_message) == (None, None, "")


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("turns_per_day", "0", "Ensure this value is greater than or equal to 1."),
        ("tokens_per_day", "0", "Ensure this value is greater than or equal to 1."),
        ("quota_message", "x" * 301, "Ensure this value has at most 300 characters (it has 301)."),
        ("double_send", "twice", "Select a valid choice. twice is not one of the available choices."),
    ],
)
def test_budgets_that_make_no_sense_are_refused(
    enter: Enter, alice: Shop, field: str, typed: str, sentence: str
) -> None:
    fields = {"is_active": "on", **kept(alice), field: typed}
    response = enter(alice.owner).post(alice.pages()["website"] + "change/", fields)
    assert errors(response, field) == [sentence]
    saved = website_called(alice.tenant, alice.website.domain)
    assert (saved.turns_per_day, saved.tokens_per_day, saved.quota_message) == (None, None, "")


def defaults(shop: Shop) -> dict[str, bool]:
    with tenant_scope(shop.tenant.pk):
        rows = WebsiteAgent.objects.filter(website=shop.website).select_related("agent")
        return {row.agent.name: row.is_default for row in rows}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("on", "", {"Agent Alpha": True, "Second": False}),
        ("", "on", {"Agent Alpha": False, "Second": True}),
        ("on", "on", {"Agent Alpha": False, "Second": True}),
        ("", "", {"Agent Alpha": True, "Second": False}),
    ],
)
def test_exactly_one_agent_answers_by_default(
    cast: Cast, enter: Enter, alice: Shop, first: str, second: str, expected: dict[str, bool]
) -> None:
    new = cast.agent(alice.tenant, name="Second")
    fields = kept(alice, is_default=first)
    more = {"agent": str(new.pk), "is_default": second, "position": "left", "accent": "#000000", "starters": "A\n\nB "}
    fields |= {f"website_agents-1-{name}": value for name, value in more.items()} | {"website_agents-TOTAL_FORMS": "2"}
    response = enter(alice.owner).post(alice.pages()["website"] + "change/", {"is_active": "on", **fields})
    assert response.status_code == 302
    assert defaults(alice) == expected
    with tenant_scope(alice.tenant.pk):
        row = WebsiteAgent.objects.get(agent=new)
    assert (row.starters, row.position, row.accent, row.tenant_id) == (["A", "B"], "left", "#000000", alice.tenant.pk)


def test_removing_the_default_makes_another_one(cast: Cast, enter: Enter, alice: Shop) -> None:
    cast.use(alice.website, cast.agent(alice.tenant, name="Second"))
    with tenant_scope(alice.tenant.pk):
        rows = list(WebsiteAgent.objects.filter(website=alice.website).order_by("created_at"))
    forms = [{"id": str(row.pk), "agent": str(row.agent_id)} for row in rows]
    forms[0]["DELETE"] = "on"
    stays = {"is_active": "on", "double_send": "enqueue"}
    enter(alice.owner).post(alice.pages()["website"] + "change/", {**stays, **agents_fields(*forms, saved=2)})
    assert defaults(alice) == {"Second": True}


def test_the_operators_agent_may_be_used(cast: Cast, enter: Enter, alice: Shop) -> None:
    shared = cast.agent(name="Shared")
    register(enter(alice.owner), "uses-shared.example", shared)
    uses = website_called(alice.tenant, "uses-shared.example").website_agents.all()
    assert [(row.agent_id, row.agent_tenant_id, row.tenant_id) for row in uses] == [
        (shared.pk, shared.tenant_id, alice.tenant.pk)
    ]


def test_website_with_conversations_is_not_deleted(enter: Enter, alice: Shop) -> None:
    response = enter(alice.owner).post(alice.pages()["website"] + "delete/", {"post": "yes"})
    assert sentences(response)[0].startswith("This website has conversations, so it cannot be deleted alone")
    assert websites_of(alice.tenant) == [alice.website]


def test_website_without_conversations_is_deleted(cast: Cast, enter: Enter, alice: Shop) -> None:
    empty = cast.website(alice.tenant, agents=[alice.agent])
    response = enter(alice.owner).post(f"{ADMIN}tenants/website/{empty.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert websites_of(alice.tenant) == [alice.website]


def confirm(client: Client, website: Website) -> Any:
    return client.post(f"{ADMIN}tenants/website/{website.pk}/confirm-domain/")


def waiting_website(shop: Shop, enter: Enter, domain: str) -> Website:
    register(enter(shop.owner), domain, shop.agent)
    return website_called(shop.tenant, domain)


def test_operator_confirms_a_domain(enter: Enter, operator: User, alice: Shop) -> None:
    website = waiting_website(alice, enter, f"real-{alice.tenant.slug}.example")
    client = enter(operator)
    switch_to(client, alice.tenant)
    assert "Confirm domain" in client.get(f"{ADMIN}tenants/website/{website.pk}/change/").text
    confirm(client, website)
    saved = website_called(alice.tenant, website.domain)
    assert (saved.is_proved, [row.proved_at is not None for row in saved.origins.all()]) == (True, [True])
    assert "Confirm domain" not in client.get(f"{ADMIN}tenants/website/{website.pk}/change/").text


def test_owner_cannot_confirm_a_domain(enter: Enter, alice: Shop) -> None:
    website = waiting_website(alice, enter, f"real-{alice.tenant.slug}.example")
    client = enter(alice.owner)
    assert "Confirm domain" not in client.get(f"{ADMIN}tenants/website/{website.pk}/change/").text
    assert confirm(client, website).status_code == 403
    assert website_called(alice.tenant, website.domain).is_proved is False


def test_confirming_a_taken_domain_is_a_sentence(
    cast: Cast, enter: Enter, operator: User, alice: Shop, bob: Shop
) -> None:
    domain = f"real-{alice.tenant.slug}.example"
    website = waiting_website(alice, enter, domain)
    cast.website(bob.tenant, domain)
    client = enter(operator)
    switch_to(client, alice.tenant)
    assert sentences(confirm(client, website)) == ["This domain is in use by another website already."]
    assert website_called(alice.tenant, domain).is_proved is False


def test_operator_confirms_only_where_it_is(enter: Enter, operator: User, alice: Shop) -> None:
    website = waiting_website(alice, enter, f"real-{alice.tenant.slug}.example")
    assert confirm(enter(operator), website)["Location"] == ADMIN
    assert website_called(alice.tenant, website.domain).is_proved is False


def test_list_tells_the_state_in_words(cast: Cast, enter: Enter, alice: Shop) -> None:
    waiting_website(alice, enter, "waiting.example")
    cast.website(alice.tenant, is_active=False)
    page = enter(alice.owner).get(f"{ADMIN}tenants/website/").text
    assert [page.count(f'">{words}</span>') for words in ("Live", "Waiting for proof", "Switched off")] == [1, 1, 1]
    assert page.count('">None yet</span>') == 1


@pytest.mark.parametrize("term", ["Alpha", "münchen.de", "xn--mnchen"])
def test_search_finds_domains_and_titles(enter: Enter, alice: Shop, term: str) -> None:
    register(enter(alice.owner), "münchen.de", alice.agent)
    page = enter(alice.owner).get(f"{ADMIN}tenants/website/", {"q": term}).text
    assert page.count('class="field-shown_domain"') == 1


def test_list_asks_the_database_as_often_for_three_as_for_one(
    cast: Cast, enter: Enter, django_assert_num_queries: Any
) -> None:
    shop = make_shop(cast, "Counted")
    client = enter(shop.owner)
    for more in (0, 2):
        for _ in range(more):
            cast.website(shop.tenant, agents=[shop.agent])
        with django_assert_num_queries(LIST_QUERIES):
            assert client.get(f"{ADMIN}tenants/website/").status_code == 200


LIST_QUERIES = 10
