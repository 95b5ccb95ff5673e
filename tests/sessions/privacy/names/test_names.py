"""Names, announced or not, in many languages; and words that look like names and must stay."""

import re

import pytest

from sessions.privacy import Kind, SessionRedactor
from sessions.privacy.placeholders import PLACEHOLDER

FOUND = [
    # introductions, also in small letters
    "My name is ⟦Priya Sharma⟧.",
    "hi im ⟦sarah⟧, where is my order",
    "its ⟦tom⟧ here",
    "⟦Zorka⟧ here, any news?",
    "call me ⟦xolani⟧",
    "Ich heiße ⟦Jürgen Müller⟧",
    "je m'appelle ⟦Élodie⟧",
    "me llamo ⟦Lucía Fernández⟧",
    "meu nome é ⟦João⟧",
    "mi chiamo ⟦Giulia Rossi⟧",
    "mijn naam is ⟦Sanne de Vries⟧",
    "nazywam się ⟦Agnieszka Kowalska⟧",
    "меня зовут ⟦Анна⟧",
    "мене звати ⟦Оксана⟧",
    "jag heter ⟦Björn⟧",
    "jeg hedder ⟦Mette⟧",
    "nimeni on ⟦Aino Virtanen⟧",
    "a nevem ⟦Kovács Éva⟧",
    "jmenuji se ⟦Tereza⟧",
    "mă numesc ⟦Ioana⟧",
    "benim adım ⟦Ayşe⟧",
    "με λένε ⟦Μαρία⟧",
    "nama saya ⟦Dewi⟧",
    "tôi tên là ⟦Nguyễn Thị Lan⟧",
    "我叫⟦王小明⟧",
    "私は⟦田中太郎⟧です",
    "제 이름은 ⟦김민수⟧입니다",
    "ผมชื่อ⟦สมชาย⟧ครับ",
    "اسمي ⟦فاطمة⟧",
    "שמי ⟦רחל כהן⟧",
    "मेरा नाम ⟦राहुल⟧ है",
    # farewells, greetings, forms of address
    "It works.\nBest regards,\n⟦Xanthe Qubilah⟧",
    "Danke und Gruß\n⟦Hauke⟧",
    "thanks, ⟦belinda⟧",
    "Thanks, ⟦Zorka⟧!",
    "Mr ⟦Qubilah⟧ and Frau ⟦Brandt⟧",
    "with ⟦İlker⟧ Bey",
    # third persons, cases, parts
    "my wife ⟦Zorka⟧ ordered it",
    "Yesterday ⟦Maria Kowalska⟧ met Dr. ⟦Hartmann⟧ in Berlin.",
    "I spoke with ⟦Mark⟧ yesterday",
    "поговорите с ⟦Ивановой⟧",
    "⟦Sarah⟧'s order and ⟦Jean-Pierre⟧'s",
    "by ⟦J. R. Okonkwo⟧ and ⟦Ludwig van der Berg⟧",
    '"No," ⟦Pemberton⟧ told us',
    "Can ⟦Lorcan⟧ come on Thursday?",
    "the account belongs to ⟦Meredith Quigley⟧, booking under ⟦Vandersloot⟧",
    "mój mąż ⟦Ireneusz⟧ kupił",
    "С уважением, ⟦Пантелеев⟧",
    "szia, ⟦Bendegúz⟧ vagyok",
    "i need this for ⟦siobhans⟧ birthday",
    # labelled fields and words after the name
    "Gast: ⟦Ekkehard Pohl⟧",
    "⟦Oğuzhan Demirtaş⟧ adına bir masa",
    "बुकिंग ⟦रघुनंदन⟧ के नाम से है",
    "mein Kollege ⟦Lothar Grimm⟧ kommt vorbei",
    "nazywam się ⟦Bożena Wrzesień⟧",
    "đặt bàn tên ⟦Hiếu⟧ nhé",
    "用⟦巩固⟧的名字订的",
    "联系人：⟦邝美云⟧",
    "名前は⟦鷲尾健吾⟧です",
    "予約名：⟦乾⟧です",
    "⟦ナカジマ⟧です。昨日電話しました",
    "저는 ⟦구본승⟧인데요",
    "예약자 이름 ⟦변혜리⟧",
    "Present: ⟦Ann Miller⟧, ⟦Torquil Macrae⟧ and ⟦Kofi Mensah⟧",
]

STAYS = [
    "Hello Team, thanks Support!",
    "I'm Interested. I am Canadian. I'm happy",
    "my name is misspelled on the ticket",
    "Product name: Oak Table",
    "Do you ship to Paris, Jordan or New York in May?",
    "The Hugo Boss suit and the Calvin Klein belt from Amazon",
    "can i get a refund, will it be on the bill? mark it as done",
    "Ich bin Kunde und habe eine Frage zur Lieferung",
    "Je suis client, c'est Noël",
    "Soy de Madrid",
    "Sono di Milano, a presto",
    "Jestem z Warszawy",
    "Я клиент",
    "我是新用户",
    "注文はまだですか",
    "저는 학생입니다",
    "Apple Pay, Google Maps and Microsoft Teams",
    "Monday to Friday, March and April",
    "The Victorian lamp and the Oliver sofa",
    "ben müşteriyim",
    "这款白色的还有货吗，周五能送吗",
    "Is the Esperanza 3000 better?",
    "Is the lamp Oscar dimmable? Any Stanley cups left?",
    "Wann kommt das Sofa Nils? Ist der Weber-Grill lieferbar?",
    "Le canapé Oscar existe en vert ? El sofá Lucas",
    "Диван Виктория есть в наличии?",
    "هل عطر ليلى متوفر؟",
    "¿Hacen envíos a San Sebastián?",
    "I love Taylor guitars",
    "do you sell Wilson?",
    "Is Jenna's Kitchen open?",
    "名前は変更できますか",
    "我叫不到客服",
    "저는 비회원입니다",
]


@pytest.mark.parametrize("text", FOUND)
def test_names_are_hidden_and_nothing_else(text: str) -> None:
    session = SessionRedactor()
    hidden = session.text(text.replace("⟦", "").replace("⟧", ""))
    expected = text
    while "⟦" in expected:
        before, _, rest = expected.partition("⟦")
        name, _, after = rest.partition("⟧")
        expected = before + re.sub(r"\S+", "_", name) + after  # each word by itself
    assert PLACEHOLDER.sub("_", hidden) == expected
    assert set(session.found) == {Kind.NAME}


@pytest.mark.parametrize("text", STAYS)
def test_words_that_look_like_names_stay(text: str) -> None:
    assert SessionRedactor().text(text) == text
