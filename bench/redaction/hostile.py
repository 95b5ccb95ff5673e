"""Inputs that a careless pattern chokes on: each repeats what some detector looks for and never gets."""

import base64
import json
import random


def hostile_inputs(size: int) -> dict[str, str]:
    """By name, each of nearly ``size`` bytes in UTF-8."""
    texts = {**_repeated(size), **_nested(size), **_random(size)}
    return {name: text.encode()[:size].decode(errors="ignore") for name, text in texts.items()}


def _repeated(size: int) -> dict[str, str]:
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
        "initials": "J. R. ",
        "particles": "van der ",
        "greetings": "Hi Dear Hello ",
        "questions for a name": "What is your name?\n",
        "names in Cyrillic": "Иван Пётр ",
        "days and months": "12 May 1980 ",
        "keys and values": "a=b;c:",
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
        "names in a row": "Alice, ",
        "names in a row with and": "Alice, Bob and Carol & ",
        "places in a row": "in Paris, Oslo und ",
        "names with hyphens": "Jean-Luc a:",
        "names with apostrophes": "O'Neil's D'Angelo, ",
        "small and capital letters with hyphens": "a1B2-",
        "titles before brackets": "Mr <a>",
        "titles of names in a row": "Mr Alice, ",
        "numbers and titles in German": "ich und 12 Dr.",
    }
    return {name: piece * (size // len(piece.encode()) + 1) for name, piece in pieces.items()}


def _nested(size: int) -> dict[str, str]:
    return {
        "JSON in JSON in JSON": _json_in_json(size),
        "deep lists": "[" * (size // 2) + "]" * (size // 2),
        "deep objects": '{"a":' * (size // 6) + "1" + "}" * (size // 6),
        "deep objects, never closed": '{"a":' * (size // 5),
        "many JSON beginnings": '{"a": "[' * (size // 8),
        "a list of addresses": json.dumps([f"visitor{number:05}@a.host.example" for number in range(size // 31)]),
    }


def _json_in_json(size: int) -> str:
    """As deep as there is room (every level doubles the backslashes), filled up so that it stays whole."""
    text = '"a@b.example"'
    while len(grown := json.dumps({"a": text})) < size // 2:
        text = grown
    return json.dumps({"a": text, "b": "x" * (size - len(json.dumps({"a": text, "b": ""})))})


def _random(size: int) -> dict[str, str]:
    source = random.Random(5)  # the same every time, so that two runs can be compared
    octets = source.randbytes(size)
    return {
        "base64": base64.b64encode(octets).decode(),
        "hexadecimal": octets.hex(),
        "digits": "".join(source.choices("0123456789", k=size)),
        "digits and separators": "".join(source.choices("0123456789 -./()+", k=size)),
        "letters and separators": "".join(source.choices("abcXYZ@.-_ :;,'", k=size)),
        "capitalised words, all different": " ".join(
            "".join(source.choices("aeioubdfgklmnprst", k=6)).capitalize() for _ in range(size // 7)
        ),
        "introductions of names all different": "".join(
            f"my name is {''.join(source.choices('aeioubdfgklmnprst', k=7)).capitalize()}. " for _ in range(size // 20)
        ),
        "all of Unicode": "".join(chr(source.choice((source.randrange(32, 0xD800), 64))) for _ in range(size // 2)),
    }
