# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts of client certificates; a module of its own, so that importing it loads no TLS library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class CertificateMapping:
    """An entry of Windows' winrm/config/service/certmapping.

    `issuer`: the PEM file of the certificate that has signed the client's; Windows stores its thumbprint, and trusts it
    as an authority. `subject`: the user principal name in the client's certificate. `user`: the local account.
    """

    issuer: Path
    subject: str
    user: str
