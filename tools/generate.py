# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate files from the agent's protocol, the error tables and the customer's texts: run it after a change there.

The collection runs where the agent's package is not installed, so it gets the agent's answers as a
generated module. ``--check`` writes nothing and fails where a file differs from its source.
"""

from __future__ import annotations

import argparse
import difflib
import io
import json
import runpy
import sys
import textwrap
import typing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from babel.messages import mofile, pofile
from msgspec import inspect

from latchkey_agent.domain import transitions
from latchkey_agent.protocol import PROTOCOL_VERSION, setup_messages
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.errors import ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from enum import StrEnum

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "tools/generate.py"
AGENT_ERRORS = "agent/src/latchkey_agent/protocol/errors.py"
COLLECTION_ERRORS = "plugins/plugin_utils/_error_table.py"
SIGNER_LINES = "agent/src/latchkey_agent/cli/signer_lines.py"
WIDTH = 120
LANGUAGES = ("de", "en")

# Text for other files, not about this one: REUSE-IgnoreStart
SPDX = (
    "SPDX-FileCopyrightText: 2026 Latchkey contributors",
    "SPDX-License-Identifier: GPL-3.0-or-later",
)
# REUSE-IgnoreEnd

READ: tuple[type[msgspec.Struct], ...] = (
    ans.Answer,
    ans.SessionAnswer,
    ans.EndedAnswer,
    ans.RequestAnswer,
    ans.ApplyAnswer,
    ans.CommandAnswer,
    ans.RevokeAnswer,
    ans.CheckpointAnswer,
    ans.DeviceKeyAnswer,
    ans.InfoAnswer,
    ans.EventsAnswer,
    setup_messages.SetupAnswer,
)
"""The answers that the collection reads. Only `latchkeyctl` asks for the others."""
OTHERS: tuple[Any, ...] = (
    ans.ReceiptAnswer,
    ans.ReceiptListAnswer,
    ans.UnblockAnswer,
    ans.JournalAnswer,
    cm.AnyCustomerRequest,
    cm.CustomerAnswer,
)


# --- the JSON Schema --------------------------------------------------------------------------------


def schema() -> str:
    """Return the JSON Schema of the control and customer pipes; the logon pipe has no JSON."""
    _, components = msgspec.json.schema_components(
        [rq.AnyControlRequest, *READ, *OTHERS], ref_template="#/$defs/{name}"
    )
    verbs = {_tag(request): f"#/$defs/{request.__name__}" for request in _requests()}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Latchkey agent protocol {PROTOCOL_VERSION}",
        "$comment": f"{SPDX[0]}; {SPDX[1]}; made by {COMMAND} from the modules of latchkey_agent.protocol.",
        "description": "A control request; its answer is #/$defs/Answer.",
        "anyOf": [{"$ref": place} for place in verbs.values()],
        "discriminator": {"propertyName": "verb", "mapping": verbs},
        "$defs": dict(sorted(components.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _requests() -> tuple[type[msgspec.Struct], ...]:
    return typing.get_args(rq.AnyControlRequest)


def _tag(request: type[msgspec.Struct]) -> str:
    return str(request.__struct_config__.tag)


# --- the answers, as the collection reads them --------------------------------------------------------


def answers_module() -> str:
    """Return the answers that the collection reads, as dataclasses."""
    lines = [
        "from dataclasses import dataclass, field",
        "from typing import Any, Literal",
        "",
        f"PROTOCOL_VERSION = {PROTOCOL_VERSION}",
        *(line for struct in _structs() for line in _dataclass(struct)),
    ]
    head = [f"# {line}" for line in SPDX] + [
        f"# Made by {COMMAND} from the agent's protocol; do not edit.",
        "# fmt: off",
        '"""The agent\'s answers; `_answer_reader.py` reads them."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    return "\n".join([*head, *lines]) + "\n"


def _structs() -> Iterator[inspect.StructType]:
    """Yield every structure of an answer, each once, used ones before their users."""
    seen: set[type] = set()
    for answer in READ:
        yield from _walk(inspect.type_info(answer), seen)


def _walk(kind: inspect.Type, seen: set[type]) -> Iterator[inspect.StructType]:
    if isinstance(kind, inspect.StructType):
        if kind.cls in seen:
            return
        seen.add(kind.cls)
    for part in _parts(kind):
        yield from _walk(part, seen)
    if isinstance(kind, inspect.StructType):
        yield kind


def _parts(kind: inspect.Type) -> list[inspect.Type]:
    match kind:
        case inspect.StructType(fields=fields):
            return [field.type for field in fields]
        case inspect.UnionType(types=types):
            return list(types)
        case inspect.ListType(item_type=item):
            return [item]
        case inspect.DictType(value_type=value):
            return [value]
    return []


