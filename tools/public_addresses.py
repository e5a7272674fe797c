# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set the project's public addresses: `make addresses REPOSITORY=https://... DOCUMENTATION=https://...`.

galaxy.yml is their place. Ansible Galaxy shows them from there, and the README repeats some in its link definitions.
Until Latchkey is published they have a reserved name (RFC 2606), which leads nowhere.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parent.parent
KEYS = ("repository", "documentation", "homepage", "issues")
RESERVED = ".example"
SITE = re.compile(
    r"\]\((?!https?://|#)([^)\s#]+)(#[^)\s]+)?\)|^(\[[^\]]+\]): (?!https?://)(\S+)$", re.MULTILINE
)
PICTURES = (".png", ".webm", ".gif", ".svg")


class AddressError(Exception):
    """An address cannot be used; the text has the reason and the remedy."""


def read(root: Path = ROOT) -> dict[str, str]:
    """Return the addresses in galaxy.yml by their keys."""
    galaxy = yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))
    return {key: galaxy[key] for key in KEYS}


def are_reserved(addresses: dict[str, str]) -> bool:
    """Tell whether an address still has the reserved name."""
    return any((urlsplit(address).hostname or "").endswith(RESERVED) for address in addresses.values())


def check(key: str, address: str) -> None:
    """Refuse an address that readers could not open.

    Raises:
        AddressError: it is no plain https address with a host.
    """
    parts = urlsplit(address)
    plain = parts.scheme == "https" and parts.hostname and not parts.username
    if not plain or parts.query or parts.fragment or not re.fullmatch(r"[\x21-\x7e]+", address):
        msg = (
            f"{key} is {address!r}. Give an address such as https://HOST/PATH, without user, query and spaces"
        )
        raise AddressError(msg)


def write(addresses: dict[str, str], root: Path = ROOT) -> None:
    """Set the addresses in galaxy.yml and in the README's link definitions.

    Args:
        addresses: an address for each key of `KEYS`, without a slash at its end.
        root: the checkout.

    Raises:
        AddressError: an address cannot be used, or galaxy.yml has no line for it. No file is changed.
    """
    galaxy, readme = root / "galaxy.yml", root / "README.md"
    text, shown = galaxy.read_text(encoding="utf-8"), readme.read_text(encoding="utf-8")
    for key in KEYS:
        check(key, addresses[key])
        text, count = re.subn(rf"^{key}: \S+$", f"{key}: {addresses[key]}", text, flags=re.MULTILINE)
        if count != 1:
            msg = f"galaxy.yml has {count} lines for {key}. Leave exactly one"
            raise AddressError(msg)
        shown = re.sub(rf"^\[{key}\]: \S+$", f"[{key}]: {addresses[key]}", shown, flags=re.MULTILINE)
    galaxy.write_text(text, encoding="utf-8")
    readme.write_text(shown, encoding="utf-8")


def with_full_links(readme: str, documentation: str) -> str:
    """Return the README with each relative link led to the documentation site.

    Certification asks for full addresses, since the README is shown where its neighbours are not.

    Args:
        readme: the text.
        documentation: the address of the site of `make docs`, which has the repository's layout.
    """

    def lead(match: re.Match[str]) -> str:
        inline, anchor, name, target = match.groups(default="")
        address = f"{documentation}/{on_site(inline or target)}"
        return f"]({address}{anchor})" if inline else f"{name}: {address}"

    return SITE.sub(lead, readme)


def on_site(path: str) -> str:
    """Return the place of a page or a picture on the documentation site."""
    if path.endswith(PICTURES):
        return f"_images/{path.rpartition('/')[2]}"
    return re.sub(r"\.(md|rst)$", ".html", path)


def main(root: Path = ROOT) -> int:
    """Set the addresses of the command line in a checkout; return the exit code."""
    parser = argparse.ArgumentParser(prog="make addresses", description="Set the public addresses.")
    for key in KEYS:
        parser.add_argument(f"--{key}", default="")
    given = {key: address.rstrip("/") for key, address in vars(parser.parse_args()).items()}
    if not given["repository"] or not given["documentation"]:
        print("addresses: give REPOSITORY= and DOCUMENTATION= (the site of make docs)", file=sys.stderr)
        return 1
    issues = given["issues"] or f"{given['repository']}/issues"
    homepage = given["homepage"] or given["repository"]
    try:
        write({**given, "issues": issues, "homepage": homepage}, root)
    except AddressError as error:
        print(f"addresses: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"{key}: {address}" for key, address in read(root).items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
