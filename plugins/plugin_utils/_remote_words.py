# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The PC's own words: standard error of a command as one short sentence for the operator.

PowerShell says there why it ran no program: an antivirus program blocked the script (AMSI), the language
mode forbids a call, a program is missing. The words are in the language of Windows and are only shown, never
interpreted.
"""

from __future__ import annotations

import html
import re

from ._terminal_text import plain

LONGEST = 400
"""Most characters of the words."""

_READ = 65_536
"""Most bytes of standard error that are read."""

_SAME = 20
"""So many characters of a request in a row, blanks aside, count as a repetition of it."""

# PowerShell started with -EncodedCommand writes its streams as XML (CLIXML, [MS-PSRP] 2.2.5). Ansible decodes
# it in some releases and connections, and only if it is whole.
_MARK = re.compile(r"#< CLIXML\s*")
_DOCUMENT = re.compile(r"<Objs\b.*?(?:</Objs>|\Z)", re.DOTALL)
_SAID = re.compile(r'<S S="Error">(.*?)(?:</S>|\Z)', re.DOTALL)
_ENCODED = re.compile("_x([0-9A-Fa-f]{4})_")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# PowerShell's error view quotes the script and the error's class in lines with a plus sign. The error's id
# alone is worth its place: it is the same in every language.
_QUOTED = "+"
_ID = re.compile(r"\+ FullyQualifiedErrorId : ([^\s,]+)")


def words(error: bytes, request: bytes = b"") -> str:
    """Return what the PC said on standard error, on one line and without the full stop; empty if it said nothing.

    Args:
        error: standard error of a command.
        request: the command's input, of which no part is shown.
    """
    text = _MARK.sub("", error[:_READ].decode("utf-8", "replace"))
    text = _COLOUR.sub("", _DOCUMENT.sub(lambda found: _decoded(found[0]), text))
    said = " ".join(" ".join(_sentences(text)).split())
    short = said if len(said) <= LONGEST else f"{said[:LONGEST]} ..."
    if _repeats(short, request.decode("utf-8", "replace")):
        return "it repeats the request, which is not shown"
    return plain(short).rstrip(". ")


def _decoded(document: str) -> str:
    """Return the texts of the error stream, without those of progress and warnings."""
    return "".join(map(_unescaped, _SAID.findall(document))) + "\n"


def _unescaped(text: str) -> str:
    units = _ENCODED.sub(lambda found: chr(int(found[1], 16)), html.unescape(text))
    # A character beyond the first plane was written as two units of UTF-16.
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _sentences(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in map(_shown, lines) if line]


def _shown(line: str) -> str:
    if not line.startswith(_QUOTED):
        return line
    found = _ID.match(line)
    return f"({found[1]})" if found else ""


def _repeats(said: str, request: str) -> bool:
    """Tell whether a part of the request is repeated; PowerShell breaks long lines anywhere."""
    dense, asked = "".join(said.split()), "".join(request.split())
    return any(asked[start : start + _SAME] in dense for start in range(len(asked) - _SAME + 1))
