# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible_collections.latchkey.consent.plugins.doc_fragments import agent as fragment
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import (
    duration,
    moment,
    validated,
    wait_seconds,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import (
    exact_text,
    name_text,
    plain_text,
    written_time,
)

from tests.unit.plugins.fakes import entries_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
ACTIONS = sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py"))
PLUGINS = "ansible_collections.latchkey.consent.plugins"
TYPES: dict[object, str] = {
    duration: "float",
    moment: "str",
    wait_seconds: "float",
    **dict.fromkeys((exact_text, name_text, plain_text, written_time), "str"),
}
ON_CONTROLLER = {"report"}
"""Actions that ask no agent: they have neither the common options nor a place in the action group, whose defaults are
those of an agent's tasks."""
TRANSCRIPTS = [entries_of(path) for path in (Path(__file__).parent / "transcripts").glob("*.jsonl")]


def documented(module: str) -> dict[str, Any]:
    """Return a module's documented options, the common ones included."""
    own = yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{module}").DOCUMENTATION)["options"]
    if module in ON_CONTROLLER:
        return dict(own)
    common = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    names = {**common, **own}
    return {name: {**common.get(name, {}), **own.get(name, {})} for name in names}


def accepted(module: str) -> dict[str, Any]:
    """Return the options that the action accepts."""
    action = importlib.import_module(f"{PLUGINS}.action.{module}").ActionModule
    if module in ON_CONTROLLER:
        return dict(action._latchkey_spec)
    common = {
        "session": {"type": "str", "required": action._latchkey_needs_session},
        "agent_path": {"type": "str"},
        "timeout": {"type": duration, "default": action._latchkey_timeout},
        "known_pcs": {"type": "path"},
        "sealing_key": {"type": "str", "no_log": True},
        "signing_key": {"type": "str", "no_log": True},
        "signing_certificate": {"type": "str", "no_log": True},
    }
    return {**common, **action._latchkey_spec}


def test_every_action_is_documented_and_in_the_group() -> None:
    """Modules, actions and, for the agent's tasks, the action group are the same names."""
    group = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"][
        "consent"
    ]
    assert set(ACTIONS) <= set(MODULES)
    assert set(ACTIONS) - ON_CONTROLLER == set(group)


@pytest.mark.parametrize("module", ACTIONS)
def test_the_documentation_says_what_the_action_accepts(module: str) -> None:
    """Names, types, choices, defaults and what is required agree."""
    assert_same_options(documented(module), accepted(module))


def assert_same_options(told: dict[str, Any], taken: dict[str, Any]) -> None:
    """Compare documented options with accepted ones, those inside of options too."""
    assert set(told) == set(taken)
    for name, spec in taken.items():
        kind = TYPES.get(spec["type"], spec["type"])
        assert told[name]["type"] == kind, name
        assert told[name].get("required", False) == spec.get("required", False), name
        assert told[name].get("default") == spec.get("default"), name
        assert told[name].get("choices") == spec.get("choices"), name
        assert_same_options(told[name].get("suboptions", {}), spec.get("options", {}))


@pytest.mark.parametrize("module", sorted({entries[0]["module"] for entries in TRANSCRIPTS}))
def test_the_documentation_names_what_is_returned(module: str) -> None:
    """Every key that a transcript's result has stands in RETURN, and Ansible's own beside it."""
    returned = yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{module}").RETURN)
    ends = [entries[-1]["result"] for entries in TRANSCRIPTS if entries[0]["module"] == module]
    keys = {key for end in ends for key in end}
    assert keys - {"changed", "failed", "unreachable"} <= set(returned)


@pytest.mark.parametrize("module", ACTIONS)
def test_the_examples_are_tasks_that_are_accepted(module: str) -> None:
    """Each task of EXAMPLES that is one of ours passes the validation of its options."""
    examples = yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{module}").EXAMPLES)
    tasks = [task for entry in examples for task in (entry, *entry.get("tasks", ()), *entry.get("block", ()))]
    found = 0
    for task in tasks:
        for action in ACTIONS:
            if (options := task.get(f"latchkey.consent.{action}")) is not None:
                spec = accepted(action)
                given = {name: _templated(value, spec.get(name, {})) for name, value in options.items()}
                validated(spec, {"session": "from module_defaults", **given})
                found += action == module
    assert found


