# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client certificates: TLS 1.3 and 1.2, the mapping to an account, and each refusal."""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from lab.wsman import client_certificates, tls
from lab.wsman.certificate_mapping import CertificateMapping
from lab.wsman.client_certificates import MUTUAL
from lab.wsman.tlsfiles import TlsFiles
from tests.integration.wsman_fixtures import PRINCIPAL, USER, Reached, WsmanLab, canonical, showing
from tests.waiting import eventually

BY_CERTIFICATE = ("winrm-certificate", "psrp-certificate")
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The newest version of TLS that the server speaks."""
    chosen = str(request.param)
    make = tls.server_context

    def server_context(files: TlsFiles) -> ssl.SSLContext:
        context = make(files)
        context.maximum_version = VERSIONS[chosen]
        return context

    monkeypatch.setattr(tls, "server_context", server_context)
    return chosen


def folder(parent: Path, name: str) -> Path:
    """Return a new folder."""
    made = parent / name
    made.mkdir()
    return made


def authority(reached: Reached) -> TlsFiles:
    """Return the server's certificate and key, which sign the clients' certificates."""
    assert reached.lab.config.tls is not None
    return reached.lab.config.tls


def fails(reached: Reached, shown: TlsFiles) -> str:
    """Connect with another certificate; return the error's text."""
    other = reached.with_options(showing(reached.kind.plugin, shown)).connection()
    with pytest.raises(AnsibleConnectionFailure) as error:
        other.exec_command(canonical("'x'"))
    return str(error.value)


def refusals(reached: Reached) -> list[int]:
    """Return the status of each refused logon."""
    return [entry.status for entry in reached.lab.requests() if entry.rejected]


@pytest.mark.parametrize("name", BY_CERTIFICATE)
def test_wsman_certificate_connects_with_every_tls(
    wsman_reach: Callable[..., Reached], version: str, name: str
) -> None:
    """A mapped certificate connects, and no request is refused on the way."""
    reached = wsman_reach(name)
    connection = reached.connection()
    assert connection.exec_command(canonical("'x'"))[0] == 0
    connection.close()
    assert {entry.status for entry in reached.lab.requests()} == {200}


@pytest.mark.parametrize("name", BY_CERTIFICATE)
def test_wsman_unmapped_certificate_is_refused(
    wsman_reach: Callable[..., Reached], tmp_path: Path, name: str
) -> None:
    """A certificate of a trusted issuer for a name without an account is answered with 401, as on Windows."""
    reached = wsman_reach(name)
    shown = tls.make_client_certificate(folder(tmp_path, "x"), "nobody@localhost", authority(reached))
    assert "credentials were rejected" in fails(reached, shown) or name.startswith("psrp")
    assert refusals(reached) == [401]


@pytest.mark.parametrize("name", BY_CERTIFICATE)
def test_wsman_expired_certificate_is_refused_by_tls(
    wsman_reach: Callable[..., Reached], tmp_path: Path, version: str, name: str
) -> None:
    """An expired certificate ends the connection with TLS's alert, and no request is answered."""
    reached = wsman_reach(name)
    shown = tls.make_client_certificate(
        folder(tmp_path, "x"), PRINCIPAL, authority(reached), dt.timedelta(days=-1)
    )
    assert "SSLV3_ALERT_CERTIFICATE_EXPIRED" in fails(reached, shown)
    eventually(lambda: refusals(reached) == [0], "the refusal in the log")


@pytest.mark.parametrize("name", BY_CERTIFICATE)
def test_wsman_certificate_of_an_unknown_issuer_is_refused_by_tls(
    wsman_reach: Callable[..., Reached], tmp_path: Path, version: str, name: str
) -> None:
    """A certificate for the right name of an issuer that the PC does not trust ends the connection."""
    reached = wsman_reach(name)
    stranger = tls.make_certificate(folder(tmp_path, "stranger"), "127.0.0.2")
    shown = tls.make_client_certificate(folder(tmp_path, "x"), PRINCIPAL, stranger)
    assert "TLSV1_ALERT_UNKNOWN_CA" in fails(reached, shown)
    eventually(lambda: refusals(reached) == [0], "the refusal in the log")


