# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""latchkey.consent.grants: an event source for Event-Driven Ansible.

ansible-rulebook runs this file by itself, so it imports nothing of the collection. It asks the PCs through
ansible-runner, a playbook and the module latchkey.consent.event_info, as any other job does.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import re
import shutil
import tempfile
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import ansible_runner
from ansible_runner.interface import init_runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCUMENTATION = r"""
---
short_description: Receive the answers of customers and the ends of grants
description:
  - Long-polls PCs with the consent agent through Ansible, and passes their events on in the order of each PC's journal.
  - The fields stand below C(event.latchkey). They are C(id), C(host), C(event), C(session), C(request), C(grant),
    C(reason), C(position) and C(at), as M(latchkey.consent.event_info) returns them.
  - C(event) is V(granted), V(denied), V(reported), V(revoked), V(rejected), V(ended) or V(erasure_failed), or
    V(position_lost) if the file with the place in a PC's journal was damaged and events may be missing.
  - The place in each PC's journal is kept in a file, so a rulebook that starts again goes on where it stopped.
  - A PC that cannot be reached is tried again with growing pauses. A PC that refuses the account is not tried again
    until the rulebook starts again.
options:
  inventory:
    description:
      - An inventory of Ansible, or a list of them, with the settings of the connections.
    type: raw
    required: true
  hosts:
    description:
      - The pattern of the PCs to watch.
    type: str
    default: all
  state:
    description:
      - The folder for the places. One rulebook uses it at a time.
    type: path
    required: true
  connections:
    description:
      - The most connections at a time, at least 2. A fifth of them is for PCs that could not be reached.
    type: int
    default: 10
  start:
    description:
      - The events to begin with at a PC without a file. V(now) begins with the next one, V(beginning) with the first
        one in the PC's journal.
    type: str
    choices: [now, beginning]
    default: now
  patience:
    description:
      - Seconds after which a PC that does not answer counts as off.
    type: float
    default: 10
  longest_pause:
    description:
      - The longest pause between two tries of a PC that is off, in seconds. The first one is 5 seconds.
    type: float
    default: 300
  refresh:
    description:
      - Seconds after which the inventory is read again.
    type: float
    default: 300
  arguments:
    description:
      - Further arguments for C(ansible-playbook) and C(ansible), such as the file of a vault's password.
    type: str
    default: ""
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Watch the PCs of tonight
  latchkey.consent.grants:
    inventory: /etc/ansible/pcs.yml
    hosts: tonight
    state: /var/lib/latchkey-events
    connections: 20
"""

log = logging.getLogger("latchkey.consent.grants")

LONG_POLL = 15.0
"""Seconds of one question at most, and the time in which each PC is to have its turn."""
RUN_SECONDS = 60.0
"""Seconds after which a run of ansible-playbook makes room for PCs that have come back."""
OVERDUE_SECONDS = 120.0
"""Seconds after which a run that should have ended is cancelled."""
FIRST_PAUSE = 5.0
RETURNED_PAUSE = 2.0
"""Seconds between two looks at a PC that is back and not yet in the long run."""
TICK = 0.2
KEPT = 200
"""Emitted events of a PC whose ids are kept, to know them again in a restored journal."""
KINDS = ("granted", "denied", "reported", "revoked", "rejected", "ended", "erasure_failed")
REJECTED = ("credentials_rejected", "client_certificate_rejected")

_ASKED = ("runner_on_ok", "runner_on_failed", "runner_on_unreachable")
_ID = re.compile(r"[0-9a-f]{32}")
_FIELDS = {
    "session": re.compile(r"[^\x00-\x1f\x7f]{0,80}"),
    "request": re.compile(r"[0-9A-Za-z-]{0,64}"),
    "grant": re.compile(r"[0-9A-Za-z-]{0,64}"),
    "reason": re.compile(r"[a-z_]{0,40}"),
    "at": re.compile(r"[0-9T:.+Z-]{1,40}"),
}
_TEMPLATE = re.compile(r"\{[{%#]")
_RUN = "run-"
_HERE = Path(__file__).resolve()
_PLAYBOOK = _HERE.parents[2] / "playbooks" / "watch.yml"


class SourceError(Exception):
    """The source cannot start, in a sentence."""


# --- options --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    """The arguments of the source, checked."""

    inventory: list[str]
    state: Path
    hosts: str = "all"
    connections: int = 10
    start: str = "now"
    patience: float = 10.0
    longest_pause: float = 300.0
    refresh: float = 300.0
    arguments: str = ""


