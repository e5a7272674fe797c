# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transcripts: everything that the agent decides, journals, answers and does on its PC in a story.

`python -m tests.unit.agent.transcript` writes the transcripts anew. Read the difference before you commit it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import logging
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import msgspec

import latchkey_agent
from latchkey_agent import __version__
from latchkey_agent.core import core as core_module
from latchkey_agent.core.core import Core
from latchkey_agent.domain import commands as c
from latchkey_agent.domain.decide import decide
from latchkey_agent.domain.decision import Decision
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.transitions import IllegalTransitionError
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import NO_INTERVAL, Bench, memory_disk
from tests.unit.agent.world import CUSTOMER, LOGON, OPERATOR, World

FOLDER = Path(__file__).with_name("transcripts")
CONSTANTS = Path(__file__).with_name("constants.txt")
AGAIN = "If the change is meant, write the transcripts anew (python -m tests.unit.agent.transcript) and read them."
LISTED = ("domain", "handlers", "storage", "core")
"""The packages whose constants are listed."""
WIDTH = 108
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_HEX = re.compile(r"\b[0-9a-f]{32,}\b")
_BASE64 = re.compile(r"(?<![\w/+-])[\w/+-]{43,}={0,2}(?![\w/+=-])")
_IDS = ("id", "notice", "request", "grant", "permit", "name")
_SIGNATURE = re.compile(r"-----BEGIN SSH SIGNATURE-----[\w/+=\\\s]+-----END SSH SIGNATURE-----(?:\\n|\n)?")
_AS_OF = re.compile(r"""(\bas_of: "|\bAs of )[\dT:+-]+""")
_SIZE = re.compile(r"\b\d[\d,]*(?= bytes\b)")


def fixed_world() -> World:
    """Return a PC whose random numbers are the same in each run."""
    random = Random(5)  # noqa: S311 - the same ids in each run
    return World(random=random.randbytes, machine_key=random.randbytes(32))


class Transcript(Bench):
    """An agent on a computer in memory that writes down everything that happens."""

    def __init__(self, folder: Path, policy: str = NO_INTERVAL) -> None:
        self.lines: list[str] = []
        self._names: dict[str, str] = {}
        self._before: dict[str, Any] = {}
        self._last: dict[str, dict[str, str]] = {}
        world = fixed_world()
        self.tell("the agent starts")
        super().__init__(folder, world, policy)
        self.look()

    # --- what happened ------------------------------------------------------------------------

    def tell(self, title: str) -> None:
        """Begin a step of the story."""
        self.lines += ["", f"## {title}"]

    def note(self, kind: str, value: Any) -> None:
        """Write a value down, with a name for each of its random parts."""
        plain = json.loads(msgspec.json.encode(value, enc_hook=str))
        self.lines += [self._masked(line) for line in _laid_out(f"{kind}: ", plain)]

    def note_changes(self, kind: str, value: Any) -> None:
        """Write down the parts of a value that differ from those of its kind before."""
        plain = json.loads(msgspec.json.encode(value))
        parts = dict(self._masked(line).split(": ", 1) for line in _flat("", plain))
        before = self._last.get(kind, {})
        self._last[kind] = parts
        self.lines.append(f"{kind}, since the last one:")
        gone = Counter(path.rpartition("]")[0] or path for path in before if path not in parts)
        self.lines += [f"- {path} with {count} parts" for path, count in gone.items()]
        for path, part in parts.items():
            if path not in before:
                self.lines.append(f"+ {path}: {part}")
            elif before[path] != part:
                self.lines.append(f"! {path}: {before[path]} -> {part}")

    @contextmanager
    def untold(self) -> Iterator[None]:
        """Leave out a part that another story tells."""
        told = len(self.lines)
        yield
        del self.lines[told:]

    def look(self) -> None:
        """Write down everything that has changed on the PC."""
        world = self.world
        now = {
            "clock": world.now.isoformat(),
            "boot": world.boot,
            "signed_in": [f"{s.account.user} in {s.session_id}, {_condition(s)}" for s in world.signed_in],
            "restarts": list(zip(world.restarts, world.warnings, strict=True)),
            "checks": list(world.checks),
            "summoned": list(world.summoned),
            "announced": world.announced,
            "sealed_records": self.seal_tags() if self.folder.exists() else 0,
        }
        for key, value in now.items():
            if value != self._before.get(key):
                self.note(f"PC {key}", value)
        self._before = now

    def _masked(self, line: str) -> str:
        line = line.replace(__version__, "<version>").replace(str(self.folder), "<folder>")
        line = _SIZE.sub("<count>", _AS_OF.sub(r"\1<now>", line))
        for kind, pattern in (("signature", _SIGNATURE), ("id", _UUID), ("hex", _HEX), ("text", _BASE64)):
            line = pattern.sub(lambda found, kind=kind: self._name(kind, found[0]), line)  # type: ignore[misc]
        return line

    def _name(self, kind: str, value: str) -> str:
        if set(value) == {"0"}:
            return value
        count = sum(name.startswith(f"<{kind}") for name in self._names.values())
        return self._names.setdefault(value, f"<{kind} {count + 1}>")

    # --- what is asked ------------------------------------------------------------------------

    def ask(self, request: rq.ControlRequest, peer: Peer = OPERATOR) -> ans.Answer:
        """Send one control request; write it and its answer down."""
        self.tell(f"{peer.account.user if peer.account else 'system'} asks")
        self.note(type(request).__name__, _told(request))
        body = self.agent.control(msgspec.json.encode(request), peer)
        note = self.note_changes if isinstance(request, rq.Info) else self.note
        note("answer", msgspec.Raw(body))
        self._run_effects()
        self.look()
        return msgspec.json.decode(body, type=ans.Answer)

    def customer(
        self, request: cm.CustomerRequest, secret: bytes | bytearray = b"", peer: Peer = CUSTOMER
    ) -> cm.CustomerAnswer:
        """Send one message as the companion; write it and its answer down, without the secret."""
        self.tell(f"{peer.account.user if peer.account else 'system'}'s companion")
        self.note(type(request).__name__, _told(request))
        answer = super().customer(request, secret, peer)
        is_long = isinstance(request, cm.CustomerWatch | cm.OwnReceipts)
        if is_long:
            self.note_changes(f"answer to {type(request).__name__}", answer)
        else:
            self.note("answer", answer)
        self.look()
        return answer

    def logon(self, request: lm.LogonRequest, peer: Peer = LOGON) -> tuple[lm.LogonAnswer, bytearray]:
        """Send one message as the credential provider; write it and its answer down, without the secret."""
        self.tell("the logon screen")
        self.note(type(request).__name__, _told(request))
        answer, secret = super().logon(request, peer)
        self.note("answer", answer)
        self.note("with a secret", bool(secret))
        self.look()
        return answer, secret

    # --- what happens on the PC ---------------------------------------------------------------

    def wake(self) -> None:
        """Handle passed deadlines."""
        self.tell("time passes")
        super().wake()
        self.look()

    def start(self) -> None:
        """Start the agent again."""
        self.tell("the agent starts again")
        super().start()
        self.effects()
        self.look()

    def see_sessions(self) -> None:
        """Let Windows notify the agent that its sessions have changed."""
        self.tell("Windows' sessions have changed")
        self.agent.sessions_changed()
        self.effects()
        self.look()

    def everything(self) -> None:
        """Write down everything that operators and customers can be told now."""
        self.ask(rq.Info())
        self.customer(cm.CustomerWatch())
        self.customer(cm.OwnReceipts())


