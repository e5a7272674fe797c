# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings file: one TOML file, valid as a whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from latchkey_agent import plain_text
from latchkey_agent.domain import NOTHING_ALLOWED, Authorities, Policy
from latchkey_agent.storage import atomic_file, ssh_signature

_Name = Annotated[str, Meta(max_length=plain_text.LONGEST_NAME)]
_Phone = Annotated[str, Meta(max_length=40)]
_Line = Annotated[str, Meta(max_length=plain_text.LONGEST_LINE)]


class Organization(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The organisation that answers for the operators. The window shows it; no request can change it.

    Each line keeps to the rule for text that customers read (`plain_text`).
    """

    name: _Name = ""
    phone: _Phone = ""
    contact: _Line = ""
    privacy_url: _Line = ""

    def __post_init__(self) -> None:
        """Raise ValueError where a line breaks the rule; the message has the key and the rule."""
        for key, line in msgspec.structs.asdict(self).items():
            msgspec.structs.force_setattr(self, key, _plain(key, line))


def _plain(key: str, line: str) -> str:
    """Return a line of the settings, composed; raise ValueError where customers could not read it."""
    composed = plain_text.normalized(line)
    if broken := plain_text.fault(composed, plain_text.LONGEST_LINE, plain_text.LONGEST_LINE):
        msg = f"`{key}` {broken}"
        raise ValueError(msg)
    return composed


class Signing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys that issue operators' certificates. With a key in `authorities`, requests have to be signed.

    `epoch` grows with each change, so that an older settings file does not bring an older key back. A certificate must
    name `organization`, and one of `roles` as its role; without `roles` any role counts. The window shows both, so they
    keep to the rule for text that customers read (`plain_text`).
    """

    epoch: Annotated[int, Meta(ge=0, le=2**31)] = 0
    organization: _Name = ""
    authorities: Annotated[tuple[Annotated[str, Meta(max_length=1000)], ...], Meta(max_length=4)] = ()
    roles: Annotated[tuple[_Name, ...], Meta(max_length=20)] = ()

    def __post_init__(self) -> None:
        """Raise ValueError where a key or name cannot be used, or a part is missing; drop the keys' comments."""
        msgspec.structs.force_setattr(self, "organization", _plain("organization", self.organization))
        msgspec.structs.force_setattr(self, "roles", tuple(_plain("roles", role) for role in self.roles))
        lines = []
        for line in self.authorities:
            try:
                lines.append(ssh_signature.public_line(ssh_signature.public_key_of(line)))
            except ssh_signature.SignatureError as fault:
                msg = f"a line of `authorities` cannot be used: {fault}"
                raise ValueError(msg) from None
        if lines and not (self.epoch and self.organization):
            msg = "`authorities` need an `epoch` above 0 and the `organization` that certificates name"
            raise ValueError(msg)
        if (self.organization or self.roles) and not self.epoch:
            msg = "`organization` and `roles` in [signing] need an `epoch` above 0"
            raise ValueError(msg)
        msgspec.structs.force_setattr(self, "authorities", tuple(lines))

    @property
    def pinned(self) -> Authorities:
        """The keys as the journal notes them."""
        return Authorities(
            epoch=self.epoch, organization=self.organization, keys=self.authorities, roles=self.roles
        )


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of the settings file."""

    organization: Organization = Organization()
    policy: Policy = Policy()
    signing: Signing = Signing()


class SettingsError(Exception):
    """The file cannot be used; the text says which key or line is wrong."""


class SettingsFile:
    """Reads the file again whenever it has changed.

    A missing one means the defaults, until there has been one: then it means that somebody took it away.

    Attributes:
        was_set: whether there has been a file, as far as anybody knows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.was_set = False
        self._seen: tuple[int, int, int] | None = None
        self._read: Settings | str = Settings()

    def current(self) -> Settings:
        """Return the present settings of the file.

        Raises:
            SettingsError: it is not valid, or cannot be read, or was taken away.
        """
        try:
            stamp = self._stamp()
            self.was_set |= stamp is not None
            if self.was_set and stamp is None:
                msg = f"{self._path.name} is missing, although settings were set: set them again"
                raise SettingsError(msg)
            if stamp != self._seen:
                self._read = self._load() if stamp else Settings()
                self._seen = stamp
        except OSError as fault:
            raise SettingsError(f"{self._path.name} cannot be read ({fault.strerror})") from None
        # Kept as text: an exception that is raised again and again keeps all its tracebacks.
        if isinstance(self._read, str):
            raise SettingsError(self._read)
        return self._read

    def policy_or_nothing(self) -> Policy:
        """Return the policy; with a wrong file one that only allows revoking."""
        return self._current_or(Settings(policy=NOTHING_ALLOWED)).policy

    def receipt_days(self) -> int:
        """Return the days for which receipts are kept; the default while the file is wrong."""
        return self._current_or(Settings()).policy.receipt_days

    def organization(self) -> Organization:
        """Return the organisation; an empty one if the file is wrong."""
        return self._current_or(Settings()).organization

    def _current_or(self, instead: Settings) -> Settings:
        try:
            return self.current()
        except SettingsError:
            return instead

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _load(self) -> Settings | str:
        try:
            return parse(self._path.read_bytes())
        except SettingsError as fault:
            return str(fault)


def parse(content: bytes) -> Settings:
    """Return the settings in a TOML text.

    Raises:
        SettingsError: not TOML, an unknown key, or a value out of its bounds.
    """
    try:
        return msgspec.toml.decode(content, type=Settings)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(str(fault).rstrip(".")) from None


def from_object(value: dict[str, Any]) -> Settings:
    """Return the settings in an object that has the file's shape.

    Raises:
        SettingsError: an unknown key, or a value out of its bounds.
    """
    try:
        return msgspec.convert(value, Settings)
    except msgspec.ValidationError as fault:
        raise SettingsError(str(fault).rstrip(".")) from None


def older_keys(known: Authorities, wanted: Authorities) -> str:
    """Return the reason why authorities may not be pinned: their epoch does not grow. Empty if they may.

    Args:
        known: those that were pinned last.
        wanted: those that the settings would pin.
    """
    if wanted == known or wanted.epoch > known.epoch:
        return ""
    if wanted.epoch == known.epoch:
        return f"[signing] differs from what was pinned before, under the same epoch {known.epoch}"
    return f"[signing] has the epoch {wanted.epoch}, and epoch {known.epoch} was pinned before"


def require_newer_keys(file: Path, wanted: Settings) -> None:
    """Refuse settings that the agent would refuse after the present ones, for the epoch of their keys.

    Raises:
        SettingsError: other keys under the same epoch, or a lower one.
        OSError: the file cannot be read.
    """
    try:
        known = parse(file.read_bytes()).signing.pinned
    except (FileNotFoundError, SettingsError):
        return
    if problem := older_keys(known, wanted.signing.pinned):
        raise SettingsError(problem)


def is_in_place(file: Path, wanted: Settings) -> bool:
    """Tell whether a file holds exactly these settings; a missing or wrong file does not.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return parse(file.read_bytes()) == wanted
    except (FileNotFoundError, SettingsError):
        return False


def put(file: Path, wanted: Settings) -> None:
    """Replace a settings file atomically: after a crash it holds the old settings or the new ones.

    Raises:
        OSError: it could not be written; the old one stays.
    """
    atomic_file.replace(file, rendered(wanted))


def rendered(wanted: Settings) -> bytes:
    """Return settings as TOML, every key with its value."""
    lines: list[str] = []
    for table, values in msgspec.to_builtins(wanted).items():
        lines += [f"[{table}]", *(f"{name} = {_literal(value)}" for name, value in values.items()), ""]
    return "\n".join(lines).encode()


def _literal(value: str | float | bool | list[str]) -> str:  # noqa: FBT001 - TOML has them all
    # A JSON string without control characters is a TOML string ("Basic strings", TOML 1.0), and so is a list of them.
    return json.dumps(value, ensure_ascii=False)