def _templated(value: object, option: dict[str, Any]) -> object:
    """Return an option's value as the action may get it: a template of a whole value may give a list."""
    if not (isinstance(value, str) and value.startswith("{{") and value.endswith("}}")):
        return value
    return "2026-11-23T22:30:00+01:00" if option.get("type") is moment else []


def test_the_role_s_readme_names_every_variable() -> None:
    """What the role's specification has stands in its table, with the same default."""
    specs = yaml.safe_load((ROOT / "roles/maintenance/meta/argument_specs.yml").read_text(encoding="utf-8"))
    readme = (ROOT / "roles/maintenance/README.md").read_text(encoding="utf-8")
    for entry in specs["argument_specs"].values():
        for name in entry["options"]:
            assert f"| `{name}` |" in readme


def test_the_role_s_defaults_are_the_specified_ones() -> None:
    """The specification's defaults are those of defaults/main.yml."""
    specs = yaml.safe_load((ROOT / "roles/maintenance/meta/argument_specs.yml").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((ROOT / "roles/maintenance/defaults/main.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    told = {name: option["default"] for name, option in options.items() if "default" in option}
    computed = {"maintenance_session", "maintenance_steps_dir"}
    assert {name: value for name, value in defaults.items() if name not in computed} == told


VIEWS: dict[str, Any] = {
    "agent": _answers.AgentView,
    "before": _answers.CheckpointView,
    "forecast": _answers.ForecastView,
    "grant": _answers.GrantView,
    "grants": _answers.GrantView,
    "journal_head": _answers.HeadView,
    "receipts": _answers.ReceiptView,
    "request": _answers.RequestView,
    "terms": _answers.TermsView,
}
"""The agent's views that a result shows as they are, by their key."""


@pytest.mark.parametrize("module", MODULES)
def test_the_documentation_names_every_field_of_the_agent_s_views(module: str) -> None:
    """A field that the protocol gets or loses is documented or removed."""
    assert_views(yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{module}").RETURN))


def assert_views(returned: dict[str, Any], path: str = "") -> None:
    """Compare the documented fields of each view with its class."""
    for name, entry in returned.items():
        fields = entry.get("contains", {})
        # The checks of the erasure list the grants, too.
        if fields and name in VIEWS and path != "erasure":
            assert set(fields) == {field.name for field in dataclasses.fields(VIEWS[name])}, name
        assert_views(fields, name)


SOUNDS_SECRET = re.compile("pass(word|phrase)|secret|token|private|(^|_)key")


def all_options(options: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return each option with its description, those inside of options too."""
    for name, told in options.items():
        yield name, told
        yield from all_options(told.get("suboptions") or told.get("options") or {})


def hidden_names(options: dict[str, Any]) -> list[str]:
    """Return the options that sound secret and are not `no_log`: AWX would store them with the job."""
    return [
        n for n, told in all_options(options) if SOUNDS_SECRET.search(n) and told.get("no_log") is not True
    ]


def test_an_option_that_sounds_secret_is_not_logged() -> None:
    """Those of modules, actions and roles; the test's own rule knows such an option, also inside of another."""
    for module in ACTIONS:
        assert hidden_names(accepted(module)) == []
    for module in MODULES:
        # A module's documentation has no word for it.
        known = accepted(module) if module in ACTIONS else {}
        assert [name for name in hidden_names(documented(module)) if not known[name].get("no_log")] == []
    for role in ("agent", "maintenance"):
        text = (ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8")
        for entry in yaml.safe_load(text)["argument_specs"].values():
            assert hidden_names(entry.get("options", {})) == []
    inside = {"signer": {"options": {"signing_key": {"type": "path"}, "password": {"no_log": True}}}}
    assert hidden_names(inside) == ["signing_key"]
