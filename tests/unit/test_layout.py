# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No modules import each other in a circle, and no two modules of the product parts share a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("agent/src", "agent/native", "agent/packaging", "lab", "tools", "plugins")
PREFIXES = {
    "agent/src/": "",
    "agent/native/": "agent/native/",
    "plugins/": "ansible_collections/latchkey/consent/plugins/",
}
"""How the modules of a folder are imported, where their path does not say it."""

NAMED_BY_ANSIBLE = ("plugins/action", "plugins/modules", "plugins/doc_fragments")
"""Ansible wants an action, its module and its documentation under one name. `plugin_utils/_credential_apply.py` and its
like hold the work of the action whose name they have."""
GENERATED = ("plugins/plugin_utils/_answers.py", "plugins/plugin_utils/_signer_lines.py")
"""The collection's generated forms of the agent's modules of the same names."""

NAMED_BY_PYTHON = ("__init__", "__main__")


def module_name(path: Path) -> str:
    """Return the dotted name under which a file is imported."""
    place = path.relative_to(ROOT).with_suffix("").as_posix()
    for folder, prefix in PREFIXES.items():
        if place.startswith(folder):
            place = prefix + place.removeprefix(folder)
    return place.removesuffix("/__init__").replace("/", ".")


MODULES = {module_name(path): path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    """Return whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def statements(tree: ast.AST, *, with_types: bool) -> Iterator[ast.AST]:
    """Yield every node of a module, also inside functions; type-only imports if `with_types`."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if with_types or not is_type_checking(node):
            yield from statements(node, with_types=with_types)
        elif isinstance(node, ast.If):
            for other in node.orelse:
                yield from statements(other, with_types=with_types)


def imported(name: str, source: str, *, package: bool, with_types: bool) -> set[str]:
    """Return the modules of this repository that a module's source imports."""
    found: set[str] = set()
    for node in statements(ast.parse(source), with_types=with_types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = name.split(".")[: len(name.split(".")) - node.level + package] if node.level else []
            origin = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                submodule = f"{origin}.{alias.name}"
                found.add(submodule if submodule in MODULES else origin)
    return (found & set(MODULES)) - {name}


def graph(*, with_types: bool) -> dict[str, set[str]]:
    """Return which module imports which."""
    return {
        name: imported(
            name,
            path.read_text(encoding="utf-8"),
            package=path.name == "__init__.py",
            with_types=with_types,
        )
        for name, path in MODULES.items()
    }


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of one import circle in order; empty if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_search_reads_every_kind_of_import() -> None:
    """Imports of modules, from packages, relative, in functions and for types are all edges."""
    source = """
import lab.canary
from lab.wsman import soapfault
from lab.demo.promises import Story
from . import auth
from .streams import InputQueue
if TYPE_CHECKING:
    from lab.computer import Computer
def late():
    from lab.wsman.negotiate import AccountStore
"""
    at_run_time = {
        "lab.canary",
        "lab.wsman.soapfault",
        "lab.demo.promises",
        "lab.wsman.auth",
        "lab.wsman.streams",
        "lab.wsman.negotiate",
    }
    assert imported("lab.wsman.tls", source, package=False, with_types=False) == at_run_time
    assert imported("lab.wsman.tls", source, package=False, with_types=True) == {*at_run_time, "lab.computer"}


@pytest.mark.parametrize("with_types", [False, True], ids=["run time", "types"])
def test_no_modules_import_each_other(with_types: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """No import circle exists, neither at run time nor with the imports that only types need."""
    imports = graph(with_types=with_types)
    assert sum(map(len, imports.values())) > len(MODULES)
    assert circle(imports) == []


def test_no_two_modules_share_a_name() -> None:
    """Each module of the agent, the lab, the tools and the collection's utilities has its own name."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in MODULES.values():
        place = path.relative_to(ROOT).as_posix()
        if path.stem not in NAMED_BY_PYTHON and not place.startswith((*NAMED_BY_ANSIBLE, *GENERATED)):
            places[path.stem.removeprefix("_")].append(place)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_the_domain_is_imported_by_its_public_face() -> None:
    """Code outside the domain imports it as a package; only commands, events and effects are modules of the face."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.module}"
        for name, path in MODULES.items()
        if not name.startswith("latchkey_agent.domain")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("latchkey_agent.domain.")
    ]
    assert found == [], "import from latchkey_agent.domain"
