# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site in build/docs: `python -m tools.docs_site`. Any warning fails the build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.docs_site import built, sources

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRIPTS = Path(sys.executable).parent


def run(*command: str, cwd: Path = ROOT) -> None:
    """Run a tool of the virtual environment; show its output only if it fails.

    Raises:
        CalledProcessError: it failed.
    """
    env = os.environ | {
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
        # conf.py imports modules of this folder.
        "PYTHONPATH": str(ROOT),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"),
    }
    try:
        subprocess.run(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
        )
    except subprocess.CalledProcessError as failed:
        sys.stderr.buffer.write(failed.output)
        raise


def build(source: Path, site: Path) -> None:
    """Build the site from scratch: what Sphinx read before, it would not warn about again.

    Raises:
        CalledProcessError: a tool failed, or Sphinx has warned.
    """
    sources.copy_pages(ROOT, source)
    reference = source / "reference"
    # antsibull-docs refuses a folder that others may write to.
    reference.mkdir(mode=0o700)
    collection = ("--use-current", "--squash-hierarchy", "latchkey.consent")
    settings = f"--config-file={HERE}/antsibull-docs.cfg"
    run("antsibull-docs", settings, "collection", "--fail-on-error", f"--dest-dir={reference}", *collection)
    sources.shorten_entries(reference / "index.rst")
    run("antsibull-changelog", "release", cwd=source)
    shutil.rmtree(site, ignore_errors=True)
    options = ("-q", "-W", "--keep-going", f"-c{HERE}", f"-d{source}/.doctrees")
    run("sphinx-build", *options, str(source), str(site))


def main() -> int:
    """Build the site and check it; return the exit code."""
    source, site = ROOT / "build/docs-source", ROOT / "build/docs"
    try:
        build(source, site)
    except subprocess.CalledProcessError as failed:
        print(f"docs: {failed.cmd[0]} failed with exit code {failed.returncode}", file=sys.stderr)
        return 1
    faults = built.faults(site, ROOT)
    for fault in faults:
        print(f"docs: {fault}", file=sys.stderr)
    print(f"docs: {site.relative_to(ROOT)}/index.html")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
