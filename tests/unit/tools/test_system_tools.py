# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from agent.packaging import product_identity, system_tools
from agent.packaging.workshop import WorkError
from tools.sanity import NO_GIT


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A computer without the programs."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_programs")
def test_other_systems_than_debian_get_the_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where apt-get is missing, no command with it is named."""
    monkeypatch.setattr(system_tools, "APT_GET", tmp_path / "apt-get")
    told = system_tools.SIGNATURE.missing()
    assert told == "cannot sign files: install the programs osslsigncode (Debian's packages osslsigncode)"
    (tmp_path / "apt-get").touch()
    assert system_tools.SIGNATURE.missing() == f"cannot sign files: {system_tools.APT} osslsigncode"


@pytest.mark.usefixtures("no_programs")
def test_missing_git_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The build's time is that of the last commit: without git the sentence names its package."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    with pytest.raises(WorkError) as caught:
        product_identity.build_moment()
    assert str(caught.value) == NO_GIT
