"""Names in Chinese, Japanese, Korean and Thai, where no blank tells where a word ends."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.cues import has_cue
from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.reading import Reading

Stretch = tuple[int, int]

SCRIPT: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_HAN = "[\u3400-\u9fff]"
_SURNAMES: Final = (
    "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|"
    "王|李|张|張|刘|劉|陈|陳|杨|楊|黄|黃|赵|趙|周|吴|吳|徐|孙|孫|马|馬|朱|胡|郭|何|高|林|罗|羅|郑|鄭|梁|谢|謝|宋|唐|许|許|韩|韓|邓|鄧|冯|馮|曹|彭|曾|萧|蕭|肖|田|董|潘|袁|蔡|蒋|蔣|余|于|杜|叶|葉|程|苏|蘇|魏|吕|呂|丁|任|卢|盧|姚|沈|钟|鍾|姜|崔|谭|譚|陆|陸|范|汪|廖|石|金|韦|贾|賈|夏|付|方|邹|鄒|熊|白|孟|秦|邱|侯|江|尹|薛|闫|段|雷|龙|龍|黎|史|陶|贺|賀|毛|郝|顾|顧|龚|龔|邵|万|萬|覃|武|钱|錢|戴|严|嚴|莫|孔|向|常|汤|湯|康|易|乔|喬|赖|賴|文|施|洪|辛|柯|庄|莊|温|溫|牛|樊|葛|邢|安|齐|齊|伍|翁|俞|颜|顏|梅|章|鲁|魯|倪|裴|詹|聂|聶|祝|耿|焦|岳|童|欧|歐|尤|关|關|柳|穆|苗|柴|纪|紀|甘|涂|阮|骆|駱|柏|左|包|项|凌|霍|房|成|单|解|应|季|连|古|鲍|路|曲|费|管|祁|鹿|褚"
)
_NOT_GIVEN = "的了吗吧呢是在不我你他她们也都和与跟就要想有没会能可去来说叫请问您先女小老师经客谢好很到从对把被让给这那哪个么啊呀哦，。！？、；：先"
_GIVEN = f"(?:(?![{_NOT_GIVEN}]){_HAN}){{1,2}}"
_CHINESE_CUE: Final = re.compile(
    rf"(?:我(?:的名字)?(?:叫做|叫|是|名叫|姓名是)|名字(?:是|叫)|姓名(?:是|为|為)?[:： ]{{0,2}}|本人(?:是|叫)?|收件人(?:是)?[:： ]{{0,2}}|联系人[:： ]{{0,2}}|聯絡人[:： ]{{0,2}}|客户[:： ]|(?:他|她)叫|名叫|叫我|这是|這是|这里是|你好|您好|您好，|你好，|尊敬的|亲爱的|親愛的|同事|朋友|老公|老婆|妻子|丈夫|儿子|女儿|哥哥|姐姐|弟弟|妹妹|此致|落款[:：])((?:{_SURNAMES}){_GIVEN}|阿{_HAN}|小{_HAN})(?=[^\u3400-\u9fff]|\Z|[的了吗吧呢是在不我想要，。来先女您这和今买订有请需会也都])"
)
_CHINESE_STRONG: Final = re.compile(
    rf"(?:我叫|名叫|我的名字叫|我的名字是|姓名[:： ]|姓名是|本名)\s?({_HAN}{{2,4}}?)(?=[^\u3400-\u9fff]|\Z|[，。的是想要我来您请今在有订买住])"
)
_CHINESE_TITLE: Final = re.compile(
    rf"((?:{_SURNAMES})(?:{_GIVEN})?)(?=先生|女士|小姐|太太|老师|老師|经理|經理|医生|醫生|教授|总裁|總裁|主任|律师|律師|同学|师傅|阿姨|叔叔|博士|警官|部长|局长|董事长|书记|院长)"
)
_CHINESE_SURNAME: Final = re.compile(rf"(?:我姓|免贵姓|免貴姓|姓)(?![名氏])({_HAN}{{1,2}}?)(?=[^\u3400-\u9fff]|\Z|[，。名叫的])")
_JAPANESE_NAME = "(?:[\u3400-\u9fff々]{1,4}[ \u3000]?[\u3400-\u9fff々\u3040-\u309f]{0,4}?|[\u30a1-\u30fa\u30fc]{2,10}(?:[・ ][\u30a1-\u30fa\u30fc]{2,10})?|[\u3041-\u3096]{2,6}(?:[ \u3000][\u3041-\u3096]{2,6})?)"
_JAPANESE_CUE: Final = re.compile(
    rf"(?:私の名前は|私は|わたしは|僕は|俺は|名前は|氏名は|氏名[:： ]{{1,2}}|お名前[:： ]{{1,2}}|名前[:： ]{{1,2}}|担当の|担当は|友人の|同僚の|上司の|妻の|夫の|息子の|娘の|部下の)({_JAPANESE_NAME})(?=です|と申|といい|と言い|だ|でござい|と呼|[、。\s!！]|\Z|さん|様|が|は|に|と|から)"
)
_JAPANESE_INTRO: Final = re.compile(
    rf"({_JAPANESE_NAME})(?=と申します|といいます|と言います|と申しま|っていいます|って言います)"
)
_JAPANESE_TITLE: Final = re.compile(
    r"([\u3400-\u9fff々]{1,4}[ ]?[\u3400-\u9fff々]{0,3}|[\u30a1-\u30fa\u30fc]{2,10}(?:[・ ][\u30a1-\u30fa\u30fc]{2,10})?)(?:さん|様|さま|君|くん|ちゃん|氏|先生|部長|課長|社長|教授)"
)
_NOT_JAPANESE: Final = frozenset(
    "皆 客 お客 奥 神 王 何 同 各 貴 店員 業者 担当 担当者 みな 患者 両親 学生 先 母 父 兄 姉 娘 息子 子 医者 看護師 運転手 店 本 有名 お疲れ ユーザー カスタマー オーナー ドクター "
    "サポート スタッフ 販売員 管理者 客 会社員 初心者 利用者 契約者"
.split())
_JAPANESE_LEAD: Final = re.compile(
    r"^(?:昨日|今日|明日|先日|今朝|担当|同僚|友人|部長|課長|上司|妻|夫|息子|娘|隣|先週|来週|お世話|今|私)(?:の)?"
)
_KOREAN_SURNAMES = "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민류나진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용"
_KOREAN_NAME = f"(?:[{_KOREAN_SURNAMES}][\uac00-\ud7af]{{1,2}}|(?:남궁|황보|제갈|사공|선우|독고)[\uac00-\ud7af]{{1,2}})"
_KOREAN_CUE: Final = re.compile(
    rf"(?:제 이름은|내 이름은|이름은|성함은|이름[:：]|성함[:：]|저는|전|나는|예약자는|예약자[:：]?|수령인[:：]?|받는 사람[:：]?|친구|동료|남편|아내|아들|딸|형|누나|오빠|언니|동생|고객)\s?({_KOREAN_NAME})(?=입니다|이에요|예요|이라고|라고|이고|이야|야|이라|님|씨|\s|[,.!?]|\Z|과|와|이|가|은|는|을|를|의|에게|한테)"
)
_KOREAN_INTRO: Final = re.compile(
    rf"(?<![\uac00-\ud7af])({_KOREAN_NAME}|[\uac00-\ud7af]{{2,4}})(?=(?:이)?라고\s?(?:합니다|해요|불러|하는데))"
)
_KOREAN_TITLE: Final = re.compile(
    rf"(?<![\uac00-\ud7af])({_KOREAN_NAME}|[\uac00-\ud7af]{{2}})(?=\s?(?:씨|님|선생님|교수님?|부장님?|과장님?|대리님?|사장님?|팀장님?|박사|의사|기자|대표|매니저|차장님?|상무|이사님?)(?![\uac00-\ud7af]*(?:[^이가은는을를의에께도와과\s,.!?께서]))(?=[이가은는을를의에께도와과한\s,.!?]|\Z))"
)
_NOT_KOREAN: Final = frozenset(
    "고객 손님 담당 여러 선생 사장 부장 과장 대리 교수 기사 어머 아버 부모 할머 형 누 하느 임 주인 회원 상담 직원 관리 점장 이용 작가 기자 변호사 의사 본인 저희 우리 모두 당신 원장 실장 "
    "여사 이모 고모 스승 해당 지원 이것 이번 이상 정말 정도 전화 주문 주소 하지 하나 한국 오늘 오전 오후 지금 문의 안녕 여기 이제 제가 우선 인터넷 이름 배송 반품 교환 결제 환불 서비스 상품 "
    "제품 성함 변호 한번 조금 고맙"
.split())
_KOREAN_WORDS: Final = re.compile(
    rf"(?<![\uac00-\ud7af])({_KOREAN_NAME})(?=(?:이라는|라는|이라고|라고|이랑|하고|에게서|에게|한테|께서|이가|이는|이를|이의|입니다|이에요|예요|은|는|이|가|을|를|의|과|와|도)?(?:[^\uac00-\ud7af]|\Z))"
)
_THAI = "[\u0e01-\u0e4e]"
_THAI_CUE: Final = re.compile(
    rf"(?:ผมชื่อ|ฉันชื่อ|ดิฉันชื่อ|หนูชื่อ|เราชื่อ|ชื่อของฉันคือ|ชื่อของผมคือ|ชื่อ-นามสกุล|ชื่อจริง|ชื่อเล่น|ผู้รับ|เขาชื่อ|เธอชื่อ|ชื่อว่า|ในชื่อ|(?<!{_THAI})ชื่อ|นางสาว|นาย|นาง|คุณ|พี่|น้อง|ดร\.)\s?[:：]?\s?({_THAI}{{2,14}}(?: {_THAI}{{3,16}})?)"
)
_THAI_ENDS: Final = re.compile(
    "(?:ครับ|ค่ะ|คะ|นะ|อยู่|ต้องการ|สั่ง|ได้|เป็น|มี|จะ|ที่|ไม่|ขอ|และ|กับ|มา|ไป|โทร|สามารถ|ช่วย|แล้ว|ให้|ของ|จาก|ทำ|กำลัง|เคย|เพิ่ง|บอก|พูด)"
)
_NOT_THAI: Final = (
    "ลูกค้า",
    "หมอ",
    "ครู",
    "แม่",
    "พ่อ",
    "ภาพ",
    "สมบัติ",
    "ช่วย",
    "สามารถ",
    "ต้องการ",
    "มี",
    "จะ",
    "ได้",
    "ไม่",
    "ขอ",
    "ทำ",
    "คิด",
    "อะไร",
    "สินค้า",
    "ร้าน",
    "บริษัท",
    "อยาก",
    "เป็น",
    "ใช้",
    "รู้",
    "ทราบ",
    "สะดวก",
    "เหมาะ",
    "ชาย",
    "หน้า",
    "ค่า",
    "ผู้",
)


def unspaced_names(reading: Reading) -> Iterator[Stretch]:
    text = reading.text
    if re.search("[\u3400-\u9fff\u3040-\u30ff]", text):
        is_japanese = re.search("[\u3041-\u30fa]", text) is not None
        yield from _japanese(text) if is_japanese else _chinese(text)
        yield from _from_lists(text, is_japanese=is_japanese)
    if re.search("[\uac00-\ud7af]", text):
        yield from _korean(text)
    if re.search("[\u0e00-\u0e7f]", text):
        yield from _thai(text)
    yield from _answered(reading)


def _chinese(text: str) -> Iterator[Stretch]:
    for pattern in (_CHINESE_STRONG, _CHINESE_CUE, _CHINESE_TITLE, _CHINESE_SURNAME):
        for match in pattern.finditer(text):
            yield match.span(1)


def _japanese(text: str) -> Iterator[Stretch]:
    for match in _JAPANESE_CUE.finditer(text):
        if _is_japanese_name(match[1]):
            yield match.span(1)
    for match in _JAPANESE_INTRO.finditer(text):
        yield match.span(1)
    for match in _JAPANESE_TITLE.finditer(text):
        lead = _JAPANESE_LEAD.match(match[1])
        start = match.start(1) + (lead.end() if lead else 0)
        name = text[start : match.end(1)]
        if name and name not in _NOT_JAPANESE and len(name) > 1 and not name.startswith(("お", "ご")):
            yield start, match.end(1)


def _is_japanese_name(name: str) -> bool:
    parts = [part for part in re.split("[ ・]", name) if part]
    if all(part in lexicon().ideographic for part in parts):
        return True
    return any(name.startswith(known) for known in _japanese_surnames() if len(known) > 1)


@cache
def _japanese_surnames() -> tuple[str, ...]:
    return tuple(
        name for name in lexicon().last if re.fullmatch("[\u3400-\u9fff々]{2,3}|[\u30a1-\u30fa\u30fc]{3,8}", name)
    )


def _from_lists(text: str, *, is_japanese: bool) -> Iterator[Stretch]:
    """A listed surname with a listed given name behind it."""
    for start, letter in enumerate(text):
        if not "\u3400" <= letter <= "\u9fff":
            continue
        found = _listed(text, start, is_japanese=is_japanese)
        if found is not None:
            yield start, found


def _listed(text: str, start: int, *, is_japanese: bool) -> int | None:
    surnames, given = (_surnames(), _given())
    for length in (3, 2, 1):
        if text[start : start + length] not in surnames or (length == 1 and is_japanese):
            continue
        after = start + length + (text[start + length : start + length + 1] == " ")
        for given_length in (3, 2) if not is_japanese else (3, 2, 1):
            if text[after : after + given_length] in given and len(text[after : after + given_length]) == given_length:
                return after + given_length
    return None


@cache
def _surnames() -> frozenset[str]:
    names = lexicon()
    return frozenset(name for name in names.last | names.ambiguous_last if "\u3400" <= name[0] <= "\u9fff")


@cache
def _given() -> frozenset[str]:
    names = lexicon()
    return frozenset(name for name in names.first | names.ambiguous_first if "\u3040" <= name[0] <= "\u9fff")


def _korean(text: str) -> Iterator[Stretch]:
    for pattern in (_KOREAN_CUE, _KOREAN_INTRO, _KOREAN_TITLE):
        for match in pattern.finditer(text):
            if match[1] not in _NOT_KOREAN:
                yield match.span(1)
    for match in _KOREAN_WORDS.finditer(text):
        given = match[1][1:]
        if (
            match[1] not in _NOT_KOREAN
            and (given in lexicon().first or given in lexicon().ambiguous_first)
            and len(given) > 1
        ):
            yield match.span(1)


def _thai(text: str) -> Iterator[Stretch]:
    for match in _THAI_CUE.finditer(text):
        name = match[1]
        cut = _THAI_ENDS.search(name, 2)
        end = match.start(1) + (cut.start() if cut else len(name))
        if not name.startswith(_NOT_THAI) and end - match.start(1) > 1:
            yield match.start(1), match.start(1) + len(text[match.start(1) : end].rstrip())


_ANSWER: Final = re.compile(
    r"\s*(?:(?:我叫|我是|叫我|名字是|はい、?|私は|ええと、?|네,?\s?|저는\s|제 이름은\s|이름은\s|ผมชื่อ|ฉันชื่อ|ชื่อ|คุณ)\s?)?"
    r"([\u3400-\u9fff々\u3040-\u30ff\u30fc]{1,6}(?:[ ・][\u3400-\u9fff\u3040-\u30ff\u30fc]{1,6})?|[\uac00-\ud7af]{2,4}|[\u0e01-\u0e4e]{2,14}(?: [\u0e01-\u0e4e]{2,16})?)"
    r"(?:です|といいます|と申します|입니다|이에요|예요|요|이라고 합니다|라고 합니다|ครับ|ค่ะ)?\s*(?:[。.!！,，、]|\Z)"
)
_NO_ANSWER: Final = re.compile(
    "^(?:好|不|没|是的|对|嗯|可以|为什么|什么|はい|いいえ|なぜ|네|아니|왜|싫|ไม่|ทำไม|ครับ|ค่ะ|不想|谢谢|ありがとう|감사)"
)


def _answered(reading: Reading) -> Iterator[Stretch]:
    if not reading.after or not has_cue("name_questions", reading.after):
        return
    match = _ANSWER.match(reading.text)
    if match and not _NO_ANSWER.match(match[1]):
        name = re.sub("(?:です|입니다|이에요|예요|ครับ|ค่ะ)$", "", match[1])
        yield match.start(1), match.start(1) + len(name)
