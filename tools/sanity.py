# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity on exactly the files that a release of the collection contains.

ansible-test requires a real path ``.../ansible_collections/latchkey/consent``, so it gets a copy. The
agent, the lab and their tests are other products with their own gates: ``build_ignore`` in galaxy.yml
keeps them out of the release and out of the copy.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import yaml

ROOT = Path(__file__).resolve().parent.parent
SANITY = ROOT / "build/sanity"
TREE = SANITY / "ansible_collections/latchkey/consent"
HOME = SANITY / "home"

# ansible-test downloads get-pip.py from its own server unless this file exists. The pip that comes with
# Python does the same, and needs only the package index, which may be a mirror.
GET_PIP = """\
import subprocess, sys
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *wanted]))
"""
PIPS = ("23_1_2", "24_2", "25_2")
"""The releases of pip that ansible-core 2.16 to 2.22 name."""
NO_GIT = "git is not installed. Install it: apt-get install git (Debian, Ubuntu) or dnf install git (Fedora)"


class CheckoutError(Exception):
    """Git cannot list the files of the checkout; the text has the reason and the remedy."""


def checkout_files() -> list[str]:
    """Return the checkout's files, including new ones that git does not ignore.

    Raises:
        CheckoutError: git is not installed, or refuses, for example since the folder is not a clone.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except FileNotFoundError:
        raise CheckoutError(NO_GIT) from None
    except subprocess.CalledProcessError as failure:
        reason = failure.stderr.decode(errors="replace").strip()
        msg = f"git cannot list the files of {ROOT}. Work in a clone that you made with git clone. Git says: {reason}"
        raise CheckoutError(msg) from None
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def is_left_out(name: str, patterns: list[str]) -> bool:
    """Tell whether a file or one of its folders matches a pattern of ``build_ignore``."""
    path = PurePosixPath(name)
    # The last parent is the root ".", which no pattern may leave out.
    parts = [path, *path.parents][:-1]
    return any(fnmatch.fnmatch(str(part), pattern) for part in parts for pattern in patterns)


def released_files() -> list[str]:
    """Return the files of the checkout that belong to the collection."""
    patterns = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
    return [name for name in checkout_files() if not is_left_out(name, patterns)]


def copy_tree(tree: Path = TREE) -> None:
    """Make a new copy of the released files for ansible-test.

    Args:
        tree: a path that ends with `ansible_collections/latchkey/consent`.

    Raises:
        CheckoutError: git cannot list the files of the checkout.
    """
    shutil.rmtree(tree, ignore_errors=True)
    for name in released_files():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    # Without its own repository the copy would use the ignore rules of the checkout, which ignores build/.
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    (tree / ".git/info/exclude").write_text("tests/output/\n", encoding="utf-8")


def make_home(home: Path = HOME) -> None:
    """Give ansible-test its own home, so that it writes nothing into the user's."""
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in PIPS:
        (cache / f"get_pip_{version}.py").write_text(GET_PIP, encoding="utf-8")
    # The user's package index and download cache are still used.
    for name in (".config", ".cache"):
        link = home / name
        if (Path.home() / name).is_dir() and not link.is_symlink():
            link.symlink_to(Path.home() / name, target_is_directory=True)


def main(arguments: list[str]) -> int:
    """Run the sanity tests of the own environment with extra arguments; return ansible-test's exit code."""
    return run(Path(sys.executable).parent, "{}.{}".format(*sys.version_info[:2]), arguments)


def run(scripts: Path, python: str, arguments: list[str]) -> int:
    """Run the sanity tests; return ansible-test's exit code.

    Args:
        scripts: the folder of programs of an environment with ansible-core.
        python: the version of that environment's Python, such as 3.11.
        arguments: further ones of ansible-test.
    """
    try:
        copy_tree()
    except CheckoutError as error:
        print(f"sanity: {error}", file=sys.stderr)
        return 1
    make_home()
    environment = dict(os.environ, HOME=str(HOME), PATH=f"{scripts}{os.pathsep}{os.environ['PATH']}")
    command = [str(scripts / "ansible-test"), "sanity", "--python", python, *arguments]
    return subprocess.run(command, cwd=TREE, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
