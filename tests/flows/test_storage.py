"""A disk or a database that refuses in the midst of a run: the run is left as blocked, and goes on afterwards."""

import os
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from tests.journal.servers import postgres

from prefect_swarm.agents.supervisor import end_marked
from prefect_swarm.core.errors import StorageFailed
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.journal.home import open_journal
from prefect_swarm.testing.engine import run_plan
from prefect_swarm.testing.plans import Part, file_of, plan_of
from prefect_swarm.testing.project import Project

RUN = RunId("run-1")
LEASE = 2.0
"""Seconds after which a lease that could not be given back has run out; this process goes on living."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=2m", "swarm", str(place)]
    if os.geteuid() != 0 or subprocess.run(argv, capture_output=True).returncode:
        pytest.skip("missing: the right to mount")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_journal_ends_what_is_at_work_and_loses_nothing(disk: Path, tmp_path: Path) -> None:
    """With the journal's disk full every agent is ended at once; later only what could not be written is redone."""
    settings = Settings(home=str(disk / "home"), lease_seconds=LEASE)
    filling = f"while test ! -e C.started; do sleep 0.1; done; {_fill(disk)}"
    plan = plan_of(
        _part("A", "true"), _part("B", filling, "A"), _part("C", "touch C.started; sleep 60; touch C.survived", "A")
    )

    with pytest.raises(StorageFailed, match="the disk is full: make room"):
        _run(plan, settings, tmp_path)
    survivors = end_marked({"SWARM_RUN": RUN})
    state = _mended(plan, settings, tmp_path, disk)

    assert survivors == 0
    assert not (tmp_path / "C.survived").exists()
    assert state.status is RunStatus.COMPLETED
    assert _starts(tmp_path) == {"A/fake": 1, "B/fake": 2, "C/fake": 2}


def test_a_full_journal_is_noticed_while_all_agents_are_silent(disk: Path, tmp_path: Path) -> None:
    """A journal that cannot be written stops the run although nobody has anything to write for a long time."""
    settings = Settings(home=str(disk / "home"), lease_seconds=LEASE)
    plan = plan_of(_part("A", f"{_fill(disk)}; sleep 60; touch A.survived"))

    with pytest.raises(StorageFailed, match="the disk is full: make room"):
        _run(plan, settings, tmp_path)

    assert end_marked({"SWARM_RUN": RUN}) == 0
    assert not (tmp_path / "A.survived").exists()


def test_a_full_disk_under_the_logs_blocks_the_run(disk: Path, tmp_path: Path) -> None:
    """Where an agent's log cannot be written the run ends as blocked with the reason, which costs no attempt."""
    settings = Settings(home=str(disk / "home"), journal=f"sqlite:///{tmp_path / 'journal.db'}")
    plan = plan_of(_part("A", "true"), _part("B", "yes | head -c 5000000; sleep 60", "A"), _part("C", "true", "B"))

    with pytest.raises(StorageFailed):
        _run(plan, settings, tmp_path)
    blocked = open_journal(settings).state(RUN, plan)
    state = _mended(plan, settings, tmp_path, disk)

    assert blocked.status is RunStatus.BLOCKED
    assert f"{disk}" in blocked.reason
    assert "make room, then go on with `swarm resume`" in blocked.reason
    assert state.status is RunStatus.COMPLETED
    assert {(item.generation, item.used) for item in state.items.values()} == {(1, 0)}
    assert _starts(tmp_path) == {"A/fake": 1, "B/fake": 2, "C/fake": 1}


def test_a_disk_that_may_only_be_read_blocks_the_run(disk: Path, tmp_path: Path) -> None:
    """Where the folders of attempts cannot be made, no agent is started, and the run says what is to be done."""
    settings = Settings(home=str(disk / "home"), journal=f"sqlite:///{tmp_path / 'journal.db'}")
    plan = plan_of(_part("A", "true"))
    _remount(disk, "ro")

    with pytest.raises(StorageFailed, match="Read-only file system; allow writing again"):
        _run(plan, settings, tmp_path)
    blocked = open_journal(settings).state(RUN, plan)
    before = _starts(tmp_path)
    _remount(disk, "rw")
    state = _run(plan, settings, tmp_path)

    assert blocked.status is RunStatus.BLOCKED
    assert not before
    assert state.status is RunStatus.COMPLETED


def test_a_database_that_goes_away_stops_the_run_until_it_is_back(tmp_path: Path) -> None:
    """A run whose PostgreSQL server dies ends its agents, and goes on with the same journal when it is back."""
    with postgres() as server:
        settings = Settings(home=str(tmp_path / "home"), journal=f"{server.url}/postgres", lease_seconds=LEASE)
        killing = f"kill -9 {server.pid}; sleep 0.5"
        plan = plan_of(_part("A", "true"), _part("B", killing, "A"))

        with pytest.raises(StorageFailed, match="the server does not answer: start it"):
            _run(plan, settings, tmp_path)
        server.kill()
        server.start()
        (tmp_path / "mended").touch()
        state = _run(plan, settings, tmp_path)

        assert state.status is RunStatus.COMPLETED
        assert _starts(tmp_path) == {"A/fake": 1, "B/fake": 2}


def test_prefect_and_the_shell_are_told_that_a_run_is_blocked(project: Project, disk: Path) -> None:
    """The command line says where, what and what to do, and exits with 4; Prefect shows the run as Blocked."""
    journal = f"sqlite:///{project.folder / 'journal.db'}"
    project.environment = {**project.environment, "SWARM_HOME": str(disk / "home"), "SWARM_JOURNAL": journal}
    project.write(Part("A", argv=_part("A", "true").argv))
    subprocess.run(["sh", "-c", _fill(disk)], check=True)

    code = project.swarm("run", "--agents", "agents", "--yes")
    shown = _flow_run_states(open_journal(Settings(journal=journal)).find("last"))
    (disk / "ballast").unlink()

    assert code == 4, project.output
    assert f"{disk / 'home'}" in project.output
    assert "make room, then go on with `swarm resume`" in project.output
    assert shown == ["Blocked"]
    assert project.swarm("resume", "last") == 0, project.output


def _part(name: str, trouble: str, *needs: str) -> Part:
    """An agent that notes its start, makes trouble unless that is mended, and does its work."""
    script = f'echo "$SWARM_ITEM" >> starts; test -e mended || {{ {trouble}; }}; touch {file_of(name)}'
    return Part(name, needs=needs, argv=("sh", "-c", script))


def _fill(disk: Path) -> str:
    return f"head -c 4000000 /dev/zero > {shlex.quote(str(disk / 'ballast'))} 2> {os.devnull} || true"


def _run(plan: Plan, settings: Settings, folder: Path) -> RunState:
    return run_plan(plan, RUN, settings=settings, output=folder)


def _mended(plan: Plan, settings: Settings, folder: Path, disk: Path) -> RunState:
    """Take away what fills the disk, and go on with the run."""
    for path in (disk / "ballast", *disk.glob("home/runs/**/agent.log")):
        path.unlink(missing_ok=True)
    (folder / "mended").touch()
    return _run(plan, settings, folder)


def _remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def _starts(folder: Path) -> Counter[str]:
    path = folder / "starts"
    return Counter(path.read_text().split() if path.exists() else ())


def _flow_run_states(run_id: RunId) -> list[str | None]:
    named = FlowRunFilter(name=FlowRunFilterName(any_=[run_id]))
    with get_client(sync_client=True) as client:
        return [one.state_name for one in client.read_flow_runs(flow_run_filter=named)]
