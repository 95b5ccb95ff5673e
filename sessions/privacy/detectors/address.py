"""Street addresses whose form is plain, and what stands with a number after a word for an address."""

import re
from collections.abc import Iterator
from typing import Final

from sessions.privacy.cues import cue_pattern, has_cue
from sessions.privacy.folding import BARRIER
from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

_WORD = r"[^\W\d_][\w'.\-]{0,24}"
_CAPITAL = r"(?=[^\W\d_])[^a-z\W\d_][\w'\-]{0,24}"
_NUMBER = r"\d{1,5}(?:\s?[A-Za-z](?!\w))?(?:\s?[\-/]\s?\d{1,4}[A-Za-z]?(?!\w))?"
_ENGLISH_TYPES = (
    "street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|square|sq|terrace|terr|way|close|"
    "crescent|cres|parkway|pkwy|highway|hwy|circle|cir|trail|trl|grove|gardens|gdns|row|walk|mews|hill|park|plaza|alley|loop|"
    "quay|rise|view|green|expressway|turnpike|nagar|marg|colony|layout|sector|chowk"
)
_UNIT = r"(?:,?\s{0,2}(?:apt|apartment|suite|ste|unit|flat|floor|fl|room|rm|#|no)\.?\s{0,2}#?\s?\w{1,6})?"
_US_TAIL = rf"(?:,?\s{{1,2}}{_CAPITAL}(?:\s{_CAPITAL}){{0,2}},?\s{{1,2}}[A-Z]{{2}}\.?,?\s{{1,2}}\d{{5}}(?:-\d{{4}})?)?"
_UK_TAIL = rf"(?:(?:,?\s{{1,2}}{_CAPITAL}){{0,3}},?\s{{1,2}}[A-Z]{{1,2}}\d[A-Z\d]?\s?\d[A-Z]{{2}}(?!\w))?"
_ENGLISH: Final = re.compile(
    rf"(?<![\w.,#\-/])(?:(?:flat|unit|apt|apartment|suite)\s\w{{1,5}},?\s)?\d{{1,5}}[a-zA-Z]?(?:[\-/]\d{{1,4}})?,?\s(?:(?:[NSEWnsew]\.?|[NS][EW]|north|south|east|west)\s)?"
    rf"(?:(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th))\s){{1,3}}?(?:{_ENGLISH_TYPES})(?!\w)\.?(?:\s(?:[NSEW]|[NS][EW])(?!\w))?{_UNIT}",
    re.IGNORECASE,
)
# Endings of American and Commonwealth streets that are words of their own: only with capitals and a number before.
_RARE_TYPES = (
    "Annex|Arcade|Bayou|Beach|Bend|Bluff|Bluffs|Bottom|Branch|Bridge|Brook|Brooks|Burg|Bypass|Camp|Canyon|Cape|Causeway|"
    "Center|Centers|Centre|Cliff|Cliffs|Club|Common|Commons|Corner|Corners|Course|Courts|Cove|Coves|Creek|Crest|Crossing|"
    "Crossroad|Curve|Dale|Dam|Divide|Drives|Estate|Estates|Extension|Extensions|Fall|Falls|Ferry|Field|Fields|Flat|Flats|"
    "Ford|Fords|Forest|Forge|Forges|Fork|Forks|Fort|Freeway|Garden|Gateway|Glen|Glens|Greens|Groves|Harbor|Harbors|Haven|"
    "Heights|Hills|Hollow|Inlet|Island|Islands|Isle|Junction|Junctions|Key|Keys|Knoll|Knolls|Lake|Lakes|Land|Landing|Light|"
    "Lights|Loaf|Lock|Locks|Lodge|Mall|Manor|Manors|Meadow|Meadows|Mews|Mill|Mills|Mission|Motorway|Mount|Mountain|"
    "Mountains|Neck|Orchard|Oval|Overpass|Parade|Parkways|Parks|Pass|Passage|Path|Pike|Pine|Pines|Plain|Plains|Plazas|Point|"
    "Points|Port|Ports|Prairie|Radial|Ramp|Ranch|Rapid|Rapids|Rest|Ridge|Ridges|River|Roads|Route|Rue|Run|Shoal|Shoals|Shore|"
    "Shores|Skyway|Spring|Springs|Spur|Spurs|Squares|Station|Stravenue|Stream|Streets|Summit|Throughway|Top|Trace|Track|"
    "Trafficway|Tunnel|Underpass|Union|Unions|Valley|Valleys|Via|Viaduct|Views|Village|Villages|Ville|Vista|Walks|Wall|Ways|"
    "Well|Wells|Vale|Wharf|Esplanade|Promenade|Chase|Brae|Circus|Copse|Croft|Embankment|Gate|Yard|Strand"
)
_RARE: Final = re.compile(
    rf"(?<![\w.,#\-/])(?:(?:Flat|Unit|Apt|Studio|Suite|House)\s\w{{1,5}},?\s)?\d{{1,5}}[a-zA-Z]?,?\s(?:[A-Z][\w'\-]{{1,20}}\s){{1,2}}(?:{_RARE_TYPES})(?!\w){_UNIT}"
    rf"|(?:Flat|Unit|Apt|Studio|Suite)\s\w{{1,5}},?\s(?:[A-Z][\w'\-]{{1,20}}\s){{1,2}}(?:{_RARE_TYPES}|Street|Road|Lane|Drive|Avenue)(?!\w)"
    rf"|(?<![\w.,#\-/])\d{{1,5}}\s(?:[A-Z][\w'\-]{{1,20}}\s){{1,3}}(?:Apt|Suite|Unit|Ste)\.?\s\d{{1,5}}(?!\w)"
    rf"|(?<!\w)H\.?\s?No\.?\s?\d{{1,5}}(?:/\d{{1,4}})?,?\s(?:[A-Z][\w'\-]{{1,20}},?\s?){{1,4}}"
)
_ENGLISH_TAIL: Final = re.compile(rf"{_US_TAIL}{_UK_TAIL}")
_NOT_A_STREET: Final = re.compile(
    r"\b(?:the|my|a|an|this|that|your|of|in|on|for|is|are|was|days?|hours?|minutes?|weeks?|items?|pieces?|people|times?|percent|euros?|dollars?|x|and|or|to|per|by|from|with|at|new|more|other|best|only|different|long|same|easy|one)\b",
    re.IGNORECASE,
)
_POST_TAIL = rf"(?:,?\s{{0,2}}(?:[A-Z]{{1,2}}-)?\d{{4,5}}(?:\s?[A-Z]{{2}}(?!\w))?\s{{1,2}}{_CAPITAL}(?:[\s\-]{_CAPITAL}){{0,2}})?"
_SUFFIXED: Final = re.compile(
    rf"(?<!\w)(?:{_CAPITAL}[\s\-]){{0,3}}[^\W\d_][\w\-]{{1,30}}?(?:straße|strasse|str\.|str|weg|platz|allee|gasse|gässchen|damm|ufer|chaussee|"
    r"straat|laan|plein|gracht|kade|dijk|steeg|singel|dreef|hof|gatan|vägen|gränd|stigen|gata|gaten|veien|vegen|vei|vej|gade|vænget|alle|stræde|"
    rf"katu|tie|kuja|polku|kaari|bulevardi|tänav|iela|gatvė|torget|torg|bakken|hagen|veien|lia|pad|ring|allé|vang|parken|rinne)\s{{1,2}}(?:n[ro°º]\.?\s?)?\d{{1,4}}(?:\s?[a-zA-Z](?!\w))?(?:\s?[\-/]\s?\d{{1,4}}[a-zA-Z]?)?(?![\w%€$:]|[.,]\d){_POST_TAIL}",
    re.IGNORECASE,
)
_SEPARATE: Final = re.compile(
    rf"(?<!\w)(?:{_CAPITAL}\s){{0,2}}(?:{_CAPITAL}\s)(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Allé|Ring|utca|út|útja|tér|körút|köz|u\.|Sokak|Sokağı|Sk\.|Caddesi|Cad\.|Bulvarı|Mahallesi|Mah\.|katu|tie|iela|gatvė|g\.|tänav|gata|vei|vej|väg)"
    rf",?\s(?:No[:.]?\s?|n°\s?)?\d{{1,4}}(?:\s?[a-zA-Z](?!\w))?(?:\s?[\-/]\s?\d{{1,4}})?(?![\w%€$:]|[.,]\d){_POST_TAIL}"
)
_FRENCH: Final = re.compile(
    rf"(?<![\w.,#\-/])\d{{1,4}}(?:\s?(?:bis|ter|quater|[a-d])(?!\w))?,?\s(?:rue|avenue|av\.?|boulevard|bd\.?|bld|place|pl\.|chemin|ch\.|impasse|allée|allee|quai|route|cours|square|passage|sentier|villa|résidence|faubourg|montée|ruelle)"
    rf"(?:\s(?:de\sla|de\sl'|de|du|des|d'|la|le|les|l'|aux?|saint|sainte|st))?(?:[\s'\-]{_WORD}){{1,4}}?(?=\s*(?:[,.;!?\n)]|\Z|\d{{5}}|\s(?:à|a|et|mais|pour|s'il|svp|merci)\s))(?:,?\s{{0,2}}\d{{5}}\s{_WORD}(?:[\s\-]{_CAPITAL}){{0,2}})?",
    re.IGNORECASE,
)
_PREFIXED: Final = re.compile(
    r"(?<!\w)(?:calle|c/|avenida|avda\.?|av\.|plaza|paseo|pº|camino|carretera|ronda|rambla|callejón|glorieta|bulevar|boulevard|continuación|privada|cerrada|circuito|prolongación|andador|ampliación|retorno|viaducto|travesía|carrer|carrera|cra\.?|kra\.?|diagonal|transversal|calzada|privada|urbanización|"
    r"rua|r\.|travessa|alameda|praça|largo|estrada|rodovia|via|viale|v\.le|piazza|p\.zza|corso|c\.so|vicolo|largo|strada|contrada|borgo|stretto|piazzale|largo|lungomare|salita|rotonda|canale|"
    r"ulica|ulice|ul\.|aleja|al\.|aleje|plac|pl\.|os\.|osiedle|улица|ул\.?|проспект|просп\.|пр-т|пр\.|переулок|пер\.|площадь|пл\.|бульвар|бул\.|бульв\.|шоссе|ш\.|сквер|майдан|площа|узвіз|бульвар|тупик|проезд|пр-д|аллея|наб\.|набережная|наб\.|вулиця|вул\.|провулок|пров\.|"
    r"str\.|strada|bulevardul|bd\.|bdul|aleea|calea|șoseaua|šetalište|trg|náměstí|nám\.|třída|jalan|jl\.?|jln\.?|lorong|gang|gg\.|οδός|οδό|πλατεία|πλ\.|πάρ\.|λ\.|οδο|λεωφόρος|λεωφ\.|đường|phố|ngõ|ב?רחוב|שדרות|شارع|الشارع|خیابان|कॉलोनी|मार्ग|ถนน|ซอย)"
    r"\s{0,2}(?:[^\W\d_][\w'.\-]{0,24},?\s){0,5}?[^\W\d_]?[\w'.\-\u0900-\u0dff\u0e00-\u0e7f]{0,24},?\s{0,2}(?:n[º°o.ùr]{0,2}\.?\s?|num\.?\s|numer\s|nr\.?\s?|no[:.]?\s?|br\.\s?|#\s?|д(?:ом)?\.?\s?|буд\.?\s?|s/n(?!\w)|kav\.\s?|số\s|רقم\s|رقم\s)?\d{1,5}(?:\s?[a-zA-Zа-яА-Я](?!\w))?(?:\s?[/\-]\s?\d{1,4}\w?)?(?![\w%€$:]|[.,]\d)",
    re.IGNORECASE,
)
_TAIL: Final = re.compile(
    rf"(?:,?\s{{1,2}}(?:piso|planta|puerta|apto\.?|apt\.?|apartamento|depto\.?|dpto\.?|bloco|bloque|esc\.?|escalera|interno|int\.|scala|sc\.|ap\.|bl\.|et\.|кв\.?|квартира|корп\.?|к\.|стр\.|подъезд|офис|m\.|kat|daire|d:|lokal|lok\.|lt\.|rt|rw)\s?\d{{0,4}}[ºª°]?\s?\w?(?!\w)){{0,3}}(?:\s?[,-]\s?(?:CP\s)?(?:\d{{2}}-\d{{3}}|\d{{5}}-\d{{3}}|\d{{4}}-\d{{3}}|\d{{3}}\s\d{{2}}|\d{{4,6}})(?!\d)(?:\s{_CAPITAL}(?:\s{_CAPITAL}){{0,2}})?)?",
    re.IGNORECASE,
)
_VIETNAMESE: Final = re.compile(
    rf"(?<!\w)(?:số\s)?\d{{1,4}}[A-Za-z]?(?:/\d{{1,4}})*(?:,?\s(?:ngõ|ngách|hẻm|kiệt)\s\d{{1,4}}(?:/\d{{1,4}})*){{0,2}},?\s(?:đường|phố|ngõ|ngách|hẻm|thôn|ấp|khu phố|tổ)(?:\s{_CAPITAL}|\s\d{{1,3}}){{1,4}}"
)
_CJK: Final = re.compile(
    r"〒\s?\d{3}-?\d{4}(?:\s?[\u3040-\u30ff\u4e00-\u9fff\dー\-]{4,40})?"
    r"|(?:東京都|北海道|(?:大阪|京都)府|[\u4e00-\u9fff]{2,3}県)[\u3040-\u30ff\u4e00-\u9fff]{1,16}\s?\d{1,4}(?:丁目|番地?|号|[\-の]\d{1,4}){1,4}(?:号室|\d{1,4}号室?)?"
    r"|[\u4e00-\u9fff\u3040-\u30ff]{1,8}[市区町村][\u4e00-\u9fff\u3040-\u30ff]{1,10}\d{1,4}(?:丁目\d{0,4}|番地?\d{0,4}|-\d{1,4}|号){1,4}"
    r"|(?:[\u4e00-\u9fff]{2,8}?(?:省|自治区|特别行政区|市|州))?(?:[\u4e00-\u9fff]{1,8}?[市区县區縣镇鎮乡鄉]){0,3}[\u4e00-\u9fff]{1,10}?(?:路|街|道|大道|巷|弄|胡同|里|村)(?:[一二三四五六七八九十\d]{1,3}段)?[\d一二三四五六七八九十百零]{1,6}(?:号|號|弄)(?:[\d之\-]{0,5}[楼樓层層栋棟单元元座号號室]){0,5}(?:\d{1,5}[室号號楼樓])?|[\u4e00-\u9fff]{2,8}[路街道巷][A-Za-z\d]{1,4}[座栋棟幢]"
    r"|(?:[\uac00-\ud7af]{1,8}(?:특별시|광역시|시|도)\s)?(?:[\uac00-\ud7af]{1,6}[시군구]\s){0,2}[\uac00-\ud7af\d]{1,12}(?:로|길|대로)\s?(?:지하\s?)?\d{1,4}(?:번길\s?\d{1,4})?(?:-\d{1,4})?(?![\d가-힣년월일시원개번]|\s?(?:년|월|일|시|원|개|번))"
    r"|[\uac00-\ud7af]{1,6}[시군구]\s[\uac00-\ud7af\d]{1,8}[동읍면리가]\s\d{1,4}(?:-\d{1,4})?(?:번지)?"
)
_PO_BOX: Final = re.compile(
    r"(?<!\w)(?:p\.?\s?o\.?\s?box|postfach|apartado(?: postal)?|boîte postale|b\.?p\.?|caixa postal|casella postale|postbus|а/я)\s(?:n[º°o.]\s?)?\d{1,7}(?!\w)",
    re.IGNORECASE,
)
_NOT_SUFFIXED: Final = re.compile(
    r"(?:^|\s)(?:[a-zäöüß]{0,3}(?:weg|str|hof|tie|vei|alle|platz))\s|hinweg|umweg|halbweg|arbeitsweg|schulweg|durchweg|parkplatz|stellplatz|sitzplatz|arbeitsplatz|marktplatz$|bahnhof",
    re.IGNORECASE,
)

