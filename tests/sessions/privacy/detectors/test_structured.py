"""Each kind: what must go, and what looks like it and must stay."""

import pytest

from sessions.privacy import Kind, SessionRedactor
from sessions.privacy.placeholders import PLACEHOLDER

KEY_FORM = "abcdEFGH1234567890abcdEFGH12345678"

FOUND = {
    Kind.EMAIL: [
        "write to ⟦first.last+tag@sub.example.co.uk⟧.",
        "⟦ana@münchen.de⟧",
        "<⟦a_b@example.com⟧>, please",
        "it is ⟦john at example dot com⟧",
        "⟦jane [at] example [dot] org⟧",
        "⟦jane(at)example.org⟧",
        "⟦max.muster (ät) beispiel punkt de⟧",
        "⟦luis arroba ejemplo punto es⟧",
        "⟦a@b.com⟧,⟦c@d.com⟧",
        "⟦ａｎａ＠example．com⟧",
    ],
    Kind.PHONE: [
        "⟦+49 151 23456789⟧",
        "call ⟦0151 23456789⟧ please",
        "⟦(555) 234-5678⟧",
        "⟦555-234-5678⟧",
        "mon numéro: ⟦06 12 34 56 78⟧",
        "电话⟦13812345678⟧",
        "⟦090-1234-5678⟧です",
        "Order 123456, phone ⟦7946 0958⟧",
        "позвоните мне ⟦8 (912) 345-67-89⟧",
        "tel ⟦+1 (415) 555-2671 ext. 12⟧",
        "جوال ⟦٠٥٠١٢٣٤٥٦٧⟧",
    ],
    Kind.CARD: [
        "⟦4111 1111 1111 1111⟧ exp 12/27 ",
        "⟦5555-5555-5555-4444⟧",
        "⟦2223003122003222⟧",
        "⟦378282246310005⟧",
        "⟦6200000000000005⟧",
        "⟦6759649826438453⟧",
        "⟦3530 1113 3330 0000⟧",
        "⟦4111\u200b1111\u200b1111\u200b1111⟧",
        "⟦4111\n1111\n1111\n1111⟧",
        "my card: ⟦1234 5678 9012 3456⟧",
    ],
    Kind.IBAN: [
        "⟦DE89 3704 0044 0532 0130 00⟧ please",
        "iban ⟦gb29nwbk60161331926819⟧",
        "⟦FR14 2004 1010 0505 0001 3M02 606⟧",
        "⟦NO93 8601 1117 947⟧",
    ],
    Kind.NATIONAL_ID: [
        "⟦536-90-4399⟧",
        "SSN ⟦536904399⟧",
        "codice fiscale ⟦RSSMRA85T10A562S⟧",
        "⟦12345678Z⟧ es mi DNI",
        "CPF ⟦390.533.447-05⟧",
        "my passport number is ⟦C01X00T47⟧",
        "⟦AB 12 34 56 C⟧",
        "身份证号⟦11010519491231002X⟧",
        "⟦811228-9874⟧",
        "PESEL: ⟦44051401359⟧",
        "⟦S1234567D⟧",
    ],
    Kind.IP: ["from ⟦203.0.113.9⟧", "⟦2001:db8::1⟧", "IPは⟦203.0.113.9⟧です", "⟦fe80::1ff:fe23:4567:890a⟧"],
    Kind.MAC: ["⟦00:1A:2B:3C:4D:5E⟧", "⟦00-1a-2b-3c-4d-5e⟧", "⟦001a.2b3c.4d5e⟧"],
    Kind.SECRET: [
        f"⟦sk-{KEY_FORM}⟧",
        f"key ⟦ghp_{KEY_FORM}⟧.",
        f"⟦AKIA{'A1B2' * 4}⟧",
        f"⟦sk_live_{KEY_FORM}⟧",
        f"⟦xoxb-{KEY_FORM}⟧",
        f"⟦eyJ{KEY_FORM}.eyJ{KEY_FORM}.{KEY_FORM}⟧",
        f"⟦-----BEGIN RSA PRIVATE KEY-----\n{KEY_FORM}\n-----END RSA PRIVATE KEY-----⟧ ok",
        f"Authorization: Bearer ⟦{KEY_FORM}⟧",
        "my password is ⟦hunter2⟧",
        'my password is: "⟦correct horse battery staple⟧"',
        "AWS_SECRET_ACCESS_KEY=⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧",
        "secret_key = '⟦wJalrXUtnFEMI/K7⟧'",
        "Authorization: Basic ⟦dXNlcjpwYXNz⟧",
        "Cookie: ⟦sessionid=38afes7a8⟧; path=/",
        "⟦st_z2IjFTIKta8D7ZqnHdRZhn27IlKOBxxxxxxx⟧",
        "password: ⟦correcthorse⟧",
        "Passwort lautet ⟦Sommer!2024⟧",
        "mon mot de passe : ⟦tournesol⟧",
        "mi contraseña es ⟦girasol99⟧",
        "пароль ⟦qwerty123⟧",
        "密码是⟦abc12345⟧",
        "postgres://⟦admin:s3cr3t⟧@db.example.com/x",
        "the code: pin ⟦4821⟧",
    ],
    Kind.BIRTH_DATE: [
        "I was born on ⟦12/03/1985⟧",
        "dob ⟦1985-03-12⟧",
        "born ⟦March 12th, 1985⟧",
        "geboren am ⟦12. März 1985⟧",
        "née le ⟦12 mars 1985⟧",
        "nací el ⟦12 de marzo de 1985⟧",
        "дата рождения ⟦12.03.1985⟧",
        "⟦1985年3月12日⟧生まれ",
        "doğum tarihim ⟦12.03.1985⟧",
    ],
    Kind.ADDRESS: [
        "I live at ⟦12 Oak Street, Apt 4⟧",
        "⟦742 Evergreen Terrace⟧",
        "⟦Hauptstraße 12⟧ ist richtig",
        "⟦12 rue de la Paix⟧, merci",
        "⟦Calle Mayor 5⟧",
        "⟦Via Roma 10⟧",
        "⟦ул. Ленина, д. 5⟧",
        "⟦ul. Długa 7⟧",
        "⟦Keizersgracht 123⟧",
        "⟦Storgatan 5⟧",
        "⟦P.O. Box 123⟧",
        "⟦北京市朝阳区建国路88号⟧",
        "⟦東京都新宿区西新宿2-8-1⟧",
    ],
}

