import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.demo_names import LONGEST_NAME, introduced_name


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("My name is Alice", "Alice"),
        ("my name is alice", "Alice"),
        ("MY NAME IS ALICE!", "ALICE"),
        ("my name's Alice.", "Alice"),
        ("Hello, I’m Zoë.", "Zoë"),  # noqa: RUF001 - typed by phones
        ("I am Алиса", "Алиса"),
        ("I'm محمد", "محمد"),
        ("My name is अनीता", "अनीता"),
        ("My name is Ana\u0301", "Ana\u0301"),
        ("My name is José-María O'Neil", "José-María O'Neil"),
        ("My name is Mary Jane Watson Parker", "Mary Jane Watson"),
        ("call me Al", "Al"),
        ("Please call me alice", "Alice"),
        ("My name is Alice and I want bread", "Alice"),
        ("My name is Alice, when do you open?", "Alice"),
        ("I'm Alice. I'm looking for bread.", "Alice"),
        ("My name is Alice. Or rather: call me Bob.", "Bob"),
        ("My name is “Alice”", "Alice"),
    ],
)
def test_introduction_gives_the_name(message: str, name: str) -> None:
    assert introduced_name(message) == name


@pytest.mark.parametrize(
    "message",
    [
        "I'm looking for bread",
        "I'm fine",
        "I'm Fine, thanks",
        "I AM LOOKING FOR BREAD",
        "I'm hungry",
        "I'm German",
        "I'm from Berlin",
        "I'm Alice's friend",
        "call me back",
        "Call me. Alice knows my number",
        "My name is not Alice",
        "My name is on the list",
        "Is my name Alice?",
        "What's my name?",
        "My name is 😀",
        "My name is <script>",
        "My name is 12345",
        "My name is",
        "I'm",
        "",
    ],
)
def test_other_words_give_no_name(message: str) -> None:
    assert introduced_name(message) is None


@given(st.text(max_size=300))
def test_any_text_gives_a_short_name_or_none(text: str) -> None:
    name = introduced_name(f"My name is {text}")

    assert name is None or 0 < len(name) <= LONGEST_NAME