# The words without which a pattern cannot match.
_ENGLISH_WORDS: Final = frozenset(_ENGLISH_TYPES.split("|"))
_RARE_WORDS: Final = frozenset(_RARE_TYPES.lower().split("|")) | {"apt", "suite", "unit", "flat", "ste", "studio", "no"}
_FRENCH_WORDS: Final = frozenset(
    "rue avenue av boulevard bd bld place pl chemin ch impasse allée quai route cours square passage sentier villa "
    "résidence faubourg montée ruelle".split()
)
_SEPARATE_WORDS: Final = frozenset(
    "straße strasse str weg platz allee allé ring utca út útja tér körút köz u sokak sokağı sk caddesi cad bulvarı "
    "mahallesi mah katu tie iela gatvė g tänav gata vei vej väg".split()
)
_PREFIX_WORDS: Final = frozenset(
    "rambla callejón glorieta bulevar boulevard continuación cerrada circuito prolongación andador ampliación "
    "retorno viaducto borgo stretto piazzale lungomare salita rotonda canale ш сквер майдан площа узвіз тупик "
    "проезд аллея gg πλατεία πλ πάρ λ setor trevo viela beco núcleo quadra praceta calçada rotunda azinhaga "
    "intrarea fundătura ถ şoseaua calle c avenida avda av plaza paseo pº camino carretera ronda travesía carrer "
    "carrera cra kra diagonal transversal calzada privada urbanización rua r travessa alameda praça largo estrada "
    "rodovia via viale v piazza p corso vicolo strada contrada ulica ulice ul aleja al aleje plac pl os osiedle "
    "улица ул проспект просп пр переулок пер площадь пл бульвар бул бульв шоссе набережная наб вулиця вул провулок "
    "пров str bulevardul bd bdul aleea calea șoseaua šetalište trg náměstí nám třída jalan jl jln lorong gang οδός "
    "οδο λεωφόρος λεωφ đường phố ngõ שדרות רחוב ברחוב شارع الشارع خیابان मार्ग ถนน ซอย".split()
)
_VIETNAMESE_WORDS: Final = frozenset("đường phố ngõ ngách hẻm thôn ấp tổ".split())
_BOX_WORDS: Final = frozenset("box postfach apartado boîte bp b caixa casella postbus а".split())
_SUFFIXES: Final = (
    "straße", "strasse", "str", "weg", "platz", "allee", "gasse", "damm", "ufer", "chaussee", "gässchen", "straat", "laan",
    "plein", "gracht", "kade", "dijk", "steeg", "singel", "dreef", "hof", "gatan", "vägen", "gränd", "stigen", "gata", "vei",
    "vej", "gade", "vænget", "alle", "stræde", "katu", "tie", "kuja", "polku", "kaari", "bulevardi", "torget", "torg", "bakken", "hagen", "lia", "pad", "ring", "allé", "vang", "parken", "rinne", "tänav", "iela", "gatvė",
)  # fmt: skip
_CJK_SIGNS: Final = re.compile(r"〒|[市区區县縣町村路街道巷弄号號丁目番县府县]|[로길동읍면리]\s?\d")

