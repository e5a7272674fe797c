# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key with which a listener decrypts Kerberos tokens: the password of the computer's account, as a keytab.

MIT Kerberos finds keytab, configuration and replay cache by environment variables of the process ("MIT Kerberos
environment variables" in its documentation), which are set only while a token is checked.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VARIABLES = threading.Lock()


@dataclass(frozen=True)
class ServiceKey:
    """A keytab with the computer's services, and the krb5.conf of its domain.

    The cache of the tokens that were seen is a file beside the keytab: a token is accepted once.
    """

    keytab: Path
    settings: Path

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Show this key to MIT Kerberos, only within this thread's block."""
        wanted = {
            "KRB5_KTNAME": f"FILE:{self.keytab}",
            "KRB5_CONFIG": str(self.settings),
            "KRB5RCACHENAME": f"file2:{self.keytab}.seen",
        }
        with _VARIABLES:
            before = {name: os.environ.get(name) for name in wanted}
            os.environ.update(wanted)
            try:
                yield
            finally:
                for name, value in before.items():
                    if value is None:
                        del os.environ[name]
                    else:
                        os.environ[name] = value
