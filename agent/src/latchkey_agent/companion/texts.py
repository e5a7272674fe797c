# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads every text that a customer reads: one gettext catalogue for each language.

Code looks a text up by its name, which is the msgid; English is a language
like any other. All catalogues have the same names. Placeholders in braces take
values from the request. Catalogues contain no code. `tools/generate.py`
compiles them.
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
        """Return a text.

        Raises:
            KeyError: the catalogue has no text of that name.
        """
        text = self.get(name)
        if text is None:
            raise KeyError(name)
        return text

    def get(self, name: str) -> str | None:
        """Return a text; None if the catalogue has no text of that name."""
        text = self._catalogue.gettext(name)
        return None if text == name else text

    def count(self, name: str, number: int) -> str:
        """Return the plural form of a text for a number.

        Raises:
            KeyError: the catalogue has no text of that name.
        """
        text = self._catalogue.ngettext(name, name, number)
        if text == name:
            raise KeyError(name)
        return text


def catalogue(language: str) -> Texts:
    """Return the texts of a language.

    Raises:
        OSError: there is no catalogue for that language.
    """
    # The agent is installed in an archive, so the catalogue has no file name.
    content = pkgutil.get_data(PACKAGE, PLACE.format(language)) or b""
    return Texts(gettext.GNUTranslations(io.BytesIO(content)))


LANGUAGES: dict[str, Texts] = {language: catalogue(language) for language in ("en", "de")}
ENGLISH, GERMAN = LANGUAGES["en"], LANGUAGES["de"]
