"""Which words of a session's own are somebody's."""

from typing import Any

import pytest

from sessions.known_words import known_words
from sessions.privacy import Kind
from tenants.privacy_choices import PERSONAL_DATA, PersonalData


@pytest.mark.parametrize(
    ("user_id", "context", "known"),
    [
        (None, {}, []),
        ("alice@example.com", {}, ["alice@example.com"]),
        ("4711", {}, []),
        (None, {"name": "Alice Liddell", "first_name": "Alice"}, ["Alice Liddell", "Alice"]),
        (None, {"user": {"fullName": "Alice Liddell", "plan": "gold"}}, ["Alice Liddell"]),
        (None, {"contacts": [{"lastName": "Liddell"}, {"lastName": "Hargreaves"}]}, ["Hargreaves", "Liddell"]),
        (None, {"Nachname": "Müller", "email": "m@example.de"}, ["m@example.de", "Müller"]),
        (None, {"product": {"name": "Rye bread"}, "product_name": "Rye", "page": {"title": "Our breads"}}, []),
        (None, {"plan": "gold", "cart": ["two", "loaves"], "name": "x", "username": 5}, []),
    ],
)
def test_words_under_keys_that_tell_of_a_person_are_known(
    user_id: str | None, context: dict[str, Any], known: list[str]
) -> None:
    assert known_words(user_id, context) == known


def test_policy_knows_the_kinds_that_the_redactor_knows() -> None:
    assert {kind.name.lower() for kind in Kind} == {kind.value for kind in PersonalData}
    assert len(PERSONAL_DATA) == len(PersonalData)
    assert set(dict(PERSONAL_DATA)) == set(PersonalData)
