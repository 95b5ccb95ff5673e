"""The words that a session itself tells are somebody's: its user id, and what its context says under such keys."""

import re
from collections.abc import Iterator
from typing import Any, Final

from sessions.cleaning import JsonValue

_LONGEST_KNOWN: Final = 120
_SHORTEST_KNOWN: Final = 3
"""Two letters would be found in every other sentence."""

_SHORTEST_IDEOGRAPHIC: Final = 2
_IDEOGRAPHIC: Final = "\u2e80"
_MOST_KNOWN: Final = 200
"""Each is looked for in every text. Of more, for which a context has hardly room, the shortest are left out."""

_PARTS_OF_KEY: Final = re.compile(
    r"(?<=[^\W\d_A-Z\u0400-\u042f])(?=[A-Z\u0400-\u042f])|(?<=[A-Z])(?=[A-Z][a-z])|[\s\d_\-.:/,;()\[\]{}\"#]+"
)

# Of a key's last word, in the languages that keys are written in; nothing counts below a key that names a thing.
_PERSONAL_KEYS: Final = """
    name firstname lastname surname fullname givenname familyname forename nickname nick username user userid login
    email mail phone mobile tel telephone fax address street iban birthday birthdate dob passport
    vorname nachname kunde telefon adresse straße strasse geburtstag prenom prénom nom nombre apellido apellidos correo
    teléfono dirección cognome nome sobrenome endereço telefone naam voornaam achternaam adres imie imię nazwisko
    jméno příjmení név keresztnév vezetéknév förnamn efternamn namn navn fornavn etternavn efternavn nimi etunimi
    sukunimi isim soyad soyadı adı tên họ nama nume prenume
    имя фамилия отчество фио ник логин почта телефон адрес ім'я прізвище пошта адреса
    όνομα επώνυμο ονοματεπώνυμο τηλέφωνο διεύθυνση
    اسم الاسم اللقب هاتف الهاتف عنوان العنوان البريد نام تلفن آدرس שם טלפון כתובת אימייל
    नाम उपनाम फोन पता ईमेल ชื่อ นามสกุล โทรศัพท์ ที่อยู่ อีเมล
    姓 名 姓名 名字 氏名 名前 称呼 昵称 暱稱 用户名 收件人 收货人 联系人 苗字
    電話 电话 手机 手機 邮箱 郵箱 地址 住所 電話番号 メール
    이름 성명 성함 닉네임 전화 전화번호 휴대폰 주소 이메일
"""
_THING_KEYS: Final = """
    product item page site website shop store company brand category plan agent bot file event course article
    campaign browser device os app city country host domain path theme variant collection list tag
    produkt seite firma marke laden filiale товар компания магазин страница город страна
    商品 产品 產品 公司 店铺 店舗 城市 国家 会社 상품 회사 도시 국가
"""
# What stands under these beside who somebody is tells of the account: whatever is below counts by its own key alone.
_ACCOUNT_KEYS: Final = "user kunde login"
# Below a personal key these tell of what kind it is.
_KIND_KEYS: Final = """
    type kind label status verified confirmed primary default format source provider locale language lang state region
    title role gender plan code valid visibility
"""
_PERSONAL: Final = frozenset(_PERSONAL_KEYS.split())
_THINGS: Final = frozenset(_THING_KEYS.split())
_ACCOUNTS: Final = frozenset(_ACCOUNT_KEYS.split())
_KINDS: Final = frozenset(_KIND_KEYS.split())


def known_words(user_id: str | None, context: dict[str, JsonValue]) -> list[str]:
    """For the redactor, the longest first: a full name before its parts."""
    found = {word.strip() for word in (user_id or "", *_personal_values(context, is_thing=False))}
    known = sorted(filter(_is_telling, found), key=lambda word: (-len(word), word))
    return known[:_MOST_KNOWN]


def _personal_values(
    value: Any, *, is_thing: bool, is_personal: bool = False, is_inherited: bool = False
) -> Iterator[str]:
    """What stands under a key that tells of a person, however deep; not under one that tells of a thing."""
    if isinstance(value, str) and is_personal and not is_thing:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _personal_values(item, is_thing=is_thing, is_personal=is_personal, is_inherited=is_inherited)
    elif isinstance(value, dict):
        for key, item in value.items():
            words = [word.lower() for word in _PARTS_OF_KEY.split(key) if word]
            is_own = bool(words) and _is_personal(words)
            is_below = is_inherited and _KINDS.isdisjoint(words)
            yield from _personal_values(
                item,
                is_thing=is_thing or not _THINGS.isdisjoint(words),
                is_personal=is_own or is_below,
                is_inherited=is_below or (is_own and _ACCOUNTS.isdisjoint(words)),
            )


def _is_personal(words: list[str]) -> bool:
    return not _PERSONAL.isdisjoint({words[-1], "".join(words)})


def _is_telling(word: str) -> bool:
    """Numbers and single letters would be found everywhere; what is a number's own kind the redactor knows itself."""
    shortest = _SHORTEST_IDEOGRAPHIC if word >= _IDEOGRAPHIC else _SHORTEST_KNOWN
    return shortest <= len(word) <= _LONGEST_KNOWN and any(map(str.isalpha, word))
