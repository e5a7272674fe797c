# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release by its command, in a clone; and the files beside the tarball."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from agent.packaging import collection, product_identity, provenance
from agent.packaging.workshop import ROOT
from tools import sanity, setup

IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")


def git(folder: Path, *words: str) -> str:
    """Run git in a folder."""
    command = ["git", *IDENTITY, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def in_clone(
    clone: Path, module: str, *words: str | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a module of a clone."""
    environment = os.environ | {
        "PYTHONPATH": str(clone),
        "GIT_AUTHOR_NAME": "Tester",
        "GIT_AUTHOR_EMAIL": "tester@example.com",
        "GIT_COMMITTER_NAME": "Tester",
        "GIT_COMMITTER_EMAIL": "tester@example.com",
    }
    return subprocess.run(
        [sys.executable, "-m", module, *words], cwd=clone, env=environment | variables,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def copied(target: Path) -> Path:
    """Commit the checkout's files, as they are, in a repository of their own; return its folder."""
    for name in sanity.checkout_files():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy)
    git(target, "init", "--quiet")
    git(target, "add", "--all")
    git(target, "commit", "--quiet", "--message", "Begin", "--date", "2026-01-01T00:00:00Z")
    return target


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the checkout's files."""
    return copied(tmp_path_factory.mktemp("origin"))


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    """A clone of it, which a test may change."""
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    return tmp_path / "clone"


def version(clone: Path) -> str:
    """Return the version in galaxy.yml."""
    return str(yaml.safe_load((clone / "galaxy.yml").read_text(encoding="utf-8"))["version"])


def test_a_release_has_its_version_everywhere(clone: Path) -> None:
    """Version, changelog, commit, tag and tarball are made by one command, and a second run is refused."""
    if shutil.which("antsibull-changelog", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("antsibull-changelog is of the group check: run make check once")
    old = version(clone)
    done = in_clone(clone, "tools.release", "1.0.0", "--output", clone.with_name("dist"))
    assert done.returncode == 0, done.stderr
    assert "Do not publish it yet: galaxy.yml has reserved addresses." in done.stdout
    assert version(clone) == "1.0.0"
    pattern = rf"latchkey-(agent|consent)-{old}|^_*version_* *[=:] *.?{old}|>={old}"
    command = ["git", "grep", "-nE", pattern, "--", ".", ":!tests", ":!requirements.txt"]
    left = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False).stdout
    assert left == ""
    changelog = (clone / "CHANGELOG.rst").read_text(encoding="utf-8")
    assert "v1.0.0\n======" in changelog
    assert list((clone / "changelogs/fragments").glob("*.yml")) == []
    assert "See the [changelog](CHANGELOG.rst)." in (clone / "README.md").read_text(encoding="utf-8")
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "log", "-1", "--format=%s").strip() == "Release 1.0.0"
    assert git(clone, "rev-parse", "1.0.0^{commit}") == git(clone, "rev-parse", "HEAD")
    tarball = clone.with_name("dist") / "latchkey-consent-1.0.0.tar.gz"
    with tarfile.open(tarball) as archive:
        assert "CHANGELOG.rst" in archive.getnames()
    again = in_clone(clone, "tools.release", "1.0.0")
    assert again.returncode == 1
    assert "1.0.0 is released already" in again.stderr


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("", "Give three numbers"),
        ("1.0", "Give three numbers"),
        ("v1.0.0", "Give three numbers"),
        ("1.0.0-rc1", "Give three numbers"),
        ("01.0.0", "Give three numbers"),
        ("1.256.0", "Give three numbers"),
        ("0.0.9", "0.0.9 is older than"),
    ],
)
def test_a_wrong_version_is_refused(clone: Path, wanted: str, reason: str) -> None:
    """The command says why, and the clone stays as it was."""
    done = in_clone(clone, "tools.release", wanted)
    assert done.returncode == 1
    assert reason in done.stderr
    assert git(clone, "status", "--porcelain") == ""