def _dataclass(struct: inspect.StructType) -> list[str]:
    first = (struct.cls.__doc__ or "").strip().splitlines()[0]
    return [
        "",
        "",
        "@dataclass(frozen=True, kw_only=True)",
        f"class {struct.cls.__name__}:",
        f'    """{first}"""',
        "",
        *(line for field in struct.fields for line in _field(field)),
    ]


def _field(field: inspect.Field) -> list[str]:
    annotation, default = _annotation(field.type), _default(field)
    if default == "None" and "None" not in annotation:
        # What the encoder may leave unset has no other default.
        annotation += " | None"
    line = f"    {field.name}: {annotation}" + ("" if default is None else f" = {default}")
    return _wrapped(line)


def _default(field: inspect.Field) -> str | None:
    """Return the default as Python text, or None where the field is required."""
    if field.required:
        return None
    if field.default is not msgspec.NODEFAULT:
        return json.dumps(field.default) if isinstance(field.default, str) else repr(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return f"field(default_factory={type(field.default_factory()).__name__})"
    return "None"


def _annotation(kind: inspect.Type) -> str:
    match kind:
        case inspect.StructType(cls=cls):
            return cls.__name__
        case inspect.ListType(item_type=item):
            return f"list[{_annotation(item)}]"
        case inspect.DictType(value_type=value):
            return f"dict[str, {_annotation(value)}]"
        case inspect.UnionType(types=types):
            return " | ".join(_annotation(part) for part in types)
        case inspect.LiteralType(values=values):
            return f"Literal[{', '.join(json.dumps(value) for value in values)}]"
    return _PLAIN[type(kind)]


_PLAIN: dict[type[inspect.Type], str] = {
    inspect.StrType: "str",
    inspect.IntType: "int",
    inspect.FloatType: "float",
    inspect.BoolType: "bool",
    inspect.AnyType: "Any",
    inspect.NoneType: "None",
}


def _wrapped(line: str) -> list[str]:
    """Break a long choice of literals: one value a line."""
    if len(line) <= WIDTH:
        return [line]
    before, rest = line.split("Literal[")
    values, after = rest.split("]")
    return [f"{before}Literal[", *(f"        {value}," for value in values.split(", ")), f"    ]{after}"]


# --- the documentation ------------------------------------------------------------------------------


def errors_page() -> str:
    """Return the page that lists every error code."""
    collection = runpy.run_path(str(ROOT / COLLECTION_ERRORS))
    advice: dict[str, str] = collection["ADVICE"]
    return "\n".join(
        [
            "<!--",
            *SPDX,
            f"Made by {COMMAND} from {AGENT_ERRORS}",
            f"and {COLLECTION_ERRORS}; do not edit.",
            "-->",
            "",
            "# Errors",
            "",
            "A task that fails returns `error_code`, `msg`, `hint` and `outcome`. The code is stable; the sentences",
            "may change. Words in braces stand for the values of the single case.",
            "",
            "- `outcome: refused`: nothing happened.",
            "- `outcome: unknown`: the action may have happened. Run the job again: it continues. Or check the",
            "  current state with `latchkey.consent.credential_info`.",
            "",
            "## Errors of the agent",
            "",
            "`latchkeyctl` on the PC prints the message and the hint. A task returns the advice for a playbook as",
            "its `hint`; where there is none, it returns the agent's hint.",
            "",
            "| code | message | hint | advice for a playbook |",
            "| --- | --- | --- | --- |",
            *(_cells(code, *row, advice.get(code, "")) for code, row in ERRORS.items()),
            "",
            "## Errors of the collection",
            "",
            "| code | message | hint |",
            "| --- | --- | --- |",
            *(_cells(code, *row) for code, row in collection["ERRORS"].items()),
            "",
        ]
    )


def _cells(code: str, *texts: str) -> str:
    return " | ".join((f"| `{code}`", *texts)) + " |"


class Machine(typing.NamedTuple):
    """One state machine: its table, its states, the state in which it begins, and one sentence for the reader."""

    table: dict[Any, Any]
    states: type[StrEnum]
    first: StrEnum
    sentence: str


MACHINES = {
    "session": Machine(
        transitions.SESSION,
        transitions.SessionState,
        transitions.SessionState.STARTED,
        "A support session owns its requests and grants. Its end erases every grant.",
    ),
    "request": Machine(
        transitions.REQUEST,
        transitions.RequestState,
        transitions.RequestState.PENDING,
        "A request asks the customer once. It becomes `shown` when its window is on the screen.",
    ),
    "grant": Machine(
        transitions.GRANT,
        transitions.GrantState,
        transitions.GrantState.ACTIVE,
        "A grant is the customer's yes. Every way out of `active` and `paused` leads to `erased`; the agent repeats "
        "an erasure that it could not confirm.",
    ),
    "permit": Machine(
        transitions.PERMIT,
        transitions.PermitState,
        transitions.PermitState.ISSUED,
        "A logon permit allows one logon. The agent can give up a redeemed permit as `refused` although Windows signs "
        "the customer in later; then it must still lock the desktop, so `refused` accepts `log_on`.",
    ),
}


def states_page() -> str:
    """Return the page that draws the four state machines."""
    lines = [
        "<!--",
        *SPDX,
        f"Made by {COMMAND} from agent/src/latchkey_agent/domain/transitions.py; do not edit.",
        "-->",
        "",
        "# States",
        "",
        "The agent refuses every input that a table does not list; nothing changes then. An arrow carries the input's",
        "name. How the machines work together: [architecture](architecture.md).",
    ]
    for name, machine in MACHINES.items():
        lines += ["", f"## {name.capitalize()}", "", *textwrap.wrap(machine.sentence, WIDTH), ""]
        lines += ["```mermaid", "stateDiagram-v2", "    direction LR", *_arrows(machine), "```", ""]
        lines += ["| state | input | next state |", "| --- | --- | --- |"]
        lines += [
            f"| `{before}` | `{given}` | `{after}` |" for (before, given), after in machine.table.items()
        ]
    return "\n".join(lines) + "\n"


def _arrows(machine: Machine) -> Iterator[str]:
    """Yield one arrow for each pair of states, with every input that leads from one to the other."""
    yield f"    [*] --> {machine.first}"
    labels: dict[tuple[str, str], list[str]] = {}
    for (before, given), after in machine.table.items():
        labels.setdefault((before, after), []).append(given)
    for (before, after), givens in labels.items():
        yield f"    {before} --> {after}: {', '.join(givens)}"
    for state in machine.states:
        if not transitions.inputs(machine.table, state):
            yield f"    {state} --> [*]"


# --- the customer's texts ----------------------------------------------------------------------------


def catalogue(language: str) -> bytes:
    """Return a language's texts as Python's gettext module reads them ("The Format of GNU MO Files", GNU gettext).

    Raises:
        babel.messages.pofile.PoFileError: the source is no catalogue; the text has its line.
    """
    with (ROOT / _catalogue_file(language, "po")).open("rb") as source:
        read = pofile.read_po(source, abort_invalid=True)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, read)
    return compiled.getvalue()


