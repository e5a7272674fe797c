# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a release: `make release VERSION=1.0.0`.

It sets the version everywhere, lets antsibull-changelog write the changelog from the fragments, commits and tags, and
builds the tarball of that commit. It sends nothing anywhere. A failure leaves the checkout as it was.
"""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import yaml

from agent.packaging import collection
from agent.packaging.workshop import WorkError, git, run
from tools import public_addresses

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = Path(sys.executable).with_name("antsibull-changelog")
ANSIBLE_DOC = Path(sys.executable).with_name("ansible-doc")
FORM = re.compile(r"(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,4})")
"""Windows Installer compares three numbers, at most 255.255.65535."""
NOTES = (
    "`CHANGELOG.rst` comes with the first release. Until then, `changelogs/fragments` has a file for each change.",
    "See the [changelog](CHANGELOG.rst).",
)
"""The README's release notes before and after the first release."""
EXACT = {
    "galaxy.yml": "version: {}\n",
    "agent/pyproject.toml": 'version = "{}"\n',
    "agent/src/latchkey_agent/__init__.py": '__version__ = "{}"\n',
    "docs/install.md": '`version: ">={}"`',
}
"""The line with the version, or the words, in each file that has it by itself."""
NAMES = ("latchkey-agent-{}", "latchkey-consent-{}")
"""The file names with the version. Pages and examples show them."""
LEFT_ALONE = ("tests/", "changelogs/", "requirements.txt", "CHANGELOG.rst")


class ReleaseError(Exception):
    """The release cannot be made; the text has the reason and the remedy."""


def current_version() -> str:
    """Return the version in galaxy.yml."""
    return str(yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"])


def released_versions() -> list[str]:
    """Return the versions in the changelog and the tags that are versions."""
    changelog = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))
    tags = [tag for tag in git("tag", "--list").split() if FORM.fullmatch(tag)]
    return [*changelog["releases"], *tags]


def number(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare."""
    return tuple(map(int, version.split(".")))


def refuse_version(version: str) -> None:
    """Refuse a version that cannot be the next release.

    Raises:
        ReleaseError: it has another form, exists, or is older than a release or than galaxy.yml.
    """
    if (
        not FORM.fullmatch(version)
        or any(part > 255 for part in number(version)[:2])
        or number(version)[2] > 65535
    ):
        msg = f"the version is {version!r}. Give three numbers such as VERSION=1.0.0, at most 255.255.65535"
        raise ReleaseError(msg)
    released = released_versions()
    if version in released:
        msg = f"{version} is released already. Give a newer version"
        raise ReleaseError(msg)
    newest = max([*released, current_version()], key=number)
    if number(version) < number(newest):
        msg = f"{version} is older than {newest}. Give a newer version"
        raise ReleaseError(msg)


def refuse_checkout() -> None:
    """Refuse to release a checkout that differs from its commit, or that has no news.

    Raises:
        ReleaseError: names the files, or the empty folder.
    """
    if changed := git("status", "--porcelain").strip():
        msg = f"the checkout has changes that are not committed. Commit or remove them:\n{changed}"
        raise ReleaseError(msg)
    if not any((ROOT / "changelogs/fragments").glob("*.yml")):
        msg = (
            "changelogs/fragments has no fragment, so there is nothing to release. Describe the changes there"
        )
        raise ReleaseError(msg)


def set_version(old: str, new: str) -> None:
    """Set the version in each file that has it.

    Raises:
        ReleaseError: a file lacks its line.
    """
    for file, form in EXACT.items():
        path = ROOT / file
        text = path.read_text(encoding="utf-8")
        if text.count(form.format(old)) != 1:
            msg = f"{file} does not have {form.format(old).strip()} exactly once. Correct it"
            raise ReleaseError(msg)
        path.write_text(text.replace(form.format(old), form.format(new)), encoding="utf-8")
    for name in NAMES:
        for file in git("grep", "-lF", name.format(old)).splitlines():
            if not file.startswith(LEFT_ALONE):
                path = ROOT / file
                text = path.read_text(encoding="utf-8").replace(name.format(old), name.format(new))
                path.write_text(text, encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace(*NOTES), encoding="utf-8")


def write_changelog(version: str) -> None:
    """Turn the fragments into a release of the changelog.

    Raises:
        WorkError: antsibull-changelog refuses.
    """
    today = datetime.now(UTC).date().isoformat()
    doc = ("--ansible-doc-bin", str(ANSIBLE_DOC))
    run([CHANGELOG, "release", "--version", version, "--date", today, *doc], folder=ROOT)


def restore() -> None:
    """Put the checkout back to its commit. It had no other change."""
    git("reset", "--hard", "--quiet", "HEAD")
    git("clean", "--force", "--quiet", "--", "CHANGELOG.rst", "changelogs")


def release(version: str, output: Path) -> Path:
    """Make the release; return the tarball.

    Args:
        version: three numbers.
        output: the folder for the tarball.

    Raises:
        ReleaseError: the release cannot be made.
        WorkError: a program failed. The checkout is as before, unless the tarball alone could not be built.
    """
    refuse_version(version)
    refuse_checkout()
    try:
        set_version(current_version(), version)
        write_changelog(version)
        git("add", "--all")
        git("commit", "--quiet", "--message", f"Release {version}")
        git("tag", "--annotate", "--message", f"Release {version}", version)
    except (ReleaseError, WorkError):
        restore()
        raise
    return collection.release(output)


def main() -> int:
    """Make the release of the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="make release", description="Make a release.")
    parser.add_argument("version")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    asked = parser.parse_args()
    try:
        tarball = release(asked.version, asked.output)
    except (ReleaseError, WorkError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"{tarball}\nThe commit and the tag {asked.version} are made. Push both, then publish the tarball.")
    if public_addresses.are_reserved(public_addresses.read()):
        print("Do not publish it yet: galaxy.yml has reserved addresses. Set them with make addresses.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