_CUED: Final = re.compile(rf"[\s:]{{0,4}}(?:(?:is|ist|est|es|é|è|now|to|at|is:|ist:)\s)?([^\n!?;{BARRIER}]{{6,140}})")
_CUED_END: Final = re.compile(
    r"(?<=\w\w\w\w)\.\s|\.\Z|\s(?:and|but|can|could|please|thanks|und|aber|bitte|danke|et|mais|merci|y|pero|por favor|gracias|mas|obrigado|ma|grazie|en|maar|bedankt|i|ale|и|но|пожалуйста|och|men|tack|og|tak|takk)\s"
)
_HOUSE_NUMBER: Final = re.compile(
    r"(?<![\w.])\d{1,6}(?![\d:%€$.]|\s?(?:days?|hours?|minutes?|years?|tage|jahre|ans|años|anos|anni|jaar|lat|лет))"
)
_LEAST_WORDS = 2


def find_addresses(reading: Reading) -> Iterator[Span]:
    tokens = reading.tokens
    if not _VIETNAMESE_WORDS.isdisjoint(tokens):
        yield from _plain(reading, _VIETNAMESE)
    if not _ENGLISH_WORDS.isdisjoint(tokens):
        yield from _english(reading)
    if not _RARE_WORDS.isdisjoint(tokens):
        yield from _plain(reading, _RARE)
    if any(map(reading.lower.__contains__, _SUFFIXES)):
        yield from _plain(reading, _SUFFIXED)
    if not _SEPARATE_WORDS.isdisjoint(tokens):
        yield from _plain(reading, _SEPARATE)
    if not _FRENCH_WORDS.isdisjoint(tokens):
        yield from _plain(reading, _FRENCH)
    if not _PREFIX_WORDS.isdisjoint(tokens):
        yield from _prefixed(reading)
    if not _BOX_WORDS.isdisjoint(tokens):
        yield from _plain(reading, _PO_BOX)
    if _CJK_SIGNS.search(reading.text):
        yield from _plain(reading, _CJK)
    yield from _after_cues(reading)


