"""Names in Chinese, where no blank tells where a word ends."""

import re
from collections.abc import Iterator
from typing import Final

from sessions.privacy.names.lexicon import lexicon

_HAN: Final = "[\u3400-\u9fff]"
_SURNAMES: Final = (
    "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|"
    "王|李|张|張|刘|劉|陈|陳|杨|楊|黄|黃|赵|趙|周|吴|吳|徐|孙|孫|马|馬|朱|胡|郭|何|高|林|罗|羅|郑|鄭|梁|谢|謝|宋|唐|许|許|韩|韓|邓|鄧|冯|馮|曹|彭|曾|萧|蕭|肖|田|董|潘|袁|蔡|蒋|蔣|余|于|杜|叶|葉|程|苏|蘇|魏|吕|呂|丁|任|卢|盧|姚|沈|钟|鍾|姜|崔|谭|譚|陆|陸|范|汪|廖|石|金|韦|贾|賈|夏|付|方|邹|鄒|熊|白|孟|秦|邱|侯|江|尹|薛|闫|段|雷|龙|龍|黎|史|陶|贺|賀|毛|郝|顾|顧|龚|龔|邵|万|萬|覃|武|钱|錢|戴|严|嚴|莫|孔|向|常|汤|湯|康|易|乔|喬|赖|賴|文|施|洪|辛|柯|庄|莊|温|溫|牛|樊|葛|邢|安|齐|齊|伍|翁|俞|颜|顏|梅|章|鲁|魯|倪|裴|詹|聂|聶|祝|耿|焦|岳|童|欧|歐|尤|关|關|柳|穆|苗|柴|纪|紀|甘|涂|阮|骆|駱|柏|左|包|项|凌|霍|房|成|单|解|应|季|连|古|鲍|路|曲|费|管|祁|鹿|褚|蓝|藍|岑|匡|佟|佘|邝|鄺|敖|郎|尚|年|桑|司徒|巩|甄|井|向|秦|闫|车|谷|庞|龐|游|景|冷|戚|卓|阳|桂|娄|盛|焦|屠|窦|饶|隋|蒙|楚|燕|冉|晏|宫|翟|滕|阚|瞿|简|簡|蔺|栾|宁|甯|幸|靳|强|牟|奚|殷|臧|苑|荆|辜|粟|练|麦|麥|储|儲|伊|仲|卞|卜|支|米|花|党|寇|逄|巫|仇|晋|佐|司空|端木|独孤|南宫|西门|东郭|百里|呼延|长孙|宇文|轩辕|公冶|濮阳|钟离|闻人|赫连"
)
_NOT_GIVEN = "的了吗吧呢是在不我你他她们也都和与跟就要想有没会能可去来说叫请问您先女小老师经客谢好很到从对把被让给这那哪个么啊呀哦，。！？、；：先"
_GIVEN = f"(?:(?![{_NOT_GIVEN}]){_HAN}){{1,2}}"
_CHINESE_CUE: Final = re.compile(
    rf"(?:我(?:的名字)?(?:叫做|叫|是|名叫|姓名是)|名字(?:是|叫)|姓名(?:是|为|為)?[:： ]{{0,2}}|本人(?:是|叫)?|(?:收件人|预订人|預訂人|收货人|收貨人|持卡人|用户名|乘客)(?:是)?[:： ]{{0,2}}|联系人[:： ]{{0,2}}|聯絡人[:： ]{{0,2}}|客户[:： ]|(?:他|她)叫|名叫|叫我|这是|這是|这里是|你好|您好|您好，|你好，|尊敬的|找一下|请找|收件人 |收货人 |预订人 |联系人 |客户姓名[:： ]|亲爱的|親愛的|同事|朋友|老公|老婆|妻子|丈夫|儿子|女儿|哥哥|姐姐|弟弟|妹妹|此致|落款[:：])((?:{_SURNAMES}){_GIVEN}|阿{_HAN}|小{_HAN})(?=[^\u3400-\u9fff]|\Z|[的了吗吧呢是在不我想要，。来先女您这和今买订有请需会也都就行会])"
)
_CHINESE_STRONG: Final = re.compile(
    rf"(?:我叫|名叫|我的名字叫|我的名字是|姓名[:： ]|姓名是|本名|本人姓名|(?:收件人|收货人|收貨人|预订人|預訂人|联系人|聯絡人|持卡人|乘客|入住人|客户姓名|名字)\s?[:：])\s?((?![{_NOT_GIVEN}]){_HAN}{{2,4}}?)(?=[^\u3400-\u9fff]|\Z|[，。的是想要我来您请今在有订买住])"
)
_CHINESE_TITLE: Final = re.compile(
    rf"((?:{_SURNAMES})(?:{_GIVEN})?)(?=先生|女士|小姐|太太|老师|老師|经理|經理|小姐姐|医生|醫生|教授|总裁|總裁|主任|律师|律師|同学|师傅|阿姨|叔叔|博士|警官|部长|局长|董事长|书记|院长)"
)
_IN_THE_NAME: Final = re.compile(rf"(?:用|以)((?:{_SURNAMES}){_GIVEN})(?=的名字|的名义|的名義|名字)")
_CHINESE_SURNAME: Final = re.compile(
    rf"(?:我姓|免贵姓|免貴姓|姓)(?![名氏])({_HAN}{{1,2}}?)(?=[^\u3400-\u9fff]|\Z|[，。名叫的])"
)