def options(args: dict[str, Any]) -> Options:
    """Return the checked arguments.

    Raises:
        SourceError: one is missing, unknown or out of its bounds.
    """
    known = set(Options.__dataclass_fields__)
    given = {name: value for name, value in args.items() if name not in {"feedback", "eda_feedback_queue"}}
    if unknown := sorted(set(given) - known):
        raise SourceError(f"Unknown argument {unknown[0]}. The arguments are {', '.join(sorted(known))}.")
    for name in ("inventory", "state"):
        if not given.get(name):
            raise SourceError(f"The argument {name} is missing.")
    inventory = given["inventory"]
    paths = inventory if isinstance(inventory, list) else [inventory]
    given |= {
        "inventory": [_whole_path(str(path)) for path in paths],
        "state": Path(str(given["state"])).resolve(),
    }
    for name in ("patience", "longest_pause", "refresh"):
        given[name] = _number(name, given.get(name, getattr(Options, name)))
    given["connections"] = int(_number("connections", given.get("connections", Options.connections), least=2))
    if given.get("start", "now") not in {"now", "beginning"}:
        raise SourceError("The argument start is now or beginning.")
    return Options(**given)


def _whole_path(path: str) -> str:
    """Return the path of an inventory; a list of hosts ("pc1,pc2") stays as it is."""
    return path if "," in path else str(Path(path).resolve())


def _number(name: str, value: object, least: float = 0.1) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not least <= number <= 86_400:
        raise SourceError(f"The argument {name} is a number from {least:g} to 86400.")
    return number


# --- the place in a PC's journal ------------------------------------------------------------------------


@dataclass
class Cursor:
    """The place behind the last emitted event of a PC, and the latest emitted events, the oldest first."""

    position: int | None = None
    mark: str | None = None
    recent: list[tuple[int, str]] = field(default_factory=list)

    def advance(self, position: int, mark: str) -> None:
        """Go behind an emitted event."""
        self.position, self.mark = position, mark
        self.recent = [*self.recent, (position, mark)][-KEPT:]

    def has(self, mark: str) -> bool:
        """Tell whether an event was emitted."""
        return any(mark == kept for _position, kept in self.recent)

    def step_back(self) -> None:
        """Go to the oldest kept place, and from there to the journal's beginning."""
        oldest = self.recent[0] if self.recent else None
        if oldest is None or (self.position, self.mark) == oldest:
            self.position, self.mark = 0, None
        else:
            self.position, self.mark = oldest


class CursorDamaged(Exception):
    """Neither the file of a cursor nor the one before it can be read."""


class CursorFile:
    """Keeps the cursor of one PC, and the one before it."""

    def __init__(self, folder: Path, host: str) -> None:
        self._path = folder / f"{quote(host, safe='')}.json"
        self._before = self._path.with_suffix(".before")

    def load(self) -> Cursor | None:
        """Return the cursor, None for a PC that has none yet.

        Raises:
            CursorDamaged: there is a file and it holds no cursor.
        """
        files = [path for path in (self._path, self._before) if path.exists()]
        for path in files:
            with contextlib.suppress(ValueError, TypeError, KeyError, OSError):
                return _cursor(json.loads(path.read_text(encoding="utf-8")))
            log.warning("The file %s holds no place of a journal.", path)
        if files:
            raise CursorDamaged
        return None

    def save(self, cursor: Cursor) -> None:
        """Write the cursor; at each moment one of the two files is whole."""
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as stream:
            json.dump(asdict(cursor), stream)
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileNotFoundError):
            self._path.replace(self._before)
        new.replace(self._path)
        _sync_folder(self._path.parent)

    def set_aside(self) -> None:
        """Keep the damaged files, so that a person can look for the reason."""
        for path in (self._path, self._before):
            with contextlib.suppress(FileNotFoundError):
                path.replace(path.with_name(f"{path.name}.damaged"))


def _cursor(read: dict[str, Any]) -> Cursor:
    recent = [(int(position), _checked(_ID, mark)) for position, mark in read["recent"]]
    position, mark = int(read["position"]), read["mark"]
    if position < 0 or (position > 0) != (mark is not None):
        raise ValueError("a position and its mark belong together")
    return Cursor(position, None if mark is None else _checked(_ID, mark), recent)


