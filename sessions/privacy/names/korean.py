"""Names in Korean, where particles are written together with the name."""

import re
from collections.abc import Iterator
from typing import Final

from sessions.privacy.names.lexicon import lexicon

_SURNAMES = "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민류나진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용"
_NAME = f"(?:[{_SURNAMES}][\uac00-\ud7af]{{1,2}}|(?:남궁|황보|제갈|사공|선우|독고)[\uac00-\ud7af]{{1,2}})"
_CUE: Final = re.compile(
    rf"(?:제 이름은|내 이름은|이름은|성함은|이름[:：]|성함[:：]|저는|전|나는|예약자는|예약자[:：]?|수령인[:：]?|받는 사람[:：]?|친구|동료|남편|아내|아들|딸|형|누나|오빠|언니|동생|고객)\s?({_NAME})(?=입니다|인데요|인데|이구요|이에요|예요|이라고|라고|이고|이야|야|이라|님|씨|\s|[,.!?]|\Z|과|와|이|가|은|는|을|를|의|에게|한테)"
)
_INTRO: Final = re.compile(
    rf"(?<![\uac00-\ud7af])({_NAME}|[\uac00-\ud7af]{{2,4}})(?=(?:이)?라고\s?(?:합니다|해요|불러|하는데))"
)
_TITLE: Final = re.compile(
    rf"(?<![\uac00-\ud7af])({_NAME}|[\uac00-\ud7af]{{2}})(?=\s?(?:씨|님|선생님|교수님?|부장님?|과장님?|대리님?|사장님?|팀장님?|박사|의사|기자|대표|매니저|차장님?|상무|이사님?)(?![\uac00-\ud7af]*(?:[^이가은는을를의에께도와과\s,.!?께서]))(?=[이가은는을를의에께도와과한\s,.!?]|\Z))"
)
_NOT_KOREAN: Final = frozenset(
    "고객 손님 담당 여러 선생 사장 부장 과장 대리 교수 기사 어머 아버 부모 할머 형 누 하느 임 주인 회원 상담 직원 관리 점장 이용 작가 기자 변호사 의사 본인 저희 우리 모두 당신 원장 실장 "
    "여사 이모 고모 스승 해당 지원 이것 이번 이상 정말 정도 전화 주문 주소 하지 하나 한국 오늘 오전 오후 지금 문의 안녕 여기 이제 제가 우선 인터넷 이름 배송 반품 교환 결제 환불 서비스 상품 "
    "제품 성함 변호 한번 조금 고맙".split()
)
_WORDS: Final = re.compile(
    rf"(?<![\uac00-\ud7af])({_NAME})(?=(?:이라는|라는|이라고|라고|이랑|하고|에게서|에게|한테|께서|이가|이는|이를|이의|입니다|이에요|예요|은|는|이|가|을|를|의|과|와|도)?(?:[^\uac00-\ud7af]|\Z))"
)
# A whole name that nothing but the copula or a label tells of: only where it is built like one.
_SAID: Final = re.compile(
    rf"(?:(?<![\uac00-\ud7af])({_NAME})(?=\s?(?:입니다|인데요|이에요|예요|이라고|라고|(?:이름|님)?\s?(?:이름으로|명의로|앞으로)))"
    rf"|(?:이름|성함|예약자명|수령인|분은|분)\s?[:：]?\s({_NAME})(?![\uac00-\ud7af]))"
)
_ROLES: Final = "자지원사품용제점금일권증님생장비건중"
_SURNAME_TITLE: Final = re.compile(
    rf"(?<![\uac00-\ud7af])([{_SURNAMES}])(?=\s(?:기사님|선생님|과장님|부장님|대리님|사장님|팀장님|교수님|박사님|실장님|이사님|원장님|변호사))"
)
_GIVEN_LETTERS: Final = frozenset(
    "민지서현준영수진은혜정미경숙희자순옥철호성훈우재원동상태용종승연윤주하유예나다라가람빈솔슬기아인선화란애덕복례광남형규석창식범환균근길만명문병봉삼세소시신안양언여오완욱웅월율이일임장전제조중찬채천춘충치택필학한해향헌혁홍황효흥별새봄결늘"
)


def korean_names(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_CUE, _INTRO, _TITLE, _SURNAME_TITLE):
        for match in pattern.finditer(text):
            if match[1] not in _NOT_KOREAN:
                yield match.span(1)
    for match in _SAID.finditer(text):
        group = 1 if match[1] else 2
        if _is_built_as_name(match[group]):
            yield match.span(group)
    for match in _WORDS.finditer(text):
        if _is_name(match[1]):
            yield match.span(1)


def _is_built_as_name(word: str) -> bool:
    """Three syllables with a surname and a given name, and no word such as those of roles and wares."""
    words = lexicon().ordinary
    given = word[1:]
    if len(word) != 3 or word in _NOT_KOREAN or word in words or word[:2] in _NOT_KOREAN:  # noqa: PLR2004 (syllables)
        return False
    if given in lexicon().ideographic:
        return True
    return not (word[:2] in words and word[2] in _ROLES) and given not in words


def _is_name(word: str) -> bool:
    given = word[1:]
    words = lexicon().ordinary
    if word in _NOT_KOREAN or len(given) < 2 or word in words or word[:2] in words:  # noqa: PLR2004 (two syllables)
        return False
    return given in lexicon().ideographic or (all(letter in _GIVEN_LETTERS for letter in given) and given not in words)
