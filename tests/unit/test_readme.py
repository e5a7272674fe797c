# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README has the sections of Red Hat's template for certified collections and keeps to its rules.

The rules: docs.ansible.com, "README requirements" of the requirements for partner certification.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from agent.packaging.workshop import git
from tools import public_addresses, release

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = (
    "Requirements",
    "Installation",
    "Use cases",
    "Testing",
    "Contributing",
    "Support",
    "Release notes",
    "Related information",
    "License",
)
"""In the template's order; the project has more sections between them. The description stands under the title."""
SITE = "https://docs.example.org/latchkey"


@pytest.fixture(scope="module")
def readme() -> str:
    """The README."""
    return (ROOT / "README.md").read_text(encoding="utf-8")


def section(readme: str, name: str) -> str:
    """Return the text under a heading."""
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def test_the_readme_has_the_sections_of_certification(readme: str) -> None:
    """Each section is there once, in the template's order, and is not empty."""
    heads = re.findall(r"^## (.+)$", readme, re.MULTILINE)
    assert tuple(head for head in heads if head in SECTIONS) == SECTIONS
    assert [name for name in SECTIONS if not section(readme, name)] == []
    assert re.search(r"^# Latchkey\n\n\w", readme, re.MULTILINE)


def test_the_installation_is_that_of_a_collection(readme: str) -> None:
    """It names ansible-galaxy and Automation Hub, and does not install ansible with pip."""
    text = section(readme, "Installation")
    assert "ansible-galaxy collection install latchkey.consent" in text
    assert "Automation Hub" in text
    assert not re.search(r"pip3? install ansible", readme)


def test_the_requirements_name_python_and_the_libraries(readme: str) -> None:
    """The oldest Python is the one that the oldest line of ansible-core runs on; both libraries are named."""
    text = section(readme, "Requirements")
    config = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert config["requires_ansible"] == ">=2.16.0"
    assert "Python 3.11 or newer" in text
    assert "pywinrm" in text
    assert "pypsrp" in text


def test_the_release_notes_say_whether_there_is_a_release(readme: str) -> None:
    """The README links the changelog once there is one, and says so as long as there is none."""
    before, after = release.NOTES
    releases = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"]
    assert (after if releases else before) in section(readme, "Release notes")
    assert (ROOT / "CHANGELOG.rst").exists() == bool(releases)


def test_the_links_have_the_addresses_of_galaxy(readme: str) -> None:
    """galaxy.yml is the one place: the README repeats it, and no other file has the host."""
    known = public_addresses.read()
    defined = dict(re.findall(r"^\[(\w+)\]: (https://\S+)$", readme, re.MULTILINE))
    assert defined
    assert defined == {key: known[key] for key in defined}
    if public_addresses.are_reserved(known):
        host = known["homepage"].removeprefix("https://")
        files = git("grep", "-lF", host, "--", ".", ":!tests").splitlines()
        assert set(files) == {"galaxy.yml", "README.md"}


def test_full_links_lead_to_the_site(readme: str) -> None:
    """In the tarball no link of the README is relative; each leads to a page or a picture of the site."""
    full = public_addresses.with_full_links(readme, SITE)
    links = re.findall(r"\]\(([^)\s]+)\)", full) + re.findall(r"^\[[^\]]+\]: (\S+)$", full, re.MULTILINE)
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []
    assert f"]({SITE}/docs/quickstart.html)" in full
    assert f"]({SITE}/_images/request.en.png)" in full
    assert f"[matrix]: {SITE}/docs/compatibility.html" in full


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[a](docs/x.md#y)", f"[a]({SITE}/docs/x.html#y)"),
        ("[a](#y)", "[a](#y)"),
        ("[a](https://example.org/x.md)", "[a](https://example.org/x.md)"),
        ("[a](CHANGELOG.rst)", f"[a]({SITE}/CHANGELOG.html)"),
    ],
)
def test_each_kind_of_link(before: str, after: str) -> None:
    """Anchors stay, full links stay, and pages have the site's ending."""
    assert public_addresses.with_full_links(before, SITE) == after