def _checked(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise ValueError("an unexpected form")
    return value


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Use the folder alone. The system ends the lock with this process, however it ends.

    Raises:
        SourceError: another process uses the folder, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stream = (folder / "lock").open("w", encoding="utf-8")
    except OSError as fault:
        raise SourceError(f"The folder {folder} cannot be written: {fault.strerror}.") from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SourceError(f"Another rulebook uses the folder {folder}. Give each its own.") from None
        yield


# --- what a PC said -------------------------------------------------------------------------------------


def event_of(host: str, told: dict[str, Any]) -> dict[str, Any]:
    """Return an event for the rules.

    The PC may be in wrong hands, and rules put these texts into templates. So each has its own form, and a name that
    looks like a template is left out.

    Raises:
        ValueError: the PC's text is no event.
    """
    if told.get("event") not in KINDS:
        raise ValueError("an unknown kind of event")
    texts = {name: _checked(pattern, told.get(name, "")) for name, pattern in _FIELDS.items()}
    if _TEMPLATE.search(texts["session"]):
        texts["session"] = ""
    return _for_rules(host, told["event"], _checked(_ID, told.get("id")), int(told["position"]), texts)


def position_lost(host: str) -> dict[str, Any]:
    """Return the event that tells of a damaged cursor."""
    texts = dict.fromkeys(("session", "request", "grant", "reason", "at"), "")
    return _for_rules(host, "position_lost", uuid.uuid4().hex, 0, texts)


def _for_rules(host: str, kind: str, mark: str, position: int, texts: dict[str, str]) -> dict[str, Any]:
    told = {"id": mark, "host": host, "event": kind, "position": position, **texts}
    return {"latchkey": told, "meta": {"hosts": host, "uuid": str(uuid.UUID(hex=mark))}}


# --- the queue of the rulebook --------------------------------------------------------------------------


class Outlet:
    """Hands events over to the rulebook, one at a time."""

    def __init__(self, queue: Any, feedback: asyncio.Queue[Any] | None) -> None:  # noqa: ANN401 - ansible-rulebook's
        self._queue = queue
        self._feedback = feedback
        self._turn = asyncio.Lock()

    async def emit(self, event: dict[str, Any]) -> None:
        """Return once the rulebook has taken the event.

        With `feedback` (a rulebook with persistence) the rulebook says so. Otherwise it has taken the event when its
        queue is empty: it passes an event to its engine in the step in which it takes it.
        """
        async with self._turn:
            await self._queue.put(event)
            if self._feedback is not None:
                await self._feedback.get()
                return
            inner = getattr(self._queue, "queue", self._queue)
            while not inner.empty():  # noqa: ASYNC110 - a queue has no event for that
                await asyncio.sleep(0.01)


# --- the PCs --------------------------------------------------------------------------------------------


class Pc:
    """One PC: its place, and when it is asked next."""

    def __init__(self, host: str, folder: Path, start: str) -> None:
        self.host = host
        self.file = CursorFile(folder, host)
        self.failures = 0
        self.due = 0.0
        self.running = False
        self.rejected = False
        self.was_damaged = False
        self._problem = ""
        self._start = start
        self.cursor = self._load()

    def _load(self) -> Cursor:
        fresh = Cursor(0, None) if self._start == "beginning" else Cursor()
        try:
            return self.file.load() or fresh
        except CursorDamaged:
            self.was_damaged = True
            return fresh

    def place(self) -> dict[str, Any]:
        """Return the place for the playbook; without a position the PC names the end of its journal."""
        return {"position": self.cursor.position, "mark": self.cursor.mark}

    def failed(self, result: dict[str, Any], longest_pause: float) -> None:
        """Ask again later; do not ask again where the account was refused."""
        code, text = str(result.get("error_code", "")), str(result.get("msg", "no answer"))
        self.failures += 1
        self.due = time.monotonic() + min(FIRST_PAUSE * 2.0 ** min(self.failures - 1, 30), longest_pause)
        if code in REJECTED:
            self.rejected = True
            text += " The PC is not asked again until the rulebook starts again."
        if text != self._problem:
            self._problem = text
            log.warning("%s: %s", self.host, text)

    def answered(self) -> None:
        """Note that the PC can be reached."""
        self.failures, self._problem = 0, ""
        self.due = time.monotonic() + RETURNED_PAUSE


class Watch:
    """Asks the PCs in two lanes: one for those that answer, one for those that did not.

    A lane is one run of ansible-playbook after the other. So a PC that is off takes no connection from the others.
    """

    def __init__(self, chosen: Options, outlet: Outlet) -> None:
        self._chosen = chosen
        self._outlet = outlet
        self._pcs: dict[str, Pc] = {}
        self._ended = threading.Event()
        self._running: set[asyncio.Future[Any]] = set()

    async def run(self) -> None:
        """Watch until the task is cancelled; end the running jobs then."""
        away = max(1, self._chosen.connections // 5)
        try:
            await self._refresh()
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(self._keep_refreshing())
                lanes.create_task(self._lane(self._present, self._chosen.connections - away, RUN_SECONDS))
                lanes.create_task(self._lane(self._others, away, 0.0))
        finally:
            self._ended.set()
            if self._running:
                await asyncio.wait(self._running)

    # --- which PCs

    async def _keep_refreshing(self) -> None:
        while True:
            await asyncio.sleep(self._chosen.refresh)
            try:
                await self._refresh()
            except SourceError as fault:
                log.warning("%s The PCs stay those of before.", fault)

    async def _refresh(self) -> None:
        names = await self._in_thread(lambda: _host_names(self._chosen))
        for gone in set(self._pcs) - set(names):
            del self._pcs[gone]
        for host in names:
            if host not in self._pcs:
                self._pcs[host] = Pc(host, self._chosen.state, self._chosen.start)
        if not names:
            log.warning("No PC matches the pattern %s.", self._chosen.hosts)
        for pc in list(self._pcs.values()):
            if pc.was_damaged:
                await self._tell_damage(pc)

    async def _tell_damage(self, pc: Pc) -> None:
        await self._outlet.emit(position_lost(pc.host))
        pc.was_damaged = False
        pc.file.set_aside()

    def _idle(self) -> list[Pc]:
        return [pc for pc in self._pcs.values() if not pc.running and not pc.rejected]

    def _present(self) -> list[Pc]:
        return [pc for pc in self._idle() if pc.failures == 0]

    def _others(self) -> list[Pc]:
        now = time.monotonic()
        return [pc for pc in self._idle() if pc.due and pc.due <= now]

    # --- asking them

    async def _lane(self, pick: Callable[[], list[Pc]], forks: int, seconds: float) -> None:
        while True:
            pcs = pick()
            if pcs:
                await self._ask(pcs, forks, seconds)
            else:
                await asyncio.sleep(TICK)

    async def _ask(self, pcs: list[Pc], forks: int, seconds: float) -> None:
        results: asyncio.Queue[tuple[str, str, dict[str, Any]] | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        by_name = {pc.host: pc for pc in pcs}
        silent = set(by_name)

        def hear(kind: str, host: str, result: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(results.put_nowait, (kind, host, result))

        for pc in pcs:
            pc.running = True
        try:
            places = {pc.host: pc.place() for pc in pcs}
            job = Run(places, forks, seconds, hear, self._ended.is_set)
            run = asyncio.ensure_future(self._in_thread(lambda: job.play(self._chosen)))
            run.add_done_callback(lambda _run: results.put_nowait(None))
            while (heard := await results.get()) is not None:
                kind, host, result = heard
                silent.discard(host)
                await self._heard(by_name[host], kind, result)
            said = await run
        finally:
            for pc in pcs:
                pc.running = False
        for host in silent:
            by_name[host].failed(
                {"msg": said or "ansible-playbook did not ask it."}, self._chosen.longest_pause
            )

    async def _heard(self, pc: Pc, kind: str, result: dict[str, Any]) -> None:
        if kind != "runner_on_ok":
            pc.failed(result, self._chosen.longest_pause)
            return
        pc.answered()
        if not result["known"]:
            log.warning("%s: its journal is a new one, or an earlier copy.", pc.host)
            pc.cursor.step_back()
            return
        is_first = pc.cursor.position is None
        for told in result["events"]:
            await self._pass_on(pc, told)
        pc.cursor.position, pc.cursor.mark = result["position"], result["mark"]
        if is_first:
            pc.file.save(pc.cursor)

    async def _pass_on(self, pc: Pc, told: dict[str, Any]) -> None:
        """Emit an event that was not emitted before, then store its place.

        A kill in between repeats it at the next start, with the same id.
        """
        try:
            event = event_of(pc.host, told)
        except (ValueError, KeyError, TypeError) as fault:
            log.warning("%s: one of its events is left out: %s.", pc.host, fault)
            return
        mark = event["latchkey"]["id"]
        if not pc.cursor.has(mark):
            await self._outlet.emit(event)
            pc.cursor.advance(event["latchkey"]["position"], mark)
            pc.file.save(pc.cursor)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - the result of the work
        """Run blocking work in a thread; `run` waits for it at the end, and it ends early then."""
        future = asyncio.get_running_loop().run_in_executor(None, work)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return await asyncio.shield(future)


# --- ansible --------------------------------------------------------------------------------------------


def _environment() -> dict[str, str]:
    """Return the variables with which Ansible finds this collection."""
    known = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")
    # The file is ROOT/ansible_collections/latchkey/consent/extensions/eda/plugins/event_source/grants.py.
    own = [str(place.parent) for place in _HERE.parents if place.name == "ansible_collections"]
    paths = [*own[:1], *filter(None, [known])]
    return {"ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(paths)} if paths else {}


def _own_process() -> str:
    """Return a path that is there for as long as this process runs; without Linux' /proc one that stays."""
    path = Path(f"/proc/{os.getpid()}")
    return str(path) if path.exists() else "/"


def _tied() -> list[str]:
    """Return the words before a command that end it with the thread that has started it; none without util-linux.

    Else ansible-playbook outlives this process if that is killed: it then waits for ever for results, since it cannot
    write to a terminal that is gone (`results_thread_main` in executor/task_queue_manager.py).
    """
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "KILL", "--"] if found else []


def _host_names(chosen: Options) -> list[str]:
    """Return the names of the PCs that match the pattern.

    Raises:
        SourceError: Ansible cannot read the inventory.
    """
    given = [word for path in chosen.inventory for word in ("-i", path)]
    with _folder(chosen.state) as folder:
        output, error, code = ansible_runner.run_command(
            executable_cmd="ansible",
            cmdline_args=[chosen.hosts, "--list-hosts", *given, *chosen.arguments.split()],
            private_data_dir=str(folder),
            envvars=_environment(),
            quiet=True,
            runner_mode="subprocess",
        )
    if code:
        raise SourceError(f"Ansible cannot read the inventory: {(error or output).strip()[-500:]}")
    return [line.strip() for line in output.splitlines()[1:] if line.strip()]


@contextlib.contextmanager
def _folder(state: Path) -> Iterator[Path]:
    """Return a folder for ansible-runner that others cannot read; it is deleted afterwards."""
    path = Path(tempfile.mkdtemp(prefix=_RUN, dir=state))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _delete_left(state: Path) -> None:
    """Delete the folders of runs that were killed."""
    for path in state.glob(f"{_RUN}*"):
        shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Run:
    """One run of ansible-playbook: its PCs with their places, its connections, its length in seconds."""

    places: dict[str, dict[str, Any]]
    forks: int
    seconds: float
    hear: Callable[[str, str, dict[str, Any]], None]
    is_ended: Callable[[], bool]

    def play(self, chosen: Options) -> str:
        """Run the playbook; return a sentence if it could not run."""
        overdue = time.monotonic() + self.seconds + OVERDUE_SECONDS
        with _folder(chosen.state) as folder:
            (folder / "watch.json").write_text(json.dumps(self._watch(chosen)), encoding="utf-8")
            (folder / "hosts").write_text("\n".join(self.places) + "\n", encoding="utf-8")
            done = init_runner(
                private_data_dir=str(folder),
                playbook=str(_PLAYBOOK),
                inventory=chosen.inventory,
                limit=f"@{folder / 'hosts'}",
                forks=self.forks,
                extravars={"latchkey_watch_file": str(folder / "watch.json")},
                envvars=_environment(),
                cmdline=chosen.arguments or None,
                event_handler=self._handle,
                cancel_callback=lambda: self.is_ended() or time.monotonic() > overdue,
                quiet=True,
            )
            done.config.command = [*_tied(), *done.config.command]
            done.run()
            with done.stdout as stream:
                said = stream.read()
        return "" if done.rc in {0, 2, 4} else f"ansible-playbook failed: {said.strip()[-300:]}"

    def _watch(self, chosen: Options) -> dict[str, Any]:
        """Return the values that the playbook reads. More PCs than connections share them by shorter questions."""
        share = min(1.0, self.forks / len(self.places))
        return {
            "places": self.places,
            "wait": LONG_POLL * share if self.seconds else 0.0,
            "patience": chosen.patience,
            "until": time.time() + self.seconds,
            # The playbook ends with this process, also if that is killed.
            "watcher": _own_process(),
        }

    def _handle(self, event: dict[str, Any]) -> bool:
        """Pass on the results of the questions; tell ansible-runner to keep no file of the event."""
        data = event.get("event_data", {})
        if event["event"] in _ASKED and data.get("task_action") == "latchkey.consent.event_info":
            self.hear(event["event"], data["host"], data["res"])
        return False


# --- the entry ------------------------------------------------------------------------------------------


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Watch the PCs for as long as the rulebook runs."""
    chosen = options(args)
    with _alone(chosen.state):
        _delete_left(chosen.state)
        await Watch(chosen, Outlet(queue, args.get("eda_feedback_queue"))).run()
