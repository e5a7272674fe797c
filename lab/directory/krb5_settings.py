# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the configuration with which MIT Kerberos finds the lab's domain controller (krb5.conf(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "127.0.0.1"
REALM = "LAB.TEST"
DOMAIN = REALM.lower()
TCP_ONLY = 1
"""Bytes above which a request goes over TCP first. Over UDP the library repeats a request that is not answered within
a second, and the controller would count one wrong password twice."""


class Lookup(NamedTuple):
    """How a client finds its domain controller.

    Attributes:
        port: the port of its Kerberos service on loopback.
        corrects_clock: whether the client calculates with the controller's time instead of its own, as the library
            does unless `kdc_timesync` is 0.
        allowed_skew: seconds by which two clocks may differ; the default of Windows and of MIT Kerberos is 300.
    """

    port: int
    corrects_clock: bool = True
    allowed_skew: int = 300


def write_settings(path: Path, lookup: Lookup) -> Path:
    """Write a krb5.conf; return its path. No name is looked up in DNS, so that nothing leaves this machine."""
    lines = (
        "[libdefaults]",
        f"\tdefault_realm = {REALM}",
        "\tdns_lookup_kdc = false",
        "\tdns_lookup_realm = false",
        "\tdns_canonicalize_hostname = false",
        "\trdns = false",
        f"\tudp_preference_limit = {TCP_ONLY}",
        f"\tclockskew = {lookup.allowed_skew}",
        f"\tkdc_timesync = {int(lookup.corrects_clock)}",
        "[realms]",
        f"\t{REALM} = {{",
        f"\t\tkdc = {ADDRESS}:{lookup.port}",
        "\t}",
        "[domain_realm]",
        f"\t.{DOMAIN} = {REALM}",
        f"\t{DOMAIN} = {REALM}",
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
