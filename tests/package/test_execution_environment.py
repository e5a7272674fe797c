# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: its definition, and the needs of the collection as ansible-builder reads them."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.connection import psrp, winrm
from bindep.depends import Depends
from packaging.requirements import Requirement

from agent.packaging import collection
from agent.packaging.workshop import WorkError, run
from tests.pages import fenced_texts
from tools import execution_environment, setup

PLUGINS = (psrp, winrm)
"""The connection plugins that need Python packages. ssh needs a system program alone."""
OF_ANSIBLE = {"ansible", "packaging"}
"""Imports of the plugins that ansible-core brings."""


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection's tarball."""
    return collection.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def needs(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> execution_environment.Needs:
    """The needs that ansible-builder reads in the installed tarball."""
    collections = tmp_path_factory.mktemp("collections")
    collection.install(tarball, collections)
    return execution_environment.introspect(collections)


@pytest.fixture
def definition() -> dict[str, Any]:
    """The definition of the environment."""
    file = execution_environment.DEFINITION / "execution-environment.yml"
    loaded: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def imported(plugin: Any) -> set[str]:
    """Return the top-level modules of other distributions that a plugin imports."""
    tree = ast.parse(Path(plugin.__file__).read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found - sys.stdlib_module_names - OF_ANSIBLE


def brings(requirement: Requirement) -> set[str]:
    """Return the names of the distributions that a requirement installs directly, itself included."""
    names = {requirement.name}
    for line in metadata.requires(requirement.name) or []:
        needed = Requirement(line)
        chosen = [{"extra": extra} for extra in ("", *requirement.extras)]
        if needed.marker is None or any(needed.marker.evaluate(one) for one in chosen):
            names.add(needed.name)
    return names


def modules(distribution: str) -> set[str]:
    """Return the top-level modules of a distribution."""
    # No package of Kerberos is installed here: it would have to be compiled. Its module's name is its project's.
    if distribution == "pykerberos":
        return {"kerberos"}
    return {name for name, owners in metadata.packages_distributions().items() if distribution in owners}


def test_every_import_of_the_connection_plugins_is_named(needs: execution_environment.Needs) -> None:
    """Each module that winrm or psrp imports comes with a named package or with a package that it requires."""
    wanted = {name for plugin in PLUGINS for name in imported(plugin)}
    assert {"winrm", "pypsrp", "kerberos"} <= wanted
    named = {name for line in needs.python for one in brings(Requirement(line)) for name in modules(one)}
    assert wanted - named == set()


def test_every_named_package_is_imported_by_a_connection_plugin(needs: execution_environment.Needs) -> None:
    """The collection names no Python package that no connection plugin imports."""
    wanted = {name for plugin in PLUGINS for name in imported(plugin)}
    for line in needs.python:
        assert modules(Requirement(line).name) & wanted, line


def test_kerberos_and_credssp_are_extras_of_both_packages(needs: execution_environment.Needs) -> None:
    """Both packages are asked for with the extras that they really have, so pip installs what they need."""
    for line in needs.python:
        requirement = Requirement(line)
        assert requirement.extras == {"credssp", "kerberos"}
        assert requirement.extras <= set(metadata.metadata(requirement.name).get_all("Provides-Extra") or [])


def test_lower_bounds_alone_are_in_the_collection(needs: execution_environment.Needs) -> None:
    """Certification refuses other bounds, and ansible-core, in a collection's list."""
    for line in needs.python:
        assert [one.operator for one in Requirement(line).specifier] == [">="], line
        assert not Requirement(line).name.startswith("ansible")


def packages(needs: execution_environment.Needs, *profiles: str) -> set[str]:
    """Return the system packages that bindep chooses for some profiles."""
    depends = Depends("\n".join(needs.system) + "\n")
    return {rule[0] for rule in depends.active_rules([*profiles])}


@pytest.mark.parametrize(
    ("platform", "programs", "headers"),
    [
        ("platform:rpm", {"openssh-clients", "krb5-workstation"}, {"krb5-devel", "python3-devel"}),
        ("platform:dpkg", {"openssh-client", "krb5-user"}, {"libkrb5-dev", "python3-dev"}),
    ],
)
def test_the_finished_image_has_the_programs_and_no_compiler(
    needs: execution_environment.Needs, platform: str, programs: set[str], headers: set[str]
) -> None:
    """ssh and kinit, which the plugins run, are in the image; compiler and headers are there for its build alone."""
    assert packages(needs, platform) == programs
    assert packages(needs, platform, "compile") == programs | headers | {"gcc"}


def test_the_context_has_the_tarball_and_the_pins(
    tarball: Path, tmp_path: Path, needs: execution_environment.Needs
) -> None:
    """`ansible-builder create` accepts the definition, and its files have all that it names."""
    context = execution_environment.create(tarball, tmp_path / "work")
    assert execution_environment.faults(context, tarball, needs) == []
    pins = (context / "_build/requirements.txt").read_text(encoding="utf-8")
    assert pins == (execution_environment.DEFINITION / "python.txt").read_text(encoding="utf-8")


def test_a_tarball_of_another_version_is_a_fault(
    tarball: Path, tmp_path: Path, needs: execution_environment.Needs
) -> None:
    """A version that was forgotten in requirements.yml is found, and so is a collection without needs."""
    other = tmp_path / "latchkey-consent-9.9.9.tar.gz"
    shutil.copyfile(tarball, other)
    context = execution_environment.create(other, tmp_path / "work")
    [fault] = execution_environment.faults(context, other, needs)
    assert fault.endswith(f"names collections/{tarball.name}, and make collection builds {other.name}")
    without = execution_environment.faults(context, other, execution_environment.Needs(needs.python, []))
    assert f"ansible-builder finds no system packages in {other.name}" in without


def test_a_wrong_definition_is_refused(
    tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ansible-builder itself refuses an unknown key."""
    folder = tmp_path / "execution-environment"
    shutil.copytree(execution_environment.DEFINITION, folder)
    with (folder / "execution-environment.yml").open("a", encoding="utf-8") as file:
        file.write("unknown_key: 1\n")
    monkeypatch.setattr(execution_environment, "DEFINITION", folder)
    with pytest.raises(WorkError, match="unknown_key"):
        execution_environment.create(tarball, tmp_path / "work")


def exact(text: str) -> dict[str, str]:
    """Return the versions that a list pins."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def test_every_package_of_the_environment_is_pinned(definition: dict[str, Any]) -> None:
    """python.txt pins each package, to a version that requirements.txt pins, too; ansible-core and -runner as well."""
    text = (execution_environment.DEFINITION / "python.txt").read_text(encoding="utf-8")
    pins = exact(text)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(pins) == len(lines)
    lock = set(re.findall(r"^([\w.-]+==\S+)", setup.LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    assert {f"{name}=={version}" for name, version in pins.items()} - lock == set()
    for name in ("ansible_core", "ansible_runner"):
        package = definition["dependencies"][name]["package_pip"]
        assert package in lines


def test_the_pins_satisfy_the_collection(needs: execution_environment.Needs) -> None:
    """The pinned versions are within the collection's bounds, with the packages of all extras."""
    pins = exact((execution_environment.DEFINITION / "python.txt").read_text(encoding="utf-8"))
    for line in needs.python:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[requirement.name])
        assert brings(requirement) - {"winkerberos"} <= set(pins)


def test_the_projects_requirements_install_the_tarball(
    tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's `collections/requirements.yml` works in a project, by the command that AWX runs there."""
    # ansible-galaxy installs nothing where it finds the collection already, as in the folder that make names.
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(tmp_path / "none"))
    text = fenced_texts("docs/execution-environment.md")[0]
    folder = tmp_path / "collections"
    folder.mkdir()
    (folder / "requirements.yml").write_text(text, encoding="utf-8")
    shutil.copyfile(tarball, folder / tarball.name)
    installed = tmp_path / "requirements_collections"
    run(
        [collection.GALAXY, "collection", "install", "-r", "collections/requirements.yml", "-p", installed],
        folder=tmp_path,
    )
    assert (installed / "ansible_collections/latchkey/consent/MANIFEST.json").exists()
