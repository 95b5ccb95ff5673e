"""Names in Thai, after words that announce them."""

import re
from collections.abc import Iterator
from typing import Final

_LETTER = "[\u0e01-\u0e4e]"
_CUE: Final = re.compile(
    rf"(?:ชื่อผู้รับ|ชื่อผู้จอง|ชื่อลูกค้า|จองชื่อ|ในนาม|นามสกุล|ผมชื่อ|ฉันชื่อ|ดิฉันชื่อ|หนูชื่อ|เราชื่อ|ชื่อของฉันคือ|ชื่อของผมคือ|ชื่อ-นามสกุล|ชื่อจริง|ชื่อเล่น|ผู้รับ|เขาชื่อ|เธอชื่อ|ชื่อว่า|ในชื่อ|(?<!{_LETTER})ชื่อ|นางสาว|นาย|นาง|คุณ|พี่|น้อง|ดร\.)\s?[:：]?\s?({_LETTER}{{2,14}}(?: {_LETTER}{{3,16}})?)"
)
_ENDS: Final = re.compile(
    "(?:ครับ|ค่ะ|คะ|นะ|อยู่|ต้องการ|สั่ง|ได้|เป็น|มี|จะ|ที่|ไม่|ขอ|และ|กับ|มา|ไป|โทร|สามารถ|ช่วย|แล้ว|ให้|ของ|จาก|ทำ|กำลัง|เคย|เพิ่ง|บอก|พูด)"
)
_NOT_THAI: Final = (
    "ลูกค้า",
    "ชื่อ",
    "ผู้",
    "สินค้า",
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


def thai_names(text: str) -> Iterator[tuple[int, int]]:
    for match in _CUE.finditer(text):
        name = match[1]
        cut = _ENDS.search(name, 2)
        end = match.start(1) + (cut.start() if cut else len(name))
        if not name.startswith(_NOT_THAI) and end - match.start(1) > 1:
            yield match.start(1), match.start(1) + len(text[match.start(1) : end].rstrip())
