# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import the collection's tarball as Ansible Galaxy and Automation Hub do: with galaxy-importer, offline.

The gate runs the importer without its linter, since the gate `lint` runs a newer one on the same files. `make
certification` runs it with the linter that certification pins.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from agent.packaging import collection
from agent.packaging.workshop import ROOT, WorkError
from tools import setup

LOCK = ROOT / "tools/importer.txt"
VENV = ROOT / "build/importer"
WORK = ROOT / "build/importing"
UV = Path(sys.executable).with_name("uv")
DONE = "Importer processing completed successfully"
FINDING = re.compile(r"^(?:WARNING|ERROR): (.+)$", re.MULTILINE)


def prepare() -> Path:
    """Make the importer's environment unless it is as pinned; return its Python.

    Raises:
        SetupError: a download failed.
    """
    wanted = f"{sys.version} {LOCK.read_text(encoding='utf-8')}"
    mark = VENV / "latchkey.stamp"
    python = VENV / "bin/python"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    setup.say(f"making {VENV}")
    setup.run(str(UV), "venv", "--quiet", "--clear", f"--python={sys.executable}", str(VENV))
    setup.uv_install(UV, VENV, "--require-hashes", f"--requirement={LOCK}")
    mark.write_text(wanted, encoding="utf-8")
    return python


def findings(tarball: Path, work: Path, *, lint: bool) -> list[str]:
    """Return what the importer says against a tarball, a line each; empty if it accepts it.

    Args:
        tarball: the collection.
        work: a folder for the importer's files; its former content goes.
        lint: also run ansible-lint with the profile production.

    Raises:
        SetupError: the importer cannot be installed.
    """
    python = prepare()
    shutil.rmtree(work, ignore_errors=True)
    home = work / "home"
    home.mkdir(parents=True)
    config = work / "galaxy-importer.cfg"
    # Certification asks for a tag of its list; the importer alone does not.
    config.write_text(
        f"[galaxy-importer]\nCHECK_REQUIRED_TAGS=True\nRUN_ANSIBLE_LINT={lint}\nANSIBLE_LOCAL_TMP={home}\n",
        encoding="utf-8",
    )
    environment = os.environ | {
        "GALAXY_IMPORTER_CONFIG": str(config),
        "HOME": str(home),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(work / "collections"),
    }
    done = subprocess.run(
        [python, "-m", "galaxy_importer.main", tarball], cwd=work, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    found = FINDING.findall(done.stdout)
    if DONE not in done.stdout and not found:
        found = [done.stdout.strip()[-2000:]]
    return found


def main() -> int:
    """Import the tarball without the linter; return the exit code."""
    try:
        found = findings(collection.build(WORK / "built"), WORK / "run", lint=False)
    except (setup.SetupError, WorkError) as error:
        found = [str(error)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
