"""The policy, read as the table that it is."""

from django.contrib import admin

from tenants.changes_page import RANK as CHANGES_RANK
from tenants.roles import Deed, Role, Thing, may, policy_in_words, rights_of

ALL = {"view", "add", "change", "delete"}
READ = {"view"}
# operator, owner, admin, auditor
POLICY = {
    Thing.WEBSITES: (ALL, ALL, ALL, READ),
    Thing.DOMAIN_PROOFS: ({"view", "change"}, set(), set(), set()),
    Thing.AGENTS: (ALL, ALL, ALL, READ),
    Thing.CONNECTIONS: (ALL, ALL, ALL, READ),
    Thing.API_KEYS: (ALL, ALL, ALL, READ),
    Thing.CONVERSATIONS: ({"view", "delete"}, {"view", "delete"}, {"view", "delete"}, READ),
    Thing.LOOKS: (READ, READ, READ, READ),
    Thing.EXPORTS: (READ, READ, READ, set()),
    Thing.ERASURES: ({"view", "add"}, {"view", "add"}, {"view", "add"}, READ),
    Thing.CHANGES: (READ, READ, READ, READ),
    Thing.MEMBERS: (ALL, {"view", "change", "delete"}, READ, READ),
    Thing.INVITATIONS: ({"view", "add", "change"}, {"view", "add", "change"}, READ, READ),
    Thing.SETTINGS: ({"view", "change"}, {"view", "change"}, READ, READ),
    Thing.PRIVACY: ({"view", "change"}, {"view", "change"}, READ, READ),
    Thing.TENANTS: ({"view", "add", "change"}, set(), set(), set()),
    Thing.PEOPLE: ({"view", "add", "change"}, set(), set(), set()),
}


def test_policy_is_this_table() -> None:
    assert {thing: tuple(set(rights_of(role, thing)) for role in Role) for thing in Thing} == POLICY


def test_nobody_may_do_nothing() -> None:
    assert [rights_of(None, thing) for thing in Thing] == [frozenset()] * len(Thing)
    assert may(None, Deed.VIEW, Thing.WEBSITES) is False


def test_policy_in_words_leaves_out_what_is_the_operators_alone() -> None:
    words = dict(policy_in_words())
    assert words["Members"] == ["read, change, remove", "read", "read"]
    operators = {Thing.TENANTS, Thing.PEOPLE, Thing.DOMAIN_PROOFS}
    assert set(words) == {thing.value for thing in set(Thing) - operators}


def test_every_page_has_a_place_of_its_own_on_the_home_page() -> None:
    ranks = [CHANGES_RANK, *(getattr(page, "rank", 0) for page in admin.site._registry.values())]
    assert sorted(ranks) == list(range(1, len(ranks) + 1))


def test_every_page_of_the_admin_asks_the_policy() -> None:
    pages = list(admin.site._registry.values())
    inlines = [inline for page in pages for inline in page.inlines]
    assert [one for one in [*pages, *inlines] if not isinstance(getattr(one, "thing", None), Thing)] == []