def test_a_tagged_version_is_refused(clone: Path) -> None:
    """A version with a tag exists, also without an entry in the changelog."""
    git(clone, "tag", "1.2.3")
    assert "1.2.3 is released already" in in_clone(clone, "tools.release", "1.2.3").stderr
    assert "1.2.2 is older than 1.2.3" in in_clone(clone, "tools.release", "1.2.2").stderr


@pytest.mark.parametrize("name", ["README.md", "new.txt"])
def test_a_changed_checkout_is_refused(clone: Path, name: str) -> None:
    """Changed and new files are named and stay."""
    with (clone / name).open("a", encoding="utf-8") as file:
        file.write("more\n")
    done = in_clone(clone, "tools.release", "1.0.0")
    assert done.returncode == 1
    assert name in done.stderr
    assert (clone / name).read_text(encoding="utf-8").endswith("more\n")
    assert version(clone) != "1.0.0"


def test_no_news_is_no_release(clone: Path) -> None:
    """Without a fragment the command says that there is nothing to release."""
    git(clone, "rm", "-rq", "changelogs/fragments")
    git(clone, "commit", "--quiet", "--message", "Remove the fragments")
    assert "no fragment" in in_clone(clone, "tools.release", "1.0.0").stderr


def test_a_failure_leaves_the_checkout_as_it_was(clone: Path) -> None:
    """antsibull-changelog refuses a wrong fragment after the version was set: everything is put back."""
    if shutil.which("antsibull-changelog", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("antsibull-changelog is of the group check: run make check once")
    (clone / "changelogs/fragments/wrong.yml").write_text("no_such_section: [x]\n", encoding="utf-8")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "Add a wrong fragment")
    done = in_clone(clone, "tools.release", "1.0.0")
    assert done.returncode == 1
    assert "antsibull-changelog failed" in done.stderr
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "tag", "--list") == ""


def test_two_clones_give_the_same_bytes(origin: Path, tmp_path: Path) -> None:
    """Folder, umask, day and order of the files do not change the tarball, its bill and its provenance."""
    made = []
    for name, mask in (("one", "077"), ("another place", "002")):
        place = tmp_path / name
        command = f"umask {mask} && git clone --quiet {origin} '{place}'"
        subprocess.run(["/bin/sh", "-c", command], check=True)
        for path in place.rglob("*"):
            os.utime(path, (1_000_000_000 + len(name),) * 2, follow_symlinks=False)
        done = in_clone(
            place, "agent.packaging.collection", "--output", tmp_path / f"dist {name}", TZ=f"X{len(name)}"
        )
        assert done.returncode == 0, done.stderr
        made.append({path.name: path.read_bytes() for path in (tmp_path / f"dist {name}").iterdir()})
    assert made[0].keys() == made[1].keys()
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


def test_the_lists_of_files_are_in_order_and_true(tmp_path: Path) -> None:
    """ansible-galaxy takes the order of the file system; the tarball has its own, with matching hashes."""
    tarball = collection.build(tmp_path)
    with tarfile.open(tarball) as archive:
        listed = collection._content(archive, archive.getmember("FILES.json"))
    files = [file["name"] for file in json.loads(listed)["files"]]
    assert files == sorted(files)
    installed = collection.install(tarball, tmp_path / "collections")
    verified = subprocess.run(
        [collection.GALAXY, "collection", "verify", "--offline", "-p", tmp_path / "collections", "latchkey.consent"],
        capture_output=True, text=True, check=False, env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path)},
    )  # fmt: skip
    assert installed.is_dir()
    assert verified.returncode == 0, verified.stderr


