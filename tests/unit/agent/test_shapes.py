# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for all commands, events, effects and parts of the state, and for the tables of the domain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import Parameter, signature
from types import ModuleType
from typing import Any

import msgspec
import pytest

from latchkey_agent.domain import commands, decision, effects, events, forecast_facts, model
from latchkey_agent.domain.commands import Command
from latchkey_agent.domain.effects import Effect
from latchkey_agent.domain.events import Event
from tests.unit.agent.transcript import AGAIN, CONSTANTS, constants

MODULES = (commands, decision, effects, events, model)
POSITIONAL = {
    "Account", "Actor", "Archived", "Call", "Checkpoint", "ClockBase", "Decision", "Erasure", "Omitted", "Requester",
    "SeenSession",
}  # fmt: skip
"""The small structures whose fields need no names."""


def structs(module: ModuleType) -> Iterator[Any]:
    """Yield the structures that a module defines."""
    for kind in vars(module).values():
        is_own = isinstance(kind, type) and kind.__module__ == module.__name__
        if is_own and issubclass(kind, msgspec.Struct):
            yield kind


EVERY = [kind for module in MODULES for kind in structs(module)]


def name(kind: Any) -> str:
    """Return the name of a structure."""
    return str(kind.__name__)


@pytest.mark.parametrize("kind", EVERY, ids=name)
def test_no_structure_can_be_changed(kind: Any) -> None:
    """A value of the domain stays as it was made."""
    assert kind.__struct_config__.frozen


@pytest.mark.parametrize("kind", EVERY, ids=name)
def test_the_fields_of_a_structure_are_named_where_it_is_made(kind: Any) -> None:
    """Two fields of the same type cannot be mixed up; only small structures take their fields in order."""
    if name(kind) not in POSITIONAL:
        kinds = {parameter.kind for parameter in signature(kind).parameters.values()}
        assert kinds <= {Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("kind", [*structs(events), *structs(effects)], ids=name)
def test_an_event_and_an_effect_are_kept_under_their_name(kind: Any) -> None:
    """The journal knows an event by its class's name in small letters; a change would make it unreadable."""
    if kind in {Event, Effect}:
        return
    in_words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name(kind)).lower()
    assert kind.__struct_config__.tag == in_words
    assert kind.__struct_config__.tag_field == ("event" if issubclass(kind, Event) else "effect")


@pytest.mark.parametrize("kind", EVERY, ids=name)
def test_each_default_is_of_the_type_of_its_field(kind: Any) -> None:
    """A default stands for a missing value of its field, and is one of its values."""
    for field in msgspec.structs.fields(kind):
        if field.default is not msgspec.NODEFAULT:
            plain = msgspec.to_builtins(field.default)
            assert msgspec.convert(plain, field.type) == field.default


def test_every_command_event_and_effect_is_in_its_union() -> None:
    """The unions list every class, so the type checker sees each of them."""
    listed = [
        (commands.AnyCommand, structs(commands), Command),
        (events.AnyEvent, structs(events), Event),
        (effects.AnyEffect, structs(effects), Effect),
    ]
    for union, kinds, base in listed:
        assert set(union.__args__) == {kind for kind in kinds if issubclass(kind, base) and kind is not base}


def test_each_constant_is_as_its_list_tells() -> None:
    """A changed limit or row of a table is a changed promise: the list shows it to the reviewer."""
    assert constants().splitlines() == CONSTANTS.read_text(encoding="utf-8").splitlines(), AGAIN


def test_the_facts_of_an_account_are_facts() -> None:
    """Each name is one of the forecast's facts."""
    assert set(forecast_facts.LogonFacts._fields) > forecast_facts.OF_ACCOUNT
