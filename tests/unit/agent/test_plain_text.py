# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - letters that look like others
"""The rule for text that an operator writes and a customer reads."""

from __future__ import annotations

import json
import string
import sys
import unicodedata
from typing import get_args

import pytest
from msgspec import inspect

from latchkey_agent import command_line, plain_text
from latchkey_agent.core.settings import SettingsError, from_object
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.fields import AccountName, Identifier, Moment, Requester

ALLOWED = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc"}
"""The general categories of which some characters are allowed, besides the space and some signs of ASCII."""
DEFAULT_IGNORABLE = [
    *(
        range(0xAD, 0xAE),
        range(0x34F, 0x350),
        range(0x61C, 0x61D),
        range(0x115F, 0x1161),
        range(0x17B4, 0x17B6),
    ),
    *(range(0x180B, 0x1810), range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2060, 0x2070)),
    *(range(0x3164, 0x3165), range(0xFE00, 0xFE10), range(0xFEFF, 0xFF00), range(0xFFA0, 0xFFA1)),
    *(range(0xFFF0, 0xFFF9), range(0x1BCA0, 0x1BCA4), range(0x1D173, 0x1D17B), range(0xE0000, 0xE1000)),
]
"""Default_Ignorable_Code_Point (Unicode Character Database, DerivedCoreProperties.txt)."""
INVISIBLE = [chr(point) for points in DEFAULT_IGNORABLE for point in points]
BLANK = ["\u2800", "\u3000", "\u00a0", "\u2003", "\u1680", "\u115f", "\u3164", "\U0001d159"]
"""Characters without ink that are not in that list or are letters."""
SCRIPTS = {
    "Latin": "Straße",
    "Cyrillic": "Київ",
    "Greek": "Αθήνα",
    "Armenian": "Երևան",
    "Hebrew": "שלום",
    "Arabic": "مرحبا",
    "Devanagari": "नमस्ते",
    "Bengali": "ঢাকা",
    "Gurmukhi": "ਪੰਜਾਬ",
    "Gujarati": "અમદાવાદ",
    "Oriya": "ଓଡ଼ିଶା",
    "Tamil": "தமிழ்",
    "Telugu": "తెలుగు",
    "Kannada": "ಕನ್ನಡ",
    "Malayalam": "മലയാളം",
    "Sinhala": "සිංහල",
    "Thai": "กรุงเทพ",
    "Lao": "ລາວ",
    "Tibetan": "ལྷ་ས",
    "Myanmar": "ရန်ကုန်",
    "Georgian": "თბილისი",
    "Hangul": "서울",
    "Ethiopic": "አማርኛ",
    "Khmer": "ភ្នំពេញ",
    "Hiragana": "ひらがな",
    "Katakana": "カタカナ",
    "Bopomofo": "ㄅㄆㄇ",
    "Han": "北京",
    "Thaana": "ދިވެހި",
}
"""A word of each script."""
MAY_MIX = [{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Bopomofo"}, {"Latin", "Han", "Hangul"}]


def fault(text: str, longest: int = plain_text.LONGEST_LINE) -> str:
    """Return the rule that a text breaks."""
    return plain_text.fault(plain_text.normalized(text), longest)


def test_every_code_point_is_refused_unless_its_category_is_allowed() -> None:
    """Of all 1,114,112 code points: no control, format, surrogate, private or unassigned one, and no symbol."""
    allowed = [
        one
        for one in map(chr, range(sys.maxunicode + 1))
        if not plain_text.fault(f"a{one}", 2) and unicodedata.is_normalized("NFC", one)
    ]
    ascii_signs = set("+<=>^`|~")
    assert {one for one in allowed if unicodedata.category(one) not in ALLOWED} == ascii_signs
    assert not set(allowed) & set(INVISIBLE)
    assert not [one for one in allowed if unicodedata.bidirectional(one) in {"B", "S", "WS", "BN"}]
    assert not [one for one in allowed if unicodedata.category(one) == "Mn" and not unicodedata.name(one, "")]
    assert set(string.printable.strip()) <= set(allowed)
    assert len(allowed) > 100_000


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_a_name_of_one_invisible_character_is_refused(text: str) -> None:
    """Alone, and in a word."""
    assert fault(text)
    assert fault(f"a{text}b")


def test_no_invisible_joining_or_direction_changing_character_is_accepted_anywhere() -> None:
    """Each default-ignorable code point is refused alone, and behind a letter of each script."""
    bases = ("", *(word[0] for word in SCRIPTS.values()))
    assert [ascii(one) for one in INVISIBLE for base in bases if not fault(f"{base}{one}")] == []


@pytest.mark.parametrize("word", SCRIPTS.values(), ids=SCRIPTS)
def test_words_of_every_script_in_use_are_accepted(word: str) -> None:
    """The rule does not refuse a language."""
    assert fault(word) == ""
    assert fault(f"Update: {word} (2026)") == ""


def test_one_word_mixes_only_scripts_that_are_written_together() -> None:
    """UTS 39, highly restrictive: Japanese, Chinese and Korean with Latin, no other pair."""
    for first, one in SCRIPTS.items():
        for second, other in SCRIPTS.items():
            may = first == second or any({first, second} <= together for together in MAY_MIX)
            assert (fault(one + other) == "") is may, (first, second)
            assert fault(f"{one} {other}") == ""
            assert fault(f"{one}-{other}") == ""


@pytest.mark.parametrize("word", ["pаypal", "Cоntoso", "Κim", "аdmin", "x२٣"])
def test_a_letter_that_only_looks_latin_is_refused_in_a_latin_word(word: str) -> None:
    """The message names the scripts."""
    assert "mixes the scripts" in fault(word)


@pytest.mark.parametrize(
    "text", ["東京タワーへLAN", "서울PC", "更新WindowsのPC", "ㄅ北A", "コーヒー", "人々"]
)
def test_scripts_that_are_written_together_are_accepted(text: str) -> None:
    """Also with the Japanese sound mark and the iteration mark."""
    assert fault(text) == ""


@pytest.mark.parametrize("marks", [1, 2])
def test_a_letter_may_have_two_marks(marks: int) -> None:
    """Two marks that do not compose, as in African languages."""
    assert fault("ɛ" + "\u0301\u0323"[:marks]) == ""


@pytest.mark.parametrize(
    "text",
    [
        "ɛ" + "\u0301" * 3,
        "a" + "\u0300\u0301\u0302\u0303",
        "\u0301",
        " \u0301a",
        "-\u0301",
        "7\u0301",
        "(\u0301)",
    ],
    ids=ascii,
)
def test_a_stack_of_marks_and_a_mark_without_a_letter_are_refused(text: str) -> None:
    """A mark stands on a letter."""
    assert fault(text)


@pytest.mark.parametrize(
    "text", ["a\u0335b", "a\u0336", "a\u20dd", "a\u20e3", "a\u0361b", "a\u0488"], ids=ascii
)
def test_a_mark_that_strikes_out_or_encloses_is_refused(text: str) -> None:
    """It would change what a text looks like."""
    assert fault(text)


@pytest.mark.parametrize(
    "text", ["Ｗｉｎ", "𝐖𝐢𝐧", "ⓦ", "㊙", "²", "ﷺ", "\ufb50", "✔ Signed", "\U0001f512", "⚠", "→", "█", "½", "Ⅳ"]
)  # fmt: skip
def test_signs_and_styled_letters_are_refused(text: str) -> None:
    """A text has no check mark, no lock, no arrow and no letters in a font."""
    assert fault(text)


@pytest.mark.parametrize("text", ["\u2e3b", "\U00012470", "\u169b", "\u2cfe"], ids=ascii)
def test_punctuation_of_old_scripts_is_refused(text: str) -> None:
    """Some of these signs are as wide as a word."""
    assert fault(text)


@pytest.mark.parametrize(
    "text",
    [
        string.punctuation,
        "O'Brien & Söhne",
        "O’Brien – “Support”, „IT“ «ici» …",
        "Müller-Lüdenscheidt (5 %, 3 €)",
        "¿Qué? ¡Sí! § 5",
        "null",
        "-",
        "「更新」、再起動。",
    ],
)
def test_awkward_but_legal_text_is_accepted(text: str) -> None:
    """Umlauts, quotes, apostrophes, dashes and all punctuation of ASCII."""
    assert fault(text) == ""


LIKE_SINGLE_QUOTES = "'`՚՛՝׳٬‘’‚‛′‵"
"""The punctuation that is allowed and looks like a single quotation mark (UTS 39, confusables.txt: like U+0027)."""


def test_no_pair_of_single_marks_ends_a_quotation() -> None:
    """Two signs that look like single quotation marks, equal or not, look like a double one: one of them stays."""
    for first in LIKE_SINGLE_QUOTES:
        assert fault(f"x{first} y") == ""
        for second in LIKE_SINGLE_QUOTES:
            shown = plain_text.quotable(f"x{first}{second} y")
            assert shown.strip("\u2068\u2069") == "x' y", (first, second)


@pytest.mark.parametrize(
    "text",
    [
        *("Updatesꞌꞌ Checked", "UpdatesꞋꞋ Checked", "Updatesꞌ' Checked", "Update ՙՙ Checked", "Обновленияꙿꙿ"),
        *("Updates\u0315\u0315 Checked", "Updates\u0312' Checked", "Updates\u030e Checked", "l\u031a\u031a"),
        *(
            "Updates\u0313 Checked",
            "Updates\u0314' Checked",
            "Updates\u0323\u0313",
            "Updates יי",
            "Updates ײ",
            "י",
        ),
    ],
    ids=ascii,
)
def test_no_part_of_a_word_looks_like_a_quotation_mark(text: str) -> None:
    """Letters and marks are not replaced in a quotation, so those that could end it are refused."""
    assert "quotation mark" in fault(text)


@pytest.mark.parametrize("text", ["k̓wa", "Ἀθῆναι ἡ ὁ", "ייִדיש", "ײדיש", "o\u0358 ", "Ő ű", "Ծառա՛յ"])
def test_letters_of_living_languages_with_such_marks_are_accepted(text: str) -> None:
    """A comma above inside of a word, Greek breathings, Yiddish, Taiwanese, double acutes, an Armenian emphasis."""
    assert fault(text.strip()) == ""


@pytest.mark.parametrize("text", [" a", "a ", "a  b", " "], ids=ascii)
def test_spaces_are_single_and_inside(text: str) -> None:
    """No text is indented, padded or blank."""
    assert "space" in fault(text)


def test_a_text_has_a_longest_length() -> None:
    """The message has both numbers."""
    assert fault("a b" * 40, 120) == ""
    assert fault("a b" * 40 + "c", 120) == "has 121 characters; 120 are allowed"


def test_a_word_ends_before_the_window_does() -> None:
    """A script without spaces may fill the line: Windows breaks it anywhere."""
    assert fault("W" * 50) == ""
    assert "without a space" in fault("W" * 51)
    assert fault("更" * 160) == ""
    assert fault("x-" * 40, 80) != ""


# --- the rule holds for every message ------------------------------------------------------------


TEXTS = {
    rq.SessionStart: {"session": 80, "reason": 160, "ticket": 80},
    Requester: {"name": 80, "organization": 80, "role": 80},
    rq.CredentialApply: {"session": 80, "step": 80, "message": 160},
    rq.Checkpoint: {"session": 80, "step": 80},
    cm.RequestDecline: {"why": 160},
}
"""Every text of a person, with its longest length."""
BAD = {"U+200B": "a\u200bb", "U+202E": "\u202eabc", "mixes": "pаypal", "space": "a  b"}


def fields_of(message: type) -> tuple[inspect.Field, ...]:
    """Return the fields of a message."""
    described = inspect.type_info(message)
    assert isinstance(described, inspect.StructType)
    return described.fields


def decode(message: type, field: str, text: str) -> object:
    """Decode a message with this text; return its field."""
    if message is Requester:
        body = {"verb": "session_start", "session": "x", "requester": {field: text}}
        return getattr(codec.decode_control(json.dumps(body).encode()).requester, field)  # type: ignore[union-attr]
    fixed = {"session": "x", "action": "restart", "request": "r", "step": "x"}
    names = [part.name for part in fields_of(message)]
    body = {key: value for key, value in fixed.items() if key in names}
    body |= {"verb": message.__struct_config__.tag, field: text}  # type: ignore[attr-defined]
    decoder = codec.decode_customer if issubclass(message, cm.CustomerRequest) else codec.decode_control
    return getattr(decoder(json.dumps(body).encode()), field)


CASES = [(message, field, longest) for message, fields in TEXTS.items() for field, longest in fields.items()]


@pytest.mark.parametrize(("message", "field", "longest"), CASES)
@pytest.mark.parametrize(("rule", "text"), BAD.items(), ids=BAD)
def test_a_refusal_names_the_field_and_the_rule(
    message: type, field: str, longest: int, rule: str, text: str
) -> None:
    """The error of the message says both."""
    with pytest.raises(codec.ProtocolError) as refused:
        decode(message, field, text)
    assert refused.value.view.code == "bad_message"
    assert f"`{field}`" in refused.value.view.message
    assert rule in refused.value.view.message
    assert "\u202e" not in refused.value.view.message


@pytest.mark.parametrize(("message", "field", "longest"), CASES)
def test_a_field_takes_its_longest_text_and_no_longer_one(message: type, field: str, longest: int) -> None:
    """Names have 80 characters, a reason, a message and an answer 160."""
    text = "ab " * 60
    assert decode(message, field, text[: longest - 1] + "c") == text[: longest - 1] + "c"
    with pytest.raises(codec.ProtocolError):
        decode(message, field, text[:longest] + "c")


@pytest.mark.parametrize(("message", "field", "longest"), CASES)
def test_a_text_is_composed_before_anybody_reads_or_compares_it(
    message: type, field: str, longest: int
) -> None:
    """Two spellings of an umlaut are one name."""
    assert decode(message, field, "Mu\u0308ller") == "M\u00fcller"


def test_every_text_of_an_operator_keeps_to_the_rule() -> None:
    """A new text field of a control request must be plain, an identifier, a moment or the name of an account.

    The parts of a command line may be any text: whoever shows it uses `plain_text.one_line`.
    """
    others = {get_args(kind)[1].pattern for kind in (Identifier, AccountName)}
    others |= {command_line.FULL_PATH, command_line.FULL_FOLDER}
    for request in get_args(rq.AnyControlRequest):
        for field in fields_of(request):
            kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
            texts = [kind for kind in kinds if isinstance(kind, inspect.StrType)]
            for kind in texts:
                assert kind.pattern in others or kind.max_length == get_args(Moment)[1].max_length, field.name


@pytest.mark.parametrize("key", ["name", "phone", "contact", "privacy_url"])
def test_the_organizations_lines_keep_to_the_rule(key: str) -> None:
    """The customer reads them in the same window; the error names the key and the rule."""
    with pytest.raises(SettingsError, match=rf"`{key}` has U\+202E"):
        from_object({"organization": {key: "Contoso\u202e"}})
    assert getattr(from_object({"organization": {key: "Mu\u0308ller"}}).organization, key) == "Müller"
    with pytest.raises(SettingsError):
        from_object({"organization": {key: "x" * 161}})