def _condition(signed_in: Any) -> str:
    active = "active" if signed_in.active else "disconnected"
    return f"{active}, {'locked' if signed_in.locked else 'open'}"


def _told(message: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of a message that differ from their defaults."""
    fields = {field.name: field for field in msgspec.structs.fields(message)}
    values = {name: getattr(message, name) for name in fields}
    return {name: value for name, value in values.items() if value != fields[name].default}


def _laid_out(before: str, value: Any) -> Iterator[str]:
    """Yield a JSON value as lines: on one line if it is short, else as filled lines below."""
    short = json.dumps(value, ensure_ascii=False)
    if len(before) + len(short) <= WIDTH or not isinstance(value, dict | list) or not value:
        yield before + short
        return
    yield before.rstrip()
    indent = " " * (len(before) - len(before.lstrip()) + 4)
    parts = value.items() if isinstance(value, dict) else (("", part) for part in value)
    filled = ""
    for name, part in parts:
        one = (f"{name}: " if name else "") + json.dumps(part, ensure_ascii=False)
        if len(indent) + len(one) > WIDTH and isinstance(part, dict | list):
            if filled:
                yield indent + filled
            filled = ""
            yield from _laid_out(f"{indent}{name}: " if name else f"{indent}- ", part)
        elif filled and len(indent) + len(filled) + len(one) + 2 > WIDTH:
            yield indent + filled
            filled = one
        else:
            filled = f"{filled}; {one}" if filled else one
    if filled:
        yield indent + filled


def _flat(path: str, value: Any) -> Iterator[str]:
    """Yield each part of a JSON value on a line with its path."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _flat(f"{path}.{name}" if path else name, part)
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        for number, part in enumerate(value):
            # An id stays the same where others come before it.
            named = (
                next((part[key] for key in _IDS if key in part), number) if isinstance(part, dict) else number
            )
            yield from _flat(f"{path}[{named}]", part)
    else:
        yield f"{path}: {json.dumps(value, ensure_ascii=False)}"


@contextmanager
def watched(lines: Transcript) -> Iterator[None]:
    """Write down every command, refusal, event and effect of the core."""
    commit = Core._commit

    def deciding(state: Any, command: c.AnyCommand, now: Any, policy: Any) -> Decision:
        try:
            decision = decide(state, command, now, policy)
        except Refused as refusal:
            lines.note(f"  {type(command).__name__}", command)
            refused = {"code": refusal.code, "retry_after": refusal.retry_after, **refusal.places}
            lines.note("    refused", refused)
            raise
        except IllegalTransitionError as fault:
            lines.note(f"  {type(command).__name__}", command)
            lines.note("    contradicts the tables", str(fault))
            raise
        if not isinstance(command, c.Tick):
            lines.note(f"  {type(command).__name__}", command)
            lines.note("    subject", decision.subject)
        return decision

    def committing(
        core: Core, decision: Decision, put: tuple[str, bytes] | None = None, *, revokes: bool = False
    ) -> None:
        for event in decision.events:
            lines.note("    event", event)
        for effect in decision.effects:
            lines.note("    effect", effect)
        if put is not None:
            lines.note("    sealed record of", put[0])
        commit(core, decision, put, revokes=revokes)

    with patch.object(core_module, "decide", deciding), patch.object(Core, "_commit", committing):
        yield


def record(name: str, folder: Path, secret: bytearray) -> str:
    """Play a story in this folder; return its transcript."""
    from tests.unit.agent.stories import STORIES  # noqa: PLC0415 - the stories need this module

    story = STORIES[name]
    transcript = Transcript.__new__(Transcript)
    with watched(transcript):
        transcript.__init__(folder, story.policy)  # type: ignore[misc]
        try:
            story.play(transcript, secret)
        finally:
            transcript.stop()
    title = f"# {(story.play.__doc__ or name).strip()}"
    return "\n".join([title, *transcript.lines]) + "\n"


def constants() -> str:
    """Return the constants, tables and defaults of the core's modules, a line for each value or row."""
    package = Path(latchkey_agent.__file__).parent
    lines: list[str] = []
    for file in sorted(file for name in LISTED for file in (package / name).glob("*.py")):
        inner = file.relative_to(package).with_suffix("").parts
        module = importlib.import_module(".".join(["latchkey_agent", *inner]))
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            for target in targets:
                if isinstance(target, ast.Name) and target.id.isupper():
                    lines += _rows(f"{'/'.join(inner)}.{target.id}", getattr(module, target.id))
            if isinstance(node, ast.ClassDef):
                lines += _defaults(f"{'/'.join(inner)}.{node.name}", getattr(module, node.name))
    return "\n".join(lines) + "\n"


def _defaults(name: str, kind: Any) -> Iterator[str]:
    """Yield each default of a structure's fields."""
    fields = getattr(kind, "_field_defaults", {})
    if issubclass(kind, msgspec.Struct):
        fields = {field.name: field.default for field in msgspec.structs.fields(kind)}
    for field, value in fields.items():
        if value is not msgspec.NODEFAULT:
            yield f"{name}.{field} = {_plain(value)}"


def _rows(name: str, value: Any) -> Iterator[str]:
    """Yield a constant, or each row of a table, as a line."""
    if isinstance(value, set | frozenset):
        value = sorted(value, key=_plain)
    if isinstance(value, Mapping):
        yield from (f"{name}[{_plain(key)}] = {_plain(row)}" for key, row in value.items())
    elif isinstance(value, list | tuple) and len(value) > 3 and len(value) < 1000:
        yield from (f"{name}[{number}] = {_plain(row)}" for number, row in enumerate(value))
    else:
        text = _plain(value)
        yield f"{name} = {text if len(text) < 3000 else hashlib.sha256(text.encode()).hexdigest()}"


def _plain(value: Any) -> str:
    """Return a text for a value that is the same in each run."""
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_plain, value)))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_plain(key)}: {_plain(part)}' for key, part in value.items())}}}"
    if isinstance(value, tuple | list) and type(value) in {tuple, list}:
        return f"({', '.join(map(_plain, value))})"
    if isinstance(value, type) or callable(value):
        return str(getattr(value, "__qualname__", type(value).__name__))
    return repr(value)


def main() -> int:
    """Write all transcripts anew; return the exit code."""
    from tests.unit.agent.stories import STORIES  # noqa: PLC0415 - as above

    logging.disable()
    FOLDER.mkdir(exist_ok=True)
    for name in STORIES:
        with TemporaryDirectory(dir=memory_disk()) as folder:
            text = record(name, Path(folder), bytearray("A1 a story's password".encode("utf-16-le")))
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
        print(f"transcripts/{name}.txt: {text.count(chr(10))} lines")
    CONSTANTS.write_text(constants(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
