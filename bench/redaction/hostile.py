"""Inputs of 20 KB that a careless pattern chokes on: each repeats what some detector looks for and never gets."""

import base64
import json
import random
from typing import Final

SIZE: Final = 20 * 1024
"""In UTF-8."""


def hostile_inputs() -> dict[str, str]:
    return {name: _fit(text) for name, text in {**_repeated(), **_nested(), **_random()}.items()}


def _repeated() -> dict[str, str]:
    pieces = {
        "one digit": "1",
        "digits in groups": "1234 ",
        "digits and dashes": "12-34-",
        "valid cards, one into the next": "4242424242424242",
        "zeros and plus signs": "+0",
        "at signs": "@",
        "letters and at signs": "a@",
        "dots": ".",
        "letters and dots": "a.",
        "an address without its end": "a.b-c_d+e@f-g.",
        "at and dot in words": "name at host dot ",
        "colons": "::",
        "hexadecimal pairs": "aa:",
        "numbers and dots": "1.1.",
        "opening brackets": "[",
        "brackets in brackets": "([{",
        "placeholders without their end": "[EMAIL_",
        "placeholders": "[EMAIL_3f9a1c]",
        "placeholders that touch almost": "[NAME_0][NAME_",
        "introductions": "my name is ",
        "introductions of several kinds": "i am call me this is ich heiße je m'appelle ",
        "a password after a password": "password: password is ",
        "births": "born on date of birth: 1.1.",
        "streets": "12 Street Road Avenue ",
        "house numbers": "1a 2b 3c ",
        "capitalised words": "Anna Maria ",
        "one long capitalised word": "Aa",
        "capitals": "A",
        "capitals and hyphens": "Anna-",
        "titles": "Mr. Dr. Frau ",
        "regards": "regards,\n",
        "spaces": " ",
        "spaces of many kinds": " \u00a0\u2003\t",
        "line ends": "\r\n",
        "hyphens": "-",
        "underscores": "_",
        "slashes": "/",
        "quotes": "\"'",
        "backslashes": "\\",
        "zero-width spaces": "\u200b",
        "zero-width between digits": "1\u200b",
        "combining characters": "a\u0301\u0302",
        "combining characters alone": "\u0301",
        "full-width digits": "\uff11\uff12",
        "ligatures that grow": "\ufdfa",
        "Chinese": "我叫李",
        "Arabic": "اسمي محمد ",
        "Japanese": "の山田です",
        "Korean": "저는김입니다",
        "emoji joined": "👩\u200d👩\u200d",
        "directions": "\u202e\u202c",
        "PEM beginnings": "-----BEGIN PRIVATE KEY-----\n",
        "JWT beginnings": "eyJhbGciOi.",
        "key beginnings": "sk_live_",
        "URLs": "http://a:b@",
        "IBAN beginnings": "DE89 ",
    }
    return {name: piece * (SIZE // len(piece.encode()) + 1) for name, piece in pieces.items()}


def _nested() -> dict[str, str]:
    return {
        "JSON in JSON in JSON": _json_in_json(),
        "deep lists": "[" * (SIZE // 2) + "]" * (SIZE // 2),
        "deep objects": '{"a":' * (SIZE // 6) + "1" + "}" * (SIZE // 6),
        "deep objects, never closed": '{"a":' * (SIZE // 5),
        "many JSON beginnings": '{"a": "[' * (SIZE // 8),
        "a list of addresses": json.dumps([f"visitor{number:05}@a.host.example" for number in range(SIZE // 31)]),
    }


def _json_in_json() -> str:
    """As deep as 20 KB allow (every level doubles the backslashes), filled up so that it stays whole."""
    text = '"a@b.example"'
    while len(grown := json.dumps({"a": text})) < SIZE // 2:
        text = grown
    return json.dumps({"a": text, "b": "x" * (SIZE - len(json.dumps({"a": text, "b": ""})))})


def _random() -> dict[str, str]:
    source = random.Random(5)  # the same every time, so that two runs can be compared
    octets = source.randbytes(SIZE)
    return {
        "base64": base64.b64encode(octets).decode(),
        "hexadecimal": octets.hex(),
        "digits": "".join(source.choices("0123456789", k=SIZE)),
        "digits and separators": "".join(source.choices("0123456789 -./()+", k=SIZE)),
        "letters and separators": "".join(source.choices("abcXYZ@.-_ :;,'", k=SIZE)),
        "capitalised words, all different": " ".join(
            "".join(source.choices("aeioubdfgklmnprst", k=6)).capitalize() for _ in range(SIZE // 7)
        ),
        "all of Unicode": "".join(chr(source.choice((source.randrange(32, 0xD800), 64))) for _ in range(SIZE // 2)),
    }


def _fit(text: str) -> str:
    return text.encode()[:SIZE].decode(errors="ignore")