def _catalogue_file(language: str, suffix: str) -> str:
    return f"agent/src/latchkey_agent/locales/{language}/LC_MESSAGES/companion.{suffix}"


# --- modules that the collection has from the agent -------------------------------------------------


def copied(source: str) -> str:
    """Return a module of the agent that needs nothing of it, as a private module of the collection."""
    text = (ROOT / source).read_text(encoding="utf-8")
    head = "".join(f"# {line}\n" for line in SPDX)
    marks = f"# FOR INTERNAL COLLECTION USE ONLY\n# Made by {COMMAND} from {source}; do not edit.\n"
    return head + marks + text.removeprefix(head)


# --- files ------------------------------------------------------------------------------------------

TARGETS: dict[str, Callable[[], str | bytes]] = {
    "agent/src/latchkey_agent/protocol/schema.json": schema,
    "plugins/plugin_utils/_answers.py": answers_module,
    "plugins/plugin_utils/_signer_lines.py": partial(copied, SIGNER_LINES),
    "docs/errors.md": errors_page,
    "docs/states.md": states_page,
    **{_catalogue_file(language, "mo"): partial(catalogue, language) for language in LANGUAGES},
}


def differences(root: Path = ROOT) -> dict[str, str]:
    """Return each outdated file with its difference (a unified diff for text)."""
    found = {}
    for name, make in TARGETS.items():
        path, wanted = root / name, make()
        there = path.read_bytes() if path.exists() else b""
        if there != _bytes(wanted):
            found[name] = _difference(name, there, wanted)
    return found


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _difference(name: str, there: bytes, wanted: str | bytes) -> str:
    if isinstance(wanted, bytes):
        return f"{name}: outdated"
    pair = there.decode().splitlines(), wanted.splitlines()
    return "\n".join(difflib.unified_diff(*pair, name, "generated", lineterm=""))


def write(root: Path = ROOT) -> list[str]:
    """Write every outdated file; return their names."""
    stale = list(differences(root))
    for name in stale:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(TARGETS[name]()))
    return stale


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write or compare, as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare only; fail where a file is stale")
    if not parser.parse_args(arguments).check:
        for name in write(root):
            print(f"wrote {name}")
        return 0
    stale = differences(root)
    for diff in stale.values():
        print(diff)
    if stale:
        print(f"stale: {', '.join(stale)}. Run: python {COMMAND}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
