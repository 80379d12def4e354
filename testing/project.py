"""A project of scripted agents on disk, as a user has one: requirements.yaml and a folder of agent cards."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prefect_swarm.agents.supervisor import end_marked
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState
from prefect_swarm.journal.home import open_journal
from prefect_swarm.testing.fakeagent import Line, read_ledger
from prefect_swarm.testing.plans import Part, file_of


@dataclass(slots=True)
class Project:
    """A folder with a requirements file, agents, a state folder and a ledger; runs are child processes."""

    folder: Path
    environment: Mapping[str, str]
    """What the command line gets beside PATH and HOME, for instance which Prefect server to use."""
    program: tuple[str, ...] = (sys.executable, "-m", "prefect_swarm.cli.app")
    """What is started as `swarm`."""
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def write(self, *parts: Part) -> None:
        """Write the requirements file and one agent card per part."""
        agents = self.folder / "agents"
        agents.mkdir(parents=True, exist_ok=True)
        for part in parts:
            (agents / f"{part.id.lower()}.md").write_text(self._card(part), encoding="utf-8")
        requirements = {"project": {"name": "Trial"}, "requirements": [_requirement(part) for part in parts]}
        (self.folder / "requirements.yaml").write_text(json.dumps(requirements), encoding="utf-8")

    def _card(self, part: Part) -> str:
        script = ["--write", file_of(part.id), "--ledger", str(self.folder / "ledger.jsonl"), *part.script]
        command = list(part.argv) or [sys.executable, "-m", "prefect_swarm.testing.fakeagent", *script]
        front = {
            "name": part.id.lower(),
            "description": "does what its script says",
            "max_retries": part.retries,
            "runner": {"command": command},
        }
        return f"---\n{json.dumps(front)}\n---\nDo what is asked.\n"

    def start(self, *words: str, typed: str = "") -> subprocess.Popen[bytes]:
        """Start `swarm` with these words in the folder; its output goes to `swarm.log` there, `typed` is its input."""
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {"SWARM_HOME": str(self.folder / "home"), "SWARM_RETRY_DELAYS": "0.1", **self.environment}
        (self.folder / "typed.txt").write_text(typed, encoding="utf-8")
        with (self.folder / "swarm.log").open("ab") as log, (self.folder / "typed.txt").open("rb") as stdin:
            argv = [*self.program, *words]
            process = subprocess.Popen(  # noqa: S603 - our own command
                argv, cwd=self.folder, env=environment, stdin=stdin, stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def close(self) -> None:
        """End every command that still runs, and its agents."""
        for process in self.started:
            kill(process)
        for entry in open_journal(self.settings).runs():
            end_marked({"SWARM_RUN": entry.run_id})

    def swarm(self, *words: str, typed: str = "", timeout: float = 120) -> int:
        """Run `swarm` with these words to its end and give its exit code."""
        return self.start(*words, typed=typed).wait(timeout)

    @property
    def output(self) -> str:
        """All that `swarm` has printed here so far."""
        return (self.folder / "swarm.log").read_text(encoding="utf-8")

    @property
    def settings(self) -> Settings:
        """The settings under which this project's journal is found."""
        return Settings(home=str(self.folder / "home"))

    def last_run(self) -> RunId:
        """Give the id of the newest run."""
        return open_journal(self.settings).find("last")

    def state(self) -> RunState:
        """Fold the state of the newest run."""
        return open_journal(self.settings).state(self.last_run())

    def ledger(self) -> tuple[Line, ...]:
        """Read what the agents did."""
        return read_ledger(self.folder / "ledger.jsonl")


def _requirement(part: Part) -> dict[str, object]:
    return {
        "id": part.id,
        "title": f"Make {part.id}",
        "description": part.description or f"Make {part.id}",
        "priority": part.priority.value,
        "depends_on": list(part.needs),
        "agents": [part.id.lower()],
        "acceptance": [{"file": file_of(part.id)}],
    }


def kill(process: subprocess.Popen[bytes]) -> None:
    """Let a process die as in a power cut, and reap it."""
    process.send_signal(signal.SIGKILL)
    process.wait()
