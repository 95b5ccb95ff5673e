"""Names in Japanese, where no blank tells where a word ends."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.cues import cue_list
from sessions.privacy.names.lexicon import lexicon

_NAME = "(?:[\u3400-\u9fff々]{1,4}[ \u3000]?[\u3400-\u9fff々\u3040-\u309f]{0,4}?|[\u30a1-\u30fa\u30fc]{2,10}(?:[・ ][\u30a1-\u30fa\u30fc]{2,10})?|[\u3041-\u3096]{2,6}(?:[ \u3000][\u3041-\u3096]{2,6})?)"
_FULL_NAME: Final = "[\u3400-\u9fff々]{1,4}[ \u3000][\u3400-\u9fff々\u3040-\u309f]{1,4}"
_CUE: Final = re.compile(
    rf"(?:私の名前は|私は|わたしは|僕は|俺は|名前は|氏名は|氏名[:： 　]{{1,3}}|お名前[:： ]{{1,3}}|名前[:： ]{{1,3}}|予約名は|予約名[:： 　]{{1,3}}|ご予約名[:： 　]{{1,3}}|受取人は|受取人[:： ]{{1,3}}|受取人名[:： ]{{1,3}}|予約した|注文した|購入した|電話した|申し込んだ|名義は|宛名[:： ]{{1,3}}|契約者は|苗字は|名字は|下の名前は|予約者は|宛名は|お名前は|担当の|母の|父の|姉の|兄の|妹の|弟の|娘の|孫の|彼女の|彼氏の|先輩の|後輩の|部長の|課長の|社長の|友達の|担当は|友人の|同僚の|上司の|妻の|夫の|息子の|娘の|部下の)({_NAME})(?=です|と申|といい|と言い|だ|でござい|と呼|[、。\s!！]|\Z|さん|様|が|は|に|と|から)"
)
# What follows these is a name, whatever it looks like.
_LABELLED: Final = re.compile(
    rf"(?:私の名前は|お?名前は|ご?予約名は|予約者は|氏名は|宛名は|受取人は|名義は|(?:ご?予約名|お?名前|氏名|宛名|受取人|予約者|名義)[:：　])\s?({_NAME})(?=です(?!か)|でお願い|と申|といい|と言い|でござい|[、。\s!！]|\Z)"
)
_INTRO: Final = re.compile(rf"({_NAME})(?=と申します|といいます|と言います|と申しま|っていいます|って言います)")
_TITLE: Final = re.compile(
    r"([\u3400-\u9fff々]{1,4}[ ]?[\u3400-\u9fff々]{0,3}|[\u30a1-\u30fa\u30fc]{2,10}(?:[・ ][\u30a1-\u30fa\u30fc]{2,10})?)(?:さん|様|さま|君|くん|ちゃん|氏|先生|部長|課長|社長|教授)"
)
_NOT_JAPANESE: Final = frozenset(
    "皆 客 お客 奥 神 王 何 同 各 貴 店員 業者 担当 担当者 みな 患者 両親 学生 先 母 父 兄 姉 娘 息子 子 医者 看護師 運転手 店 本 有名 お疲れ ユーザー カスタマー オーナー ドクター "
    "サポート スタッフ 販売員 管理者 客 会社員 初心者 利用者 契約者".split()
)
_LEAD: Final = re.compile(
    r"^(?:昨日|今日|明日|先日|今朝|担当|同僚|友人|部長|課長|上司|妻|夫|息子|娘|隣|先週|来週|お世話|今|私)(?:の)?"
)
_KIN: Final = re.compile(
    r"(?:妻|夫|母|父|姉|兄|妹|弟|娘|息子|孫|友人|同僚|友達|彼女|彼氏)の([\u3400-\u9fff々]{1,4}[\u30a1-\u30fa\u30fc]{0,4}|[\u30a1-\u30fa\u30fc]{2,8}|[\u3041-\u3096]{2,4})(?=[がはとにを、。])"
)
_OPENING: Final = re.compile(
    r"(?:\A|[。！？!?\n、]\s?)([\u3400-\u9fff々]{1,5}|[\u30a1-\u30fa\u30fc]{2,6}|[\u3041-\u3096]{2,6})(?=です[。がけ、]|でございます|と申し)"
)
_SIGNED: Final = re.compile(r"\n\s*([\u3400-\u9fff々]{2,3}[ \u3000]?[\u3400-\u9fff々\u3041-\u3096]{1,3})\s*\Z")
_GIVEN_LETTERS: Final = frozenset(
    "太郎子美香恵里奈由真優翔大輔健介一二三樹直人和也雄夫男正明弘隆誠浩博康文武俊英幸孝義勝清進茂実昭昇修徹豊学哲悟剛聡智弥哉彦之助佑祐平亮涼陽斗拓匠蓮悠颯樹咲葵結愛"
    "菜莉彩花華桜凛杏陽芽音心紗希絵理沙衣代江枝世津千尋加佳久典紀規靖敏裕寛司史志治仁秀洋百合礼玲瑠琴詩織梨萌未来海空光輝晴颯成政宗吾朗"
)
_AFTER_NAME: Final = re.compile(
    r"[^\u3400-\u9fff々]|\Z|市長|氏|様|選手|監督|教授|社長|部長|容疑者|議員|先生|会長|知事|首相|大臣|記者|さん|君"
)


def japanese_names(text: str) -> Iterator[tuple[int, int]]:
    for match in _CUE.finditer(text):
        if _is_name(match[1]):
            yield match.span(1)
    for match in _LABELLED.finditer(text):
        if match[1] not in lexicon().ordinary and match[1] not in _NOT_JAPANESE and "何" not in match[1]:
            yield match.span(1)
    for pattern in (_INTRO, _KIN):
        yield from (match.span(1) for match in pattern.finditer(text) if match[1] not in _NOT_JAPANESE)
    for pattern in (_OPENING, _SIGNED):
        yield from (match.span(1) for match in pattern.finditer(text) if _is_name(match[1]))
    for match in _TITLE.finditer(text):
        lead = _LEAD.match(match[1])
        start = match.start(1) + (lead.end() if lead else 0)
        name = text[start : match.end(1)]
        if name not in _NOT_JAPANESE and len(name) > 1 and not name.startswith(("お", "ご")):
            yield start, match.end(1)
    yield from _unannounced(text)


def _is_name(name: str) -> bool:
    parts = [part for part in re.split("[ \u3000・]", name) if part]
    if all(part in lexicon().ideographic for part in parts) or name in _surnames():
        return True
    length = _surname_length(name)
    return length > 0 and name not in lexicon().ordinary


def _surname_length(text: str, start: int = 0) -> int:
    return next((length for length in (4, 3, 2) if text[start : start + length] in _surnames()), 0)


@cache
def _surnames() -> frozenset[str]:
    listed = (
        name for name in lexicon().last if re.fullmatch("[\u3400-\u9fff々]{2,4}|[\u30a1-\u30fa\u30fc]{3,8}", name)
    )
    return frozenset(listed) | frozenset(cue_list("japanese_surnames"))


def _unannounced(text: str) -> Iterator[tuple[int, int]]:
    """A frequent surname with letters behind it of which given names are made."""
    for start, letter in enumerate(text):
        if not "\u3400" <= letter <= "\u9fff":
            continue
        length = _surname_length(text, start)
        end = _end_of_given(text, start + length) if length else None
        if end is not None and text[start:end] not in lexicon().ordinary:
            yield start, end


def _end_of_given(text: str, start: int) -> int | None:
    start += text[start : start + 1] == " "
    for length in (3, 2, 1):
        given = text[start : start + length]
        is_given = given in lexicon().ideographic or all(letter in _GIVEN_LETTERS for letter in given)
        if len(given) == length and is_given and _AFTER_NAME.match(text, start + length):
            return start + length
    return None
