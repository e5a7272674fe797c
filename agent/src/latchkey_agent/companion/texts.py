# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that a customer reads: one gettext catalogue a language, the same names in each.

A text is asked for by its name, which is the catalogue's msgid, so English is
a language like any other. Places in braces are filled with values from the
request; nothing in a catalogue is code. `tools/generate.py` compiles them.
"""

from __future__ import annotations

import gettext
import io
import pkgutil

PACKAGE, PLACE = "latchkey_agent", "locales/{}/LC_MESSAGES/companion.mo"


class Texts:
    """The texts of one language."""

    def __init__(self, catalogue: gettext.NullTranslations) -> None:
        self._catalogue = catalogue

    def __getitem__(self, name: str) -> str:
        """Return a text; raises KeyError where the catalogue has none of that name."""
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str) -> str | None:
        """Return a text, None where the catalogue has none of that name."""
        found = self._catalogue.gettext(name)
        return None if found == name else found

    def count(self, name: str, number: int) -> str:
        """Return the form of a text that goes with a number, as the language's plural rule says.

        Raises:
            KeyError: the catalogue has no such text.
        """
        found = self._catalogue.ngettext(name, name, number)
        if found == name:
            raise KeyError(name)
        return found


def catalogue(language: str) -> Texts:
    """Return a language's texts.

    Raises:
        OSError: we have none in that language.
    """
    # What the agent is installed in is an archive: there is no file to name.
    content = pkgutil.get_data(PACKAGE, PLACE.format(language)) or b""
    return Texts(gettext.GNUTranslations(io.BytesIO(content)))


LANGUAGES: dict[str, Texts] = {language: catalogue(language) for language in ("en", "de")}
ENGLISH, GERMAN = LANGUAGES["en"], LANGUAGES["de"]