def _english(reading: Reading) -> Iterator[Span]:
    for match in _ENGLISH.finditer(reading.text):
        if not _NOT_A_STREET.search(reading.text, match.start(), match.end()) or _is_capitalised(match[0]):
            tail = _ENGLISH_TAIL.match(reading.text, match.end())
            yield _span(reading, match.start(), tail.end() if tail else match.end())


def _plain(reading: Reading, pattern: re.Pattern[str]) -> Iterator[Span]:
    for match in pattern.finditer(reading.text):
        if pattern is not _SUFFIXED or not _NOT_SUFFIXED.search(match[0]):
            yield _span(reading, *match.span())


def _prefixed(reading: Reading) -> Iterator[Span]:
    for match in _PREFIXED.finditer(reading.text):
        tail = _TAIL.match(reading.text, match.end())
        yield _span(reading, match.start(), tail.end() if tail else match.end())


def _after_cues(reading: Reading) -> Iterator[Span]:
    """What follows 'my address is', to the end of the sentence, if a house number is in it."""
    is_cued = reading.may_hold("address_cues")
    starts = [cue.end() for cue in cue_pattern("address_cues").finditer(reading.lower)] if is_cued else []
    if "?" in reading.after and "mail" not in reading.after and has_cue("address_questions", reading.after):
        starts.insert(0, 0)
    for start in starts:
        cued = _CUED.match(reading.text, start)
        if cued is None:
            continue
        stretch = cued[1]
        end = _CUED_END.search(stretch.lower())
        stretch = stretch[: end.start()] if end else stretch
        stretch = stretch.rstrip(" .,")
        if _HOUSE_NUMBER.search(stretch) and len(stretch.split()) >= _LEAST_WORDS and "@" not in stretch:
            yield _span(reading, cued.start(1), cued.start(1) + len(stretch))


def _is_capitalised(address: str) -> bool:
    words = [word for word in address.split() if word[0].isalpha()]
    return all(word[0].isupper() for word in words)


def _span(reading: Reading, start: int, end: int) -> Span:
    return Span(Kind.ADDRESS, start, end, " ".join(re.sub(r"[.,]", " ", reading.lower[start:end]).split()))
