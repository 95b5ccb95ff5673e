import json
from typing import Any

from sessions.privacy import SessionRedactor


def redacted(value: Any) -> Any:
    return SessionRedactor(key=b"k").json(value)


def test_every_string_leaf_is_redacted_and_all_else_stays() -> None:
    value = {
        "id": "msg_0198c0de",
        "role": "user",
        "count": 3,
        "price": 9.50,
        "ok": True,
        "nothing": None,
        "a@b.com": "key stays",
        "deep": [{"mail": "a@b.com"}, ["call +49 30 1234567"]],
    }
    after = redacted(value)
    assert after["deep"][0]["mail"].startswith("[EMAIL_")
    assert after["deep"][1][0].startswith("call [PHONE_")
    after["deep"] = value["deep"]
    assert after == value


def test_value_itself_is_not_changed() -> None:
    value = {"mail": ["a@b.com"]}
    redacted(value)
    assert value == {"mail": ["a@b.com"]}


def test_json_in_a_string_is_walked_and_otherwise_kept_to_the_byte() -> None:
    inner = '{"n": 1.00,  "big": 123456789012345678901234567890, "m": "a@b.com", "m": "\\u0061@b.com"}'
    after = redacted({"payload": inner})["payload"]
    placeholder = json.loads(after)["m"]
    assert after == inner.replace("a@b.com", placeholder, 1).replace("\\u0061@b.com", placeholder)


def test_json_in_json_in_a_string_is_walked() -> None:
    value = json.dumps({"outer": json.dumps({"inner": ["a@b.com"]})})
    after = json.loads(json.loads(redacted(value))["outer"])
    assert after["inner"][0].startswith("[EMAIL_")


def test_key_tells_what_its_value_is() -> None:
    after = redacted({"password": "correcthorse", "firstName": "Zyx", "dob": "03/04/1985", "note": "correcthorse"})
    assert [value.partition("_")[0] for value in after.values()] == ["[SECRET", "[NAME", "[BIRTH", "correcthorse"]


def test_ids_that_are_opaque_stay_and_others_do_not() -> None:
    assert redacted({"session_id": "s_4111111111111111"}) == {"session_id": "s_4111111111111111"}
    assert redacted({"user_id": "alice@example.com"})["user_id"].startswith("[EMAIL_")


def test_id_whose_form_says_what_it_is_does_not_stay() -> None:
    after = redacted(
        {
            "national_id": "078-05-1120",
            "card_id": "4111111111111111",
            "taxId": "DE89370400440532013000",
            "whatsapp_id": "4915123456789",
            "key_id": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "user_ids": ["u_1", "192.168.1.7"],
            "inner": '{"contact_id": "+491701234567", "last_ip_id": "192.168.1.7"}',
        }
    )
    inner = json.loads(after.pop("inner"))
    first, second = after.pop("user_ids")
    kinds = [value.rpartition("_")[0] for value in [*after.values(), second, *inner.values()]]
    assert kinds == ["[NATIONAL_ID", "[CARD", "[IBAN", "[PHONE", "[SECRET", "[IP", "[PHONE", "[IP"]
    assert first == "u_1"


def test_ids_moments_and_versions_of_no_person_stay() -> None:
    value = {
        "id": "0198c0de-1111-7222-8333-444455556666",
        "order_id": "12345678",
        "cart_id": "5f8d0d55b54764421b7156d9",
        "tracking_id": "1Z999AA10123456784",
        "customer_id": "C-100234",
        "user_id": "marguerite",
        "token_type": "Bearer",
        "app_version": "1.2.3.4",
        "phone_verified_at": "2026-03-01T20:10:01.123Z",
    }
    assert redacted(value) == value


def test_key_holds_for_a_list_that_is_written_as_a_string() -> None:
    after = redacted({"password": '["Winter2024", {"hint": "Winter2024"}]'})["password"]
    assert json.loads(after)[0].startswith("[SECRET_")
    assert after == redacted('{"password": ["Winter2024", {"hint": "Winter2024"}]}').partition(": ")[2][:-1]


def test_nesting_without_end_is_survived() -> None:
    text = "[" * 5000 + '"a@b.com"' + "]" * 5000
    assert "a@b.com" not in redacted(text)
