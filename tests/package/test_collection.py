# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's tarball, installed as users install it: an empty home, an empty folder, ansible's own commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.packaging import collection
from agent.packaging.workshop import ROOT, WorkError
from tests.pages import fenced, fenced_texts
from tools import sanity

FOLDERS = {"LICENSES", "changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"}
"""The folders of the repository that belong to the collection."""
FILES = {
    *("CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE", "README.md", "REUSE.toml", "SECURITY.md"),
    *("FILES.json", "MANIFEST.json"),  # ansible-galaxy writes them
    "tests/config.yml",  # ansible-test reads it
}
TARGETS = "tests/integration/targets/"
"""What ansible-test runs on a PC; the other tests are not the collection's."""
OF_THE_LAB = "extensions/molecule/"
"""The scenario starts PCs of the lab, which is not part of the collection."""
INVENTORY = "office_pcs: {hosts: {PC-1: {ansible_connection: winrm}}}\n"


@dataclass
class Controller:
    """A controller with ansible-core and without any collection."""

    folder: Path
    collections: Path

    def ansible(self, command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of ansible's commands in the controller's own folder."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_NOCOLOR": "1",
        }
        return subprocess.run(
            [sys.executable, "-m", "ansible", command, *arguments],
            cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def write(self, name: str, text: str) -> Path:
        """Write a file of the controller's folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection's tarball."""
    return collection.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def bare(tmp_path: Path) -> Controller:
    """A controller with an empty home and no collection."""
    folder = tmp_path / "controller"
    folder.mkdir()
    return Controller(folder, folder / "collections")


@pytest.fixture
def controller(bare: Controller, tarball: Path) -> Controller:
    """A controller on which the tarball is installed by `ansible-galaxy`."""
    done = bare.ansible("galaxy", "collection", "install", "-p", bare.collections, tarball)
    assert done.returncode == 0, done.stderr
    return bare


def names(tarball: Path) -> list[str]:
    """Return the files of a tarball."""
    with tarfile.open(tarball) as archive:
        return [member.name for member in archive.getmembers() if member.isfile()]


def test_the_tarball_has_only_files_of_the_collection(tarball: Path) -> None:
    """All folders of the collection; no test, no part of the agent, the lab or the tools, and no file of a build."""
    strangers = [
        name
        for name in names(tarball)
        if name.split("/")[0] not in FOLDERS and name not in FILES and not name.startswith(TARGETS)
    ]
    assert strangers == []
    assert [name for name in names(tarball) if name.startswith(OF_THE_LAB)] == []
    assert {name.split("/")[0] for name in names(tarball) if "/" in name} == FOLDERS | {"tests"}
    assert [name for name in names(tarball) if re.search(r"\.pyc$|\.msi$|\.gz$|/\.", name)] == []


def test_the_tarball_has_the_whole_collection(tarball: Path) -> None:
    """Each file of the collection's folders in the checkout is in the tarball."""
    ours = (*(f"{folder}/" for folder in FOLDERS), TARGETS)
    expected = {
        name for name in sanity.checkout_files() if name.startswith(ours) and not name.startswith(OF_THE_LAB)
    }
    assert expected
    assert expected - set(names(tarball)) == set()


def test_the_tarball_has_a_target_for_each_module(tarball: Path) -> None:
    """Its users can try each module with ansible-test on a PC of theirs."""
    modules = [Path(name).stem for name in names(tarball) if name.startswith("plugins/modules/")]
    assert modules
    missing = {f"{TARGETS}{module}/tasks/main.yml" for module in modules} - set(names(tarball))
    assert missing == set()


def test_the_tarball_has_no_empty_folder(tarball: Path) -> None:
    """Each folder holds a file. ansible-galaxy also packs folders whose files are left out."""
    with tarfile.open(tarball) as archive:
        folders = [member.name for member in archive.getmembers() if member.isdir()]
    files = names(tarball)
    assert folders
    assert [folder for folder in folders if not any(file.startswith(f"{folder}/") for file in files)] == []


def test_a_module_is_documented_once_installed(controller: Controller) -> None:
    """`ansible-doc` shows a module of the installed collection."""
    done = controller.ansible("doc", "latchkey.consent.credential_request", "--json")
    assert done.returncode == 0, done.stderr
    assert "latchkey.consent.credential_request" in json.loads(done.stdout)


def test_the_playbooks_are_found_from_any_folder(controller: Controller) -> None:
    """Each playbook of the installed collection passes the syntax check by its name."""
    inventory = controller.write("inventory.yml", INVENTORY)
    playbooks = [f"latchkey.consent.{path.stem}" for path in (ROOT / "playbooks").glob("*.yml")]
    assert "latchkey.consent.maintain" in playbooks
    done = controller.ansible("playbook", "--syntax-check", "-i", inventory, *playbooks)
    assert done.returncode == 0, done.stderr


def test_the_first_playbook_passes_the_syntax_check(controller: Controller) -> None:
    """The quick start's first playbook, written to a file as it stands, passes with the installed collection."""
    inventory = controller.write("inventory.yml", INVENTORY)
    first = controller.write("first.yml", fenced_texts("docs/quickstart.md")[0])
    done = controller.ansible("playbook", "--syntax-check", "-i", inventory, first)
    assert done.returncode == 0, done.stderr


def test_without_the_collection_the_first_playbook_is_refused(bare: Controller) -> None:
    """The controller of these tests has no other way to the collection than the installed tarball."""
    first = bare.write("first.yml", fenced_texts("docs/quickstart.md")[0])
    assert bare.ansible("playbook", "--syntax-check", first).returncode != 0


def test_the_requirements_of_a_project_install_the_collection(bare: Controller, tarball: Path) -> None:
    """The `requirements.yml` of the installing page works beside the tarball of its name."""
    [requirements] = fenced("docs/install.md")
    [entry] = requirements["collections"]
    assert entry["name"] == tarball.name
    bare.write("requirements.yml", fenced_texts("docs/install.md")[0])
    bare.folder.joinpath(tarball.name).write_bytes(tarball.read_bytes())
    done = bare.ansible("galaxy", "collection", "install", "-r", "requirements.yml")
    assert done.returncode == 0, done.stderr
    assert (bare.collections / "ansible_collections/latchkey/consent/MANIFEST.json").exists()


def test_a_downloaded_bundle_is_installed_without_a_server(bare: Controller, tarball: Path) -> None:
    """The folder that `ansible-galaxy collection download` makes of the tarball installs the collection offline."""
    done = bare.ansible("galaxy", "collection", "download", "--download-path", "bundle", tarball)
    assert done.returncode == 0, done.stderr
    bare.folder /= "bundle"
    done = bare.ansible("galaxy", "collection", "install", "--offline", "-r", "requirements.yml")
    assert done.returncode == 0, done.stderr
    assert (bare.collections / "ansible_collections/latchkey/consent/MANIFEST.json").exists()


def test_lab_and_tools_install_the_tarball_with_one_call(tarball: Path, tmp_path: Path) -> None:
    """`install` needs no network, and replaces an installed collection."""
    installed = collection.install(tarball, tmp_path / "collections")
    (installed / "README.md").write_text("changed", encoding="utf-8")
    assert collection.install(tarball, tmp_path / "collections") == installed
    assert (installed / "README.md").read_text(encoding="utf-8").startswith("<!--")


def test_make_collection_needs_no_program_of_the_msi(tmp_path: Path) -> None:
    """The tarball is built where no program but git is on the search path; an earlier one goes."""
    programs, output = tmp_path / "bin", tmp_path / "dist"
    programs.mkdir()
    output.mkdir()
    (output / "latchkey-consent-0.0.9.tar.gz").touch()
    (programs / "git").symlink_to(
        next(path for path in map(Path, ("/usr/bin/git", "/bin/git")) if path.exists())
    )
    done = subprocess.run(
        [sys.executable, "-m", "agent.packaging.collection", "--output", output],
        cwd=ROOT, env={"PATH": str(programs), "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    name = done.stdout.splitlines()[0].rpartition("/")[2].removesuffix(".tar.gz")
    made = {path.name for path in output.iterdir()}
    assert made == {"SHA256SUMS", f"{name}.tar.gz", f"{name}.cdx.json", f"{name}.provenance.json"}
    assert "ansible-galaxy collection install" in done.stdout


def test_a_folder_that_is_no_clone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git's list of files the build says so, and what to do."""
    monkeypatch.setattr(sanity, "ROOT", tmp_path)
    (tmp_path / "galaxy.yml").write_text("build_ignore: []", encoding="utf-8")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(WorkError, match=r"git cannot list .* Work in a clone"):
        collection.build(tmp_path / "dist")
