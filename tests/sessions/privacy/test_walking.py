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


def test_nesting_without_end_is_survived() -> None:
    text = "[" * 5000 + '"a@b.com"' + "]" * 5000
    assert "a@b.com" not in redacted(text)