def test_wsman_mapping_names_its_issuer(wsman_start: Callable[..., WsmanLab], tmp_path: Path) -> None:
    """A name that one issuer's mapping gives to an account gives nothing to another trusted issuer's certificate."""
    own = tls.make_certificate(folder(tmp_path, "own"))
    other = tls.make_certificate(folder(tmp_path, "other"), "127.0.0.2")
    mappings = (
        CertificateMapping(own.certificate, PRINCIPAL, USER),
        CertificateMapping(other.certificate, "somebody@localhost", USER),
    )
    lab = wsman_start(tls=own, certificates=mappings)
    shown = {
        name: tls.make_client_certificate(folder(tmp_path, f"client {name}"), principal, issuer)
        for name, principal, issuer in (
            ("right", PRINCIPAL.upper(), own),
            ("other", "somebody@localhost", other),
            ("crossed", PRINCIPAL, other),
        )
    }
    assert {name: ask(lab, own, client=one) for name, one in shown.items()} == {
        "right": 200,
        "other": 200,
        "crossed": 401,
    }


def ask(lab: WsmanLab, server: TlsFiles, authorization: str = MUTUAL, **settings: Any) -> int:
    """Send one empty request over TLS; return its status."""
    context = ssl.create_default_context(cafile=server.certificate)
    context.maximum_version = settings.get("newest", ssl.TLSVersion.TLSv1_3)
    context.post_handshake_auth = settings.get("may_ask_later", True)
    if (shown := settings.get("client")) is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    client = http.client.HTTPSConnection("127.0.0.1", lab.port, timeout=10, context=context)
    try:
        client.request("POST", "/wsman", b"", {"Authorization": authorization})
        response = client.getresponse()
        response.read()
        return response.status
    finally:
        client.close()


@pytest.fixture
def secure_lab(wsman_start: Callable[..., WsmanLab], tmp_path: Path) -> tuple[WsmanLab, TlsFiles]:
    """A server with TLS and a mapped certificate, and its own certificate."""
    files = tls.make_certificate(tmp_path)
    return wsman_start(
        tls=files, certificates=(CertificateMapping(files.certificate, PRINCIPAL, USER),)
    ), files


@pytest.mark.parametrize("newest", VERSIONS.values(), ids=VERSIONS)
def test_wsman_other_schemes_need_no_certificate(
    secure_lab: tuple[WsmanLab, TlsFiles], newest: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client without a certificate connects with its password; asking for the mapping gives it nothing."""
    monkeypatch.setattr(client_certificates, "ANSWER_SECONDS", 0.5)
    lab, files = secure_lab
    basic = "Basic " + base64.b64encode(f"{USER}:{lab.password}".encode()).decode()
    assert ask(lab, files, basic, newest=newest) == 200
    assert ask(lab, files, newest=newest) == 401


def test_wsman_certificate_is_asked_for_after_the_handshake(
    secure_lab: tuple[WsmanLab, TlsFiles], tmp_path: Path
) -> None:
    """A TLS 1.3 client that cannot be asked later loses its connection, as on Windows; with TLS 1.2 it connects."""
    lab, files = secure_lab
    client = tls.make_client_certificate(tmp_path, PRINCIPAL, files)
    with pytest.raises(ConnectionError):
        ask(lab, files, client=client, may_ask_later=False)
    assert ask(lab, files, client=client, may_ask_later=False, newest=ssl.TLSVersion.TLSv1_2) == 200


def test_wsman_certificates_are_off_by_default(wsman_start: Callable[..., WsmanLab], tmp_path: Path) -> None:
    """Without a mapping the scheme does not exist, as on Windows as it comes."""
    files = tls.make_certificate(tmp_path)
    client = tls.make_client_certificate(tmp_path, PRINCIPAL, files)
    assert ask(wsman_start(tls=files), files, client=client) == 401
