# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the execution environment with ansible-builder: the definition, and the needs that the collection names.

No image is built: that needs a container engine. `ansible-builder create` checks the definition and writes the files
for the engine. `ansible-builder introspect` reads the needs of the installed tarball as a build of the image does.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import yaml

from agent.packaging import collection
from agent.packaging.workshop import ROOT, WorkError, run

DEFINITION = ROOT / "execution-environment"
WORK = ROOT / "build/environment"
BUILDER = Path(sys.executable).with_name("ansible-builder")
NAME = "latchkey.consent"


class Needs(NamedTuple):
    """The needs that ansible-builder reads in a collection, a line each."""

    python: list[str]
    system: list[str]


def create(tarball: Path, work: Path) -> Path:
    """Make the files that a container engine builds the environment of; return their folder.

    Args:
        tarball: the collection, as `make collection` puts it into dist/.
        work: a folder for a copy of the definition and for the result; its former content goes.

    Raises:
        WorkError: ansible-builder refuses the definition.
    """
    shutil.rmtree(work, ignore_errors=True)
    definition = work / DEFINITION.name
    shutil.copytree(DEFINITION, definition)
    (work / "dist").mkdir()
    shutil.copyfile(tarball, work / "dist" / tarball.name)
    context = work / "context"
    file = definition / "execution-environment.yml"
    run([BUILDER, "create", "--file", file, "--context", context], folder=definition)
    return context


def introspect(collections: Path) -> Needs:
    """Return the needs of the collection that is installed in a folder.

    Raises:
        WorkError: ansible-builder cannot read them.
    """
    told = yaml.safe_load(run([BUILDER, "introspect", collections]))
    mark = f"# from collection {NAME}"
    return Needs(
        *(
            [line.removesuffix(mark).rstrip() for line in told[kind] if line.endswith(mark)]
            for kind in ("python", "system")
        )
    )


def faults(context: Path, tarball: Path, needs: Needs) -> list[str]:
    """Return what is missing for an environment with the collection, a sentence each.

    Args:
        context: the result of `create`.
        tarball: the collection.
        needs: the result of `introspect`.
    """
    wanted = yaml.safe_load((context / "_build/requirements.yml").read_text(encoding="utf-8"))
    files = [entry["name"] for entry in wanted["collections"] if entry.get("type") == "file"]
    found = [
        f"{DEFINITION.name}/requirements.yml names {name}, and make collection builds {tarball.name}"
        for name in files
        if not (context / "_build" / name).is_file()
    ]
    if not files:
        found.append(f"{DEFINITION.name}/requirements.yml does not name the collection's tarball")
    found += [f"ansible-builder finds no {kind} packages in {tarball.name}" for kind in missing_kinds(needs)]
    return found


def missing_kinds(needs: Needs) -> list[str]:
    """Return the kinds of needs of which the collection names none."""
    return [kind for kind, lines in needs._asdict().items() if not lines]


def main() -> int:
    """Run both commands; return the exit code."""
    try:
        shutil.rmtree(WORK, ignore_errors=True)
        tarball = collection.build(WORK / "built")
        collection.install(tarball, WORK / "collections")
        needs = introspect(WORK / "collections")
        found = faults(create(tarball, WORK / "definition"), tarball, needs)
    except WorkError as error:
        found = [str(error)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
