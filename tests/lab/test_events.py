# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source for Event-Driven Ansible on simulated PCs: each event once, in order, whatever happens to it.

`make test` runs it on a few PCs; `pytest --nights tests/lab/test_events.py` also on fifty.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging import system_tools
from lab.process_tree import kill_tree, parent_of
from lab.simulated.simulated_pc import SimulatedComputer, pc
from latchkey_agent.protocol import control_requests as rq
from tests.lab.awx import Awx, configured, playbook, saved_controller
from tests.lab.job import ROOT
from tests.lab.unkind import at
from tests.needs import require
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCE = (
    ROOT
    / "build/collections/ansible_collections/latchkey/consent/extensions/eda/plugins/event_source/grants.py"
)
READER = ROOT / "tests/lab/event_reader.py"
PATIENCE = 120.0
"""Seconds for an event on a busy machine; an idle one needs about three."""
REFUSED = 1
"""A port on which nothing listens: the PC is off."""

pytestmark = pytest.mark.timeout(600)


@dataclass
class Watcher:
    """Starts and ends the source, and reads the events that a rulebook would have got."""

    folder: Path
    computers: Mapping[str, SimulatedComputer]
    off: set[str] = field(default_factory=set)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    more_environment: dict[str, str] = field(default_factory=dict)

    @property
    def inventory(self) -> Path:
        """The inventory, with another port for the PCs that are off."""
        return self.folder / "inventory.json"

    @property
    def state(self) -> Path:
        """The folder of the source."""
        return self.folder / "state"

    def write_inventory(self) -> None:
        """Write the inventory anew; the next run of ansible-playbook reads it."""
        hosts = {
            name: {**one.reach.inventory(), **self.variables.get(name, {})}
            for name, one in self.computers.items()
        }
        for name in self.off:
            hosts[name]["ansible_port"] = REFUSED
        new = self.folder / "inventory.new"
        new.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
        new.replace(self.inventory)

    def environment(self) -> dict[str, str]:
        """Return the environment of the source: no Python path of the tests, this environment's programs first."""
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"),
            **self.more_environment,
        }

    def options(self) -> dict[str, Any]:
        """Return the arguments of the source."""
        return {
            "inventory": str(self.inventory),
            "state": str(self.state),
            "patience": 3,
            "longest_pause": 10,
            **self.arguments,
        }

    def start(self) -> None:
        """Start the source."""
        self.write_inventory()
        command = [
            sys.executable,
            str(READER),
            str(SOURCE),
            str(self.folder / "events"),
            json.dumps(self.options()),
        ]
        self._spawn(command, self.folder)

    def rulebook(self, path: Path, variables: dict[str, Any], *more: str) -> None:
        """Start ansible-rulebook with a rulebook, these variables and more arguments."""
        self.write_inventory()
        (self.folder / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
        program = str(Path(sys.executable).with_name("ansible-rulebook"))
        given = (
            "--rulebook",
            str(path),
            "-i",
            str(self.inventory),
            "--vars",
            str(self.folder / "variables.json"),
        )
        self._spawn([program, *given, *more], self.folder)

    def _spawn(self, command: list[str], folder: Path) -> None:
        with (self.folder / "output").open("ab") as output:
            self.processes.append(
                subprocess.Popen(
                    command,
                    cwd=folder,
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def kill(self) -> None:
        """End the source's process, and only it, as SIGKILL does."""
        self.processes[-1].kill()
        self.processes[-1].wait(30)

    def stop(self) -> None:
        """End everything that was started. Killed sources have left nothing."""
        for process in self.processes:
            kill_tree(process)
        eventually(lambda: not questions(self), "the killed sources ask no more", PATIENCE)

    def events(self) -> list[dict[str, Any]]:
        """Return the events so far, in the order in which they were taken."""
        file = self.folder / "events"
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        return [json.loads(line)["latchkey"] for line in text.split("\n")[:-1]]

    def kinds(self, host: str) -> list[str]:
        """Return the kinds of a PC's events, in order."""
        return [event["event"] for event in self.events() if event["host"] == host]

    def has_stored_all(self) -> bool:
        """Tell whether the place behind each event is stored."""
        return all(event["id"] in self._stored(event["host"]) for event in self.events())

    def _stored(self, host: str) -> str:
        file = self.state / f"{host}.json"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def wait_for(self, count: int) -> None:
        """Wait for so many events."""
        eventually(lambda: len(self.events()) >= count, f"{count} events\n{self.output()}", PATIENCE)

    def output(self) -> str:
        """Return everything that was written to the terminal."""
        return (self.folder / "output").read_text(encoding="utf-8")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Any]:
    """Makes PCs and a watcher for them."""
    with ExitStack() as stack:

        def make(*names: str, **arguments: Any) -> Watcher:
            made = {name: stack.enter_context(pc(tmp_path / name)) for name in names}
            watcher = Watcher(tmp_path, made, arguments=arguments)
            stack.callback(watcher.stop)
            return watcher

        yield make


def ask(computer: SimulatedComputer, session: str = "CHG-4711") -> None:
    """Ask the customer for a grant."""
    computer.ask_agent(rq.SessionStart(session=session, reason="Monthly updates"))
    shown = computer.events.count("request_shown")
    answer = computer.ask_agent(rq.CredentialRequest(session=session, restarts=1, ask_again=True))
    assert answer.outcome == "done", answer
    computer.events.wait_for("request_shown", shown + 1)


def allow_and_revoke(computer: SimulatedComputer, session: str = "CHG-4711") -> None:
    """Let the customer allow and revoke: two events."""
    ask(computer, session)
    computer.customer.allow()
    computer.customer.revoke()


def test_each_event_comes_once_and_in_order_though_a_pc_is_off(watched: Any) -> None:
    """A PC that is off delays no other; back again, it tells what happened meanwhile. A restart repeats nothing."""
    watcher = watched("pc1", "pc2", start="beginning", longest_pause=5)
    watcher.off = {"pc2"}
    for computer in watcher.computers.values():
        allow_and_revoke(computer)
    watcher.start()
    watcher.wait_for(2)
    assert [event["host"] for event in watcher.events()] == ["pc1", "pc1"]

    watcher.off = set()
    watcher.write_inventory()
    watcher.wait_for(4)
    # A source that is killed between an event and its place would repeat it: the next test does that.
    eventually(watcher.has_stored_all, "the places are stored", PATIENCE)
    watcher.kill()
    ask(watcher.computers["pc1"], "CHG-2")
    watcher.computers["pc1"].customer.report()
    watcher.start()
    watcher.wait_for(5)

    assert watcher.kinds("pc1") == ["granted", "revoked", "reported"]
    assert watcher.kinds("pc2") == ["granted", "revoked"]
    assert [event["session"] for event in watcher.events() if event["event"] == "reported"] == ["CHG-2"]
    eventually(lambda: not questions(watcher), "the killed source asks no more", PATIENCE)


def questions(watcher: Watcher) -> list[int]:
    """Return the processes of ansible-playbook that a killed source of this folder has left."""
    own = {process.pid for process in watcher.processes if process.poll() is None}
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = status.read_bytes().decode(errors="replace").split("\0")
            if (
                str(watcher.state) in " ".join(words)
                and "--limit" in words
                and not own & set(parents(status.parent))
            ):
                found.append(int(status.parent.name))
    return found


def parents(process: Path) -> list[int]:
    """Return the ids of a process's parents."""
    found, number = [], int(process.name)
    while number > 1:
        number = parent_of(number)
        found.append(number)
    return found


@pytest.mark.parametrize("kills", [3])
def test_a_source_that_is_killed_at_any_moment_loses_nothing(
    watched: Any, request: pytest.FixtureRequest, kills: int
) -> None:
    """SIGKILL at random moments: each event comes, those of a PC in order, and at most one twice for each kill."""
    dice = random.Random(request.config.option.unkind_seed)  # noqa: S311 - no secret
    watcher = watched("pc1", "pc2", start="beginning")
    for computer in watcher.computers.values():
        for number in range(4):
            allow_and_revoke(computer, f"CHG-{number}")
    kills = 12 if request.config.getoption("nights") else kills
    for _ in range(kills):
        watcher.start()
        watcher.wait_for(min(16, len(watcher.events()) + 1))
        time.sleep(dice.uniform(0, 0.05))
        watcher.kill()
    watcher.start()
    watcher.wait_for(16)
    eventually(lambda: len({event["id"] for event in watcher.events()}) == 16, "each event", PATIENCE)

    for name in watcher.computers:
        first = list(
            {event["id"]: event["position"] for event in watcher.events() if event["host"] == name}.values()
        )
        assert first == sorted(first)
        assert len(first) == 8
    times = Counter(event["id"] for event in watcher.events())
    assert sum(times.values()) - len(times) <= kills
    assert max(times.values()) <= 1 + kills


def test_a_damaged_place_and_a_journal_that_was_begun_anew(watched: Any, tmp_path: Path) -> None:
    """A damaged file falls back to the one before; without any a rule is told. A new journal is read from its start."""
    watcher = watched("pc1")
    watcher.start()
    file = watcher.state / "pc1.json"
    eventually(file.exists, "the place", PATIENCE)
    computer = watcher.computers["pc1"]
    allow_and_revoke(computer)
    watcher.wait_for(2)
    eventually(lambda: len(stored(file).get("recent", [])) == 2, "both stored", PATIENCE)
    watcher.kill()

    file.write_text("{}")
    watcher.start()
    watcher.wait_for(3)
    assert watcher.kinds("pc1") == ["granted", "revoked", "revoked"]
    assert len({event["id"] for event in watcher.events()}) == 2
    eventually(lambda: len(stored(file).get("recent", [])) == 2, "stored again", PATIENCE)
    watcher.kill()

    for one in (file, file.with_suffix(".before")):
        one.write_text("nonsense")
    watcher.start()
    watcher.wait_for(4)
    assert watcher.kinds("pc1")[-1] == "position_lost"
    eventually(lambda: stored(file), "the place", PATIENCE)
    watcher.kill()

    file.write_text(json.dumps({**stored(file), "mark": "0" * 32, "recent": []}))
    watcher.start()
    watcher.wait_for(6)
    assert watcher.kinds("pc1")[-2:] == ["granted", "revoked"]
    assert "its journal is a new one" in watcher.output()


def stored(file: Path) -> dict[str, Any]:
    """Return the place in a file, nothing where it holds none."""
    with suppress(OSError, ValueError):
        return dict(json.loads(file.read_text(encoding="utf-8")))
    return {}


def test_refused_credentials_are_tried_twice(watched: Any) -> None:
    """A wrong password is not tried again, however long the source runs; the other PC is read all the same."""
    watcher = watched("pc1", "pc2", start="beginning", patience=15)
    watcher.variables = {"pc1": {"ansible_password": "wrong"}}
    allow_and_revoke(watcher.computers["pc2"])
    watcher.start()
    watcher.wait_for(2)
    eventually(lambda: "not asked again" in watcher.output(), "the sentence", PATIENCE)
    time.sleep(15)
    assert watcher.output().count("not asked again") == 1
    assert {event["host"] for event in watcher.events()} == {"pc2"}


def test_two_rulebooks_do_not_share_a_folder(watched: Any) -> None:
    """The second one ends with a sentence."""
    watcher = watched("pc1")
    watcher.start()
    eventually((watcher.state / "lock").exists, "the first", PATIENCE)
    watcher.start()
    assert watcher.processes[-1].wait(PATIENCE) == 1
    assert "Another rulebook uses the folder" in watcher.output()


RULES = ROOT / "extensions/eda/rulebooks"


def test_a_rulebook_starts_the_night_and_ends_the_session(watched: Any, tmp_path: Path) -> None:
    """The real ansible-rulebook runs the collection's rulebook: a yes, a revocation and a report have their jobs."""
    require(system_tools.RULEBOOK)
    watcher = watched("pc1", "pc2")
    noted = tmp_path / "noted"
    variables = rule_variables(watcher, tmp_path, noted)
    watcher.rulebook(RULES / "grants_local.yml", variables)
    for name in watcher.computers:
        eventually((watcher.state / f"{name}.json").exists, f"{name} is watched", PATIENCE)
    ask(watcher.computers["pc1"])
    watcher.computers["pc1"].customer.allow()
    ask(watcher.computers["pc2"])
    watcher.computers["pc2"].customer.report()
    eventually(lambda: lines(noted) == ["alarm pc2 CHG-4711", "night pc1 CHG-4711"], "both jobs", PATIENCE)
    watcher.computers["pc1"].customer.revoke()
    eventually(lambda: session_state(watcher.computers["pc1"]) == "ended", watcher.output(), PATIENCE)
    assert lines(noted) == ["alarm pc2 CHG-4711", "night pc1 CHG-4711"]


EVENT_TEMPLATES = {"night": "Maintain after a yes", "end": "Close after a revocation", "alarm": "Alarm"}


def test_the_rulebook_launches_the_templates_that_awx_configure_has_made(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The real ansible-rulebook launches them on the lab's controller: each decision one job, for its PC alone.

    A yes does the night's work on its PC: the job finds the grant of the request that an earlier job has sent. A
    report fails the alarm with a sentence. A revocation in a step ends the session on its PC and the night's work
    there; the other PC's goes on.
    """
    require(system_tools.RULEBOOK)
    with ExitStack() as stack:
        awx, pcs = rulebook_with_controller(stack, tmp_path, saved_controller(tmp_path_factory))
        asking = awx.launch("job_templates", "Request", **ASKED)
        assert awx.wait(asking)["status"] == "successful", awx.told(asking)
        at("updates_begun", lambda computer: computer.customer.revoke())(pcs["PC3"])
        pcs["PC1"].customer.allow()
        pcs["PC2"].customer.report()
        pcs["PC3"].customer.allow()
        eventually(lambda: len(launched(awx)) == 4, "four jobs", PATIENCE)
        ended = {(job["name"], job["limit"]): awx.wait(job) for job in launched(awx)}
        told = "\n".join(awx.output(job) for job in ended.values())
        assert {which: job["status"] for which, job in ended.items()} == {
            ("Maintain after a yes", "PC1"): "successful",
            ("Alarm", "PC2"): "failed",
            ("Maintain after a yes", "PC3"): "successful",
            ("Close after a revocation", "PC3"): "successful",
        }, told
        assert len(launched(awx)) == 4
        assert "not agreed: 1, PC3" in awx.told(ended["Maintain after a yes", "PC3"])
        assert "PC2, support session CHG-4711: the customer has reported" in awx.told(ended["Alarm", "PC2"])
        assert all("latchkey_event" not in job["extra_vars"] for job in ended.values())
        assert [session_state(pcs[name]) for name in ("PC1", "PC3")] == ["ended", "ended"]
    done = Counter(event.what for event in pcs["PC1"].events.all())
    assert (done["request_shown"], done["updates_installed"], done["boot"]) == (1, 1, 3)
    assert [pcs[name].events.count("going_down") for name in ("PC2", "PC3")] == [0, 0]
    assert pcs["PC2"].events.count("updates_begun") == 0


def rulebook_with_controller(
    stack: ExitStack, folder: Path, saved: tuple[Path, str]
) -> tuple[Awx, dict[str, SimulatedComputer]]:
    """Start three PCs, a controller that knows them, and ansible-rulebook; return once each PC is watched."""
    files, password = saved
    pcs = {
        name: stack.enter_context(pc(folder / name, name=name, operator_password=password))
        for name in ("PC1", "PC2", "PC3")
    }
    controller = stack.enter_context(configured(folder / "controller", files / "controller"))
    awx = Awx(controller, files / "operator")
    awx.add_pcs(pcs.values())
    watcher = Watcher(folder, pcs)
    watcher.more_environment = {
        "EDA_CONTROLLER_TOKEN": controller.token(),
        "EDA_JOB_TEMPLATE_REFRESH_DELAY": "1",
    }
    variables = {
        **rule_variables(watcher, folder, folder / "noted"),
        "latchkey_organization": "Default",
        **{f"latchkey_{kind}_template": name for kind, name in EVENT_TEMPLATES.items()},
    }
    watcher.rulebook(RULES / "grants_controller.yml", variables, "--controller-url", controller.url)
    stack.callback(watcher.stop)
    for name in pcs:
        eventually((watcher.state / f"{name}.json").exists, f"{name} is watched", PATIENCE)
    return awx, pcs


ASKED = {"maintenance_session": "CHG-4711", "maintenance_reason": "Monthly updates", "target": "all"}
"""The answers to the survey of *Request*."""


def test_the_alarm_is_a_sentence(tmp_path: Path) -> None:
    """The playbook fails with the PC's name and the session's, and connects to no PC. A wrong event has a sentence."""
    reported = alarm(tmp_path, latchkey_event_name="reported", maintenance_session="CHG-4711")
    assert reported.returncode == FAILED, reported.stderr
    assert "PC2, support session CHG-4711: the customer has reported a request" in reported.stdout
    # AWX's 0711 has become a number, which is not the session's name.
    unknown = alarm(tmp_path, latchkey_event_name="seen", maintenance_session=457)
    assert unknown.returncode == FAILED, unknown.stderr
    assert "PC2: an event that this playbook does not know" in unknown.stdout
    assert "Set latchkey_event_name to reported, erasure_failed, position_lost." in unknown.stdout


FAILED = 2
"""The exit code of ansible-playbook after a task has failed."""


def alarm(folder: Path, **variables: object) -> subprocess.CompletedProcess[str]:
    """Run the playbook for one of two PCs that do not exist."""
    return playbook(folder, "alarm", "-i", "PC1,PC2,", "--limit", "PC2", "-e", json.dumps(variables))


def launched(awx: Awx) -> list[dict[str, Any]]:
    """Return the jobs that the rulebook has launched."""
    found: list[dict[str, Any]] = awx.ask("GET", "jobs/").json()["results"]
    return [job for job in found if job["name"] in EVENT_TEMPLATES.values()]


OFF_OF_EVERY = 5
"""Each fifth PC is off at first."""


def test_fifty_pcs_and_restarts_of_the_rulebook(
    watched: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """ansible-rulebook watches fifty PCs over ten connections, some of them off, and is killed twice.

    Each PC's yes and revocation reach the rules, in order.
    """
    if not request.config.getoption("--nights"):
        pytest.skip("takes minutes: pytest --nights tests/lab/test_events.py")
    require(system_tools.RULEBOOK)
    watcher = watched(*(f"pc{number}" for number in range(50)))
    watcher.off = set(list(watcher.computers)[::OFF_OF_EVERY])
    file = tmp_path / "noting.yml"
    file.write_text(json.dumps(noting_rules(watcher)), encoding="utf-8")
    for computer in watcher.computers.values():
        allow_and_revoke(computer)
    on = len(watcher.computers) - len(watcher.off)
    for least in (on // 2, on):
        watcher.rulebook(file, {})
        wait_for_printed(watcher, 2 * least)
        watcher.kill()
    assert not watcher.off & {host for host, *_ in printed(watcher)}
    watcher.off = set()
    watcher.rulebook(file, {})
    eventually(lambda: len(set(printed(watcher))) >= 2 * 50, watcher.output(), 4 * PATIENCE)
    first = dict.fromkeys(printed(watcher))
    for name in watcher.computers:
        assert [kind for host, kind, _ in first if host == name] == ["granted", "revoked"]
    assert len(printed(watcher)) - len(first) <= 2 * 10


def noting_rules(watcher: Watcher) -> list[dict[str, Any]]:
    """Return a rulebook that prints each event."""
    source = {"latchkey.consent.grants": {**watcher.options(), "start": "beginning"}}
    rule = {
        "name": "Print each event",
        "condition": "event.latchkey is defined",
        "action": {
            "debug": {
                "msg": "told {{ event.latchkey.host }} {{ event.latchkey.event }} {{ event.latchkey.id }} end"
            }
        },
    }
    return [{"name": "Note", "hosts": "all", "sources": [source], "rules": [rule]}]


def wait_for_printed(watcher: Watcher, count: int) -> None:
    """Wait until a rule has printed so many events."""
    eventually(lambda: len(printed(watcher)) >= count, f"{count} events in the rules", 4 * PATIENCE)


def printed(watcher: Watcher) -> list[tuple[str, str, str]]:
    """Return host, kind and id of each event that a rule has printed, in order."""
    return [(str(found[1]), str(found[2]), str(found[3])) for found in _PRINTED.finditer(watcher.output())]


_PRINTED = re.compile(r"told (\S+) (\S+) (\S+) end")


def rule_variables(watcher: Watcher, folder: Path, noted: Path) -> dict[str, Any]:
    """Return the variables of the rulebooks; night and alarm are playbooks that write a line."""
    for name in ("night", "alarm"):
        text = f"{name} {{{{ target }}}} {{{{ maintenance_session }}}}"
        play = {
            # ansible-rulebook limits the playbook to the host of the event.
            "hosts": "{{ target }}",
            "gather_facts": False,
            "vars": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            },
            "tasks": [{"ansible.builtin.shell": f"echo {text} >> {noted}"}],
        }
        (folder / f"{name}.yml").write_text(json.dumps([play]), encoding="utf-8")
    return {
        "latchkey_inventory": str(watcher.inventory),
        "latchkey_hosts": "all",
        "latchkey_state": str(watcher.state),
        "latchkey_connections": 10,
        "latchkey_night": str(folder / "night.yml"),
        "latchkey_alarm": str(folder / "alarm.yml"),
    }


def lines(file: Path) -> list[str]:
    """Return the lines of a file, sorted."""
    return sorted(file.read_text(encoding="utf-8").splitlines()) if file.exists() else []


def session_state(computer: SimulatedComputer) -> str:
    """Return the state of the session on a PC."""
    answer = computer.ask_agent(rq.Info(session="CHG-4711"))
    assert isinstance(answer.result, dict)
    return str(answer.result["sessions"][0]["state"])
