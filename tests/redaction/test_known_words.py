"""Which words of a session's own are somebody's."""

from typing import Any

import pytest

from sessions.cleaning import JsonValue
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
        (None, {"name": {"first": "Zorblax", "last": ["Quimbleton"], "type": "legal"}}, ["Quimbleton", "Zorblax"]),
        (None, {"shop": {"name": {"first": "Zorblax"}}, "user": {"segment": "premium", "id": "abc"}}, []),
        (
            None,
            {"имя": "Зорблакс", "контакт": {"фамилияКлиента": "x", "Фамилия": "Квимблтон"}},
            ["Квимблтон", "Зорблакс"],
        ),
        (None, {"姓名": "王芳", "客户": {"地址": "长安街"}, "商品_名": "沙发"}, ["长安街", "王芳"]),
        (
            None,
            {"名前": "山田花子", "이름": "김민수", "الاسم": "زكريا", "नाम": "मीरा"},
            ["زكريا", "मीरा", "山田花子", "김민수"],
        ),
        (None, {"name": "Bo", "nickname": "Ann"}, ["Ann"]),
        (None, {"plan": "gold", "cart": ["two", "loaves"], "name": "x", "username": 5}, []),
    ],
)
def test_words_under_keys_that_tell_of_a_person_are_known(
    user_id: str | None, context: dict[str, Any], known: list[str]
) -> None:
    assert known_words(user_id, context) == known


def test_no_value_of_a_context_that_is_full_of_names_is_left_out() -> None:
    people: list[JsonValue] = [f"Zorblax Quimbleton {number:03}" for number in range(200)]
    assert known_words(None, {"names": people, "contacts": [{"name": name} for name in people]}) == people


def test_policy_knows_the_kinds_that_the_redactor_knows() -> None:
    assert {kind.name.lower() for kind in Kind} == {kind.value for kind in PersonalData}
    assert len(PERSONAL_DATA) == len(PersonalData)
    assert set(dict(PERSONAL_DATA)) == set(PersonalData)