@pytest.fixture(scope="module")
def release_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make collection` fills."""
    folder = tmp_path_factory.mktemp("dist")
    collection.release(folder)
    return folder


def test_the_bill_lists_the_needs_of_the_environment(release_folder: Path) -> None:
    """The SBOM names the tarball with its hash, each pinned Python package, and the programs of the image."""
    [bill] = release_folder.glob("*.cdx.json")
    [tarball] = release_folder.glob("*.tar.gz")
    document = json.loads(bill.read_text(encoding="utf-8"))
    product = document["metadata"]["component"]
    assert (product["name"], product["version"]) == ("latchkey.consent", product_identity.version())
    assert product["hashes"] == [{"alg": "SHA-256", "content": product_identity.file_digest(tarball)}]
    pins = (ROOT / "execution-environment/python.txt").read_text(encoding="utf-8")
    wanted = {f"pkg:pypi/{name}@{pin}" for name, pin in re.findall(r"^([\w.-]+)==(\S+)$", pins, re.MULTILINE)}
    wanted |= {"pkg:rpm/krb5-workstation", "pkg:rpm/openssh-clients"}
    assert {part["purl"] for part in document["components"]} == wanted


def test_the_provenance_names_artefacts_commit_and_builder(release_folder: Path) -> None:
    """Each artefact is a subject with its digest, the commit is the checkout's, and the statement is unsigned."""
    [file] = release_folder.glob("*.provenance.json")
    statement = json.loads(file.read_text(encoding="utf-8"))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    others = [path for path in release_folder.iterdir() if path.name.endswith((".tar.gz", ".cdx.json"))]
    assert subjects == {path.name: product_identity.file_digest(path) for path in others}
    build = statement["predicate"]["buildDefinition"]
    assert build["internalParameters"]["signature"].startswith("none.")
    source, lock = build["resolvedDependencies"]
    assert source["digest"]["gitCommit"] == git(ROOT, "rev-parse", "HEAD").strip()
    changed = git(ROOT, "status", "--porcelain").splitlines()
    assert source["annotations"]["files_that_differ_from_the_commit"] == len(changed)
    assert lock["digest"]["sha256"] == product_identity.file_digest(setup.LOCK)
    run = statement["predicate"]["runDetails"]["builder"]
    assert run["version"]["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert os.uname().nodename not in json.dumps(statement)


def test_the_parts_of_an_artefact_are_dependencies(tmp_path: Path) -> None:
    """The parts in a bill of materials, such as the MSI's, are in the provenance with their digests and addresses."""
    part = {
        "name": "x",
        "version": "1",
        "purl": "pkg:pypi/x@1",
        "hashes": [{"alg": "SHA-256", "content": "ab"}],
    }
    bill = tmp_path / "a.cdx.json"
    bill.write_text(json.dumps({"components": [part, {"name": "y"}]}), encoding="utf-8")
    target = tmp_path / "a.provenance.json"
    provenance.write(target, "make package", [bill], [bill])
    build = json.loads(target.read_text(encoding="utf-8"))["predicate"]["buildDefinition"]
    assert build["externalParameters"] == {"command": "make package"}
    assert build["resolvedDependencies"][2:] == [
        {"name": "x", "annotations": {"version": "1"}, "uri": "pkg:pypi/x@1", "digest": {"sha256": "ab"}},
        {"name": "y", "annotations": {"version": ""}},
    ]


def test_the_hashes_cover_the_files_beside_the_tarball(release_folder: Path) -> None:
    """SHA256SUMS has a line for each other file."""
    lines = (release_folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert {line.split("  ")[1] for line in lines} == {
        path.name for path in release_folder.iterdir() if path.name != "SHA256SUMS"
    }


def test_the_readme_of_a_published_tarball_has_full_links(clone: Path) -> None:
    """Once the addresses are real, the built README has no relative link; before, its links stay relative."""
    set_them = ("--repository", "https://code.example.org/x", "--documentation", "https://docs.example.org/x")
    for words, full in (((), False), (set_them, True)):
        if words:
            assert in_clone(clone, "tools.public_addresses", *words).returncode == 0
        output = clone.with_name(f"dist{full}")
        assert in_clone(clone, "agent.packaging.collection", "--output", output).returncode == 0
        [tarball] = output.glob("*.tar.gz")
        with tarfile.open(tarball) as archive:
            readme = collection._content(archive, archive.getmember("README.md")).decode()
        assert ("](docs/quickstart.md)" in readme) is not full
        assert ("](https://docs.example.org/x/docs/quickstart.html)" in readme) is full