STAYS = [
    "order 12345678, invoice 2024-001234, ref 998877",
    "tracking 1Z999AA10123456784 and 00340434161094042557",
    "SKU 884-22-1987-X, serial C02XK0AAJGH5, IMEI 490154203237518",
    "version 1.2.3.4, firmware 10.0.19045.3803",
    "2024-01-15 10:30, 10:30:45, 24.12.2024, 12/03",
    "$1,299.00, EUR 1.234,56, 2 x 499.50",
    "4111 1111 1111 1112 is no card",
    "DE89 3704 0044 0532 0130 01 is no IBAN",
    "I was at example.com and at home",
    "My password is not working. Password reset link expired",
    "set api_key: see the manual",
    'his secret: "he loves her a lot"',
    "the pin is wrong",
    "He was born to shop",
    "in 5 minutes on the way, 3 days a week",
    "120x80x45 cm, 12.5 kg, 100%",
    "std::string a::b 127.0.0.1 0.0.0.0",
    "550e8400-e29b-41d4-a716-446655440000",
    "ISBN 978-3-16-148410-0",
    "@someone look at this",
    "订单号20240318001234",
    "주문번호 20240311-00012",
]


def marked(text: str) -> str:
    return text.replace("⟦", "").replace("⟧", "")


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
def test_personal_data_is_hidden_as_its_kind_and_nothing_else(kind: Kind, text: str) -> None:
    session = SessionRedactor()
    hidden = session.text(marked(text))
    before, _, rest = text.partition("⟦")
    assert PLACEHOLDER.sub("_", hidden) == before + "_" + _after_first(rest), hidden
    assert set(session.found) == {kind}


def _after_first(rest: str) -> str:
    """What follows the first mark; in it every further mark is hidden too."""
    tail = rest.partition("⟧")[2]
    while "⟦" in tail:
        before, _, more = tail.partition("⟦")
        tail = before + "_" + more.partition("⟧")[2]
    return tail


@pytest.mark.parametrize("text", STAYS)
def test_numbers_of_things_stay(text: str) -> None:
    assert SessionRedactor().text(text) == text
