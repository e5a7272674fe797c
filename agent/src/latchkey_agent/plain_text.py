# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule for text of operators that customers read: one plain line that looks like what it is. Pure.

The rule allows what it names and refuses the rest. One word keeps to the level "highly restrictive" of UTS 39
("Unicode Security Mechanisms", section 5.2), in the scripts of UAX 31, table 5.

The script of a letter is the beginning of its name in Unicode. No name ever changes ("Unicode Character Encoding
Stability Policies"), so this needs no table of code points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import groupby

LONGEST_NAME = 80
"""The most characters of a name: of a session, a person, an organisation, a role, a ticket."""
LONGEST_LINE = 160
"""The most characters of a line: a reason, a message."""
MOST_MARKS = 2
"""The most combining marks on one letter."""
LONGEST_WORD = 50
"""The most characters without a place for a line break: a window cuts off a longer word."""

_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo"})
_MARKS = frozenset({"Mn", "Mc"})
_DIGITS = frozenset({"Nd"})
_OF_WORDS = _LETTERS | _MARKS | _DIGITS
_PUNCTUATION = frozenset({"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"})
_CURRENCY = "Sc"
_ASCII_SYMBOLS = frozenset("+<=>^`|~")
_PUNCTUATION_RANGES = ((0x21, 0xFF), (0x2010, 0x2027), (0x2030, 0x205E), (0x3001, 0x301F), (0x30FB, 0x30FB))
"""Basic Latin, Latin-1, General Punctuation, CJK Symbols and Punctuation, the Katakana middle dot."""

_SCRIPTS = {
    **{
        name.upper(): name
        for name in (
            *(
                "Arabic",
                "Armenian",
                "Bengali",
                "Bopomofo",
                "Cyrillic",
                "Devanagari",
                "Ethiopic",
                "Georgian",
                "Greek",
            ),
            *("Gujarati", "Gurmukhi", "Hebrew", "Hiragana", "Kannada", "Katakana", "Khmer", "Lao", "Latin"),
            *("Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thaana", "Thai", "Tibetan"),
        )
    },
    "CJK UNIFIED IDEOGRAPH": "Han",
    "IDEOGRAPHIC ITERATION MARK": "Han",
    "EXTENDED ARABIC": "Arabic",
    # Only modern Korean: single jamo are obsolete, and the fillers among them are invisible.
    "HANGUL SYLLABLE": "Hangul",
    "HANGUL LETTER": "Hangul",
}
"""The beginnings of the names of letters, marks and digits, each with its script."""
_BEGINNING = re.compile(rf"({'|'.join(_SCRIPTS)})\b")
_COMMON = "Common"
"""The script of signs that belong to every script."""
_COMMON_SIGNS = frozenset("0123456789\u30fc")
"""The digits, and the Japanese sound mark."""
_ACCENTS = range(0x300, 0x363)
"""Combining Diacritical Marks, without the letters among them."""
_ABOVE_OR_BELOW = frozenset({202, 216, 220, 230, 232, 240})
"""Canonical_Combining_Class (UAX 44, table 15) of an accent that leaves its letter legible."""
_INVISIBLE_VOWELS = frozenset("\u17b4\u17b5")
"""The only other marks here with Default_Ignorable_Code_Point: inherent vowels of Khmer."""
_TOGETHER = (
    frozenset({"Latin", "Han", "Hiragana", "Katakana"}),
    frozenset({"Latin", "Han", "Bopomofo"}),
    frozenset({"Latin", "Han", "Hangul"}),
)
"""The scripts that one word may mix (UTS 39, section 5.2)."""
_ACTIVE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset({"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
"""Values of Bidi_Class (UAX 44, table 13)."""
_UNSPACED = frozenset({"Han", "Hiragana", "Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"})
"""Scripts in whose lines Windows finds places for a break without spaces."""
_LIKE_QUOTES = frozenset(
    # Letters that look like apostrophes: a half ring, a payerok, two saltillos.
    "\u0559\ua67f\ua78b\ua78c"
    # Marks above a letter: two lines; a turned comma; a comma at its right; an angle at its right.
    "\u030e\u0312\u0315\u031a"
)
"""Parts of words that look like quotation marks; no text has them."""
_COMMAS_ABOVE = frozenset("\u0313\u0314")
"""Marks of Greek and other letters. On the last letter of a word they look like an apostrophe behind it."""
_YODS = frozenset("\u05d9\u05f2")
"""Hebrew letters; a word of these alone looks like quotation marks."""
_DOUBLE_QUOTES = dict.fromkeys(
    map(
        ord,
        '"\u00ab\u00bb\u05f4\u201c\u201d\u201e\u201f\u2033\u2034\u2036\u2037\u2039\u203a\u2057\u3003\u301d\u301e\u301f',
    ),
    "'",
)
"""Double quotation marks, and the primes and the ditto mark that look like them."""
_TWO_SINGLE_QUOTES = re.compile("['`\u055a\u055b\u055d\u05f3\u066c\u2018\u2019\u201a\u201b\u2032\u2035]{2,}")
"""Single quotation marks in a row, or signs that look like them (UTS 39, confusables.txt; accents of Armenian)."""


def normalized(text: str) -> str:
    """Return the text in Unicode's composed form (NFC), which looks the same."""
    return unicodedata.normalize("NFC", text)


def fault(text: str, longest: int, longest_word: int = LONGEST_WORD) -> str:
    """Return the rule that a text breaks, as a clause without its subject; empty for plain text.

    Args:
        text: a text in NFC.
        longest: the most characters that it may have.
        longest_word: the most characters without a place for a line break.
    """
    if len(text) > longest:
        return f"has {len(text)} characters; {longest} are allowed"
    for character in text:
        if character in _LIKE_QUOTES:
            return f"has {_named(character)}, which looks like a quotation mark"
        if character != " " and not _is_allowed(character):
            return f"has {_named(character)}: only letters, digits, punctuation and spaces are allowed"
    if text != " ".join(text.split()):
        return "begins or ends with a space, or has two spaces in a row"
    if any(len(run) > longest_word for run in _runs(text, lambda one: not _is_break(one))):
        return f"has more than {longest_word} characters without a space"
    words = _runs(text, lambda one: unicodedata.category(one) in _OF_WORDS)
    return next((broken for word in words if (broken := _fault_of_word(word))), "")


def quotable(text: str) -> str:
    """Return a text to put between double quotation marks, which it cannot end, isolated from the text around it.

    Its own double quotation marks become single ones.
    """
    return isolated(_TWO_SINGLE_QUOTES.sub("'", text.translate(_DOUBLE_QUOTES)))


SHOWN_LINE = 300
"""The most characters of a command line in a notice and in a receipt's text; the receipt's document has all of them."""


def one_line(text: str, longest: int) -> str:
    """Return any text as one line to show: each character without a shape becomes U+FFFD, and the rest is cut.

    A command line may hold line breaks, control characters and marks that turn the text around them.

    Args:
        text: the text.
        longest: the most characters that are kept; a cut text ends with an ellipsis.
    """
    kept = text if len(text) <= longest else f"{text[:longest]}\u2026"
    return "".join("\ufffd" if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" else c for c in kept)


def spelled_out(text: str) -> str:
    """Return a text with the number of each character that could change the text around it on a terminal.

    The number stands as in Python: ESC becomes a backslash, `u` and `001b`.

    These are control characters, surrogates, ends of lines, and characters that turn the text after them: the
    categories Cc, Cs, Zl and Zp (UAX 44, table 12) and the explicit formatting characters of bidirectional text
    (UAX 9, table 4).
    """
    if text.isprintable():
        return text
    return "".join(f"\\u{ord(one):04x}" if _is_active(one) else one for one in text)


def _is_active(one: str) -> bool:
    return unicodedata.category(one) in _ACTIVE or unicodedata.bidirectional(one) in _TURNING


def isolated(text: str) -> str:
    """Return a text that does not turn the text around it, which runs from left to right.

    Letters from right to left stand in an isolate (FSI and PDI; UAX 9, section 2.4). Other text needs none, and a
    font may lack the marks.
    """
    turns = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)
    return f"\u2068{text}\u2069" if turns else text


def _is_allowed(character: str) -> bool:
    category = unicodedata.category(character)
    if category in _OF_WORDS:
        return bool(_script(character)) and not _is_styled(character)
    if category in _PUNCTUATION:
        return (_in_ranges(character) or bool(_script(character))) and not _is_styled(character)
    return character in _ASCII_SYMBOLS or (category == _CURRENCY and not _is_styled(character))


def _is_styled(character: str) -> bool:
    """Tell whether this is another character in another style: wide, raised, in a circle, in a font."""
    form, _, _ = unicodedata.decomposition(character).partition(" ")
    return form.startswith("<") and form != "<compat>"


def _in_ranges(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _PUNCTUATION_RANGES)


def _script(character: str) -> str:
    """Return the script of a character; empty if it belongs to no script that is allowed."""
    if character in _COMMON_SIGNS:
        return _COMMON
    if ord(character) in _ACCENTS:
        return _COMMON if unicodedata.combining(character) in _ABOVE_OR_BELOW else ""
    found = _BEGINNING.match(unicodedata.name(character, ""))
    return _SCRIPTS[found[1]] if found and character not in _INVISIBLE_VOWELS else ""


def _is_break(character: str) -> bool:
    """Tell whether a line may end beside this character; scripts without spaces have such places everywhere."""
    return character == " " or _script(character) in _UNSPACED


def _runs(text: str, belongs: Callable[[str], bool]) -> Iterator[str]:
    """Yield the longest parts of a text whose every character belongs to them."""
    return ("".join(characters) for inside, characters in groupby(text, key=belongs) if inside)


def _fault_of_word(word: str) -> str:
    marks = MOST_MARKS
    for character in word:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0 if category in _LETTERS else MOST_MARKS
        if marks > MOST_MARKS:
            return f"has {_named(character)} where no letter is, or more than {MOST_MARKS} such marks on one letter"
    if word[-1] in _COMMAS_ABOVE or _YODS.issuperset(word):
        return f"has a word that ends like a quotation mark, with {_named(word[-1])}"
    scripts = {_script(character) for character in word} - {_COMMON}
    if len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER):
        return f"mixes the scripts {' and '.join(sorted(scripts))} in one word"
    return ""


def _named(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '(a character without a name)')}"
