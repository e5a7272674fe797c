# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The test `latchkey.consent.valid_receipt`; valid_receipt.yml documents it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ansible.errors import AnsibleError
from ansible.utils.display import Display
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import AnswerError, read
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import Failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._known_pcs import read_existing
from ansible_collections.latchkey.consent.plugins.plugin_utils._plain_data import plain_data
from ansible_collections.latchkey.consent.plugins.plugin_utils._receipt_verdict import checked

if TYPE_CHECKING:
    from collections.abc import Callable


def valid_receipt(receipt: object, known_pcs: str = "", pc: str = "", session: str | None = None) -> bool:
    """Tell whether a PC's key in `known_pcs` signed a receipt, and the receipt was not changed since.

    Raises:
        AnsibleError: an argument is missing, the value is no receipt, or `known_pcs` or this controller cannot tell.
    """
    if not known_pcs or not pc:
        raise AnsibleError("The test latchkey.consent.valid_receipt needs known_pcs and pc.")
    try:
        read_receipt = read(ans.ReceiptView, {"text": "", **_parts(plain_data(receipt))})
        path = Path(str(known_pcs)).expanduser()
        verdict = checked(read_receipt, session and str(session), read_existing(path), str(pc))
    except AnswerError as fault:
        raise AnsibleError(f"The test latchkey.consent.valid_receipt needs a receipt: {fault}.") from None
    except Failure as fault:
        raise AnsibleError(f"{fault} {fault.error.hint}") from None
    if verdict.check == "unchecked":
        raise AnsibleError(f"The receipt cannot be checked: {verdict.reason}.")
    if verdict.reason:
        Display().vv(f"Receipt {read_receipt.request} of {pc} is not valid: {verdict.reason}.")
    return verdict.check == "known"


def _parts(receipt: object) -> dict[str, object]:
    if isinstance(receipt, dict):
        return receipt
    raise AnswerError("it is no dictionary")


class TestModule:
    """The tests of this file, as ansible-core reads them."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return the tests by their names."""
        return {"valid_receipt": valid_receipt}