# Surnames that are seldom part of other words, for names that nothing announces.
_CLEAR_SURNAMES: Final = frozenset(
    "王李张張刘劉陈陳杨楊赵趙周吴吳徐孙孫马馬朱胡郭何林罗羅郑鄭梁谢謝宋唐许許韩韓邓鄧冯馮曹彭曾肖萧董潘袁蔡蒋蔣余杜叶葉程苏蘇魏吕呂丁任卢盧姚沈"
    "钟鍾姜崔谭譚陆陸范汪廖贾賈夏付方邹鄒熊孟秦邱侯尹薛闫雷龙龍黎史陶贺賀顾顧毛郝龚龔邵钱錢覃武戴莫孔汤湯"
)
_PARTING: Final = frozenset(
    "的有在和与與及、是叫找给給对對问問由向让讓跟同为為了说說起被把将將请請从從到于於也都就曾已不着過过"
)
_KIN: Final = re.compile(
    rf"(?:太太|爱人|妈妈|爸爸|母亲|父亲|妈|爸|奶奶|爷爷|姥姥|岳母|岳父|老公|老婆|妻子|丈夫|儿子|女儿|哥哥|姐姐|弟弟|妹妹|同事|朋友|室友|女友|男友|表哥|表姐|导游|司机|市长|发言人|教练|作家|记者|法官|邻居|快递员|客服)((?:{_SURNAMES}){_GIVEN})"
)
_OLD_OR_YOUNG: Final = re.compile(r"(?:老|小|阿)([\u3400-\u9fff])(?=[，。、！？,.!?]|\Z)")


def chinese_names(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_CHINESE_STRONG, _CHINESE_CUE, _CHINESE_TITLE, _CHINESE_SURNAME, _IN_THE_NAME):
        for match in pattern.finditer(text):
            yield match.span(1)
    for match in _KIN.finditer(text):
        if match[1] not in lexicon().ordinary and match[1][1:] not in lexicon().ordinary:
            yield match.span(1)
    yield from _unannounced(text)
    for match in _OLD_OR_YOUNG.finditer(text):
        if match[1] in _CLEAR_SURNAMES and match[0] not in lexicon().ordinary:
            yield match.span()


def _unannounced(text: str) -> Iterator[tuple[int, int]]:
    """A surname and one or two characters that make no word with each other or with what stands around."""
    start = 0
    while start < len(text):
        end = _end_of_name(text, start) if text[start] in _CLEAR_SURNAMES else None
        if end is not None:
            yield start, end
        start = end or start + 1


def _end_of_name(text: str, start: int) -> int | None:
    words = lexicon().ordinary
    if not _is_border_before(text, start):
        return None
    for length in (3, 2):
        end = start + length
        name = text[start:end]
        if len(name) < length or not all("\u3400" <= letter <= "\u9fff" for letter in name):
            continue
        parts = {name[:2], name[1:], name} if length == 3 else {name}  # noqa: PLR2004 (surname and two characters)
        if any(part in words for part in parts) or any(
            letter in _PARTING or letter in _NOT_GIVEN for letter in name[1:]
        ):
            continue
        if _is_border_after(text, end, is_short=length == 2):  # noqa: PLR2004 (surname and one character)
            return end
    return None


def _is_border_before(text: str, start: int) -> bool:
    before = text[max(0, start - 1) : start]
    if not "\u3400" <= before <= "\u9fff" or before in _PARTING:
        return True
    return text[start - 2 : start] in lexicon().ordinary and before + text[start] not in lexicon().ordinary


def _is_border_after(text: str, end: int, *, is_short: bool) -> bool:
    after = text[end : end + 1]
    if not "\u3400" <= after <= "\u9fff" or after in _PARTING:
        return True
    is_word = text[end : end + 2] in lexicon().ordinary and text[end - 1 : end + 1] not in lexicon().ordinary
    return is_word and not is_short
