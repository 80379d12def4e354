"""Deleting a run: all that is kept of it goes, nothing else does, and what breaks off can be done again."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.house.sources import REPOSITORY
from tests.journal.conftest import PLAN, RUN
from tests.journal.processes import ask, kill, output, start
from tests.journal.removals import OTHER, PERIOD, delete, files_below, live, rows_in
from tests.trials import trials

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Fenced, RunHeld, RunNotFound, StorageFailed
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal import schema
from prefect_swarm.journal.checkpoints import snapshot_path
from prefect_swarm.journal.home import run_folder
from prefect_swarm.journal.removal import Kept, Part, parts_of, remove_run, rows_of, sweep
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.plans import Part as PlanPart
from prefect_swarm.testing.plans import plan_of


def test_everything_of_a_run_goes_and_its_results_stay(
    journal: Journal, settings: Settings, work: Path, folder: Path
) -> None:
    """Rows, prompts, logs and checkpoint go, with the emptied folder; what agents made and other runs stay."""
    live(journal, RUN, work, settings)
    delete(journal, RUN, settings)

    assert set(rows_in(journal).values()) == {0}
    assert files_below(folder) == set()
    assert files_below(work) == {"A.txt"}
    assert not (work / "checkpoints").exists()
    with pytest.raises(RunNotFound):
        journal.plan(RUN)


def test_what_is_told_to_go_is_what_is_there(journal: Journal, settings: Settings, work: Path) -> None:
    """The parts name their places and count what lies there."""
    live(journal, RUN, work, settings)
    rows, found = rows_of(journal, RUN)

    told = {part.kept.what: part.kept for part in parts_of(RUN, found.output, settings)}

    checkpoint = snapshot_path(work, RUN)
    assert told["prompts and logs"] == Kept("prompts and logs", 1, 6, (str(run_folder(settings, RUN)),))
    assert told["checkpoint file"] == Kept("checkpoint file", 1, checkpoint.stat().st_size, (str(checkpoint),))
    assert rows.count == journal.last(RUN)[0]
    assert rows.size > len(PLAN.model_dump_json())
    assert found.flow_runs == (f"flow-of-{RUN}",)


def test_a_plan_stays_as_long_as_a_run_has_it(journal: Journal, settings: Settings, work: Path) -> None:
    """Of two runs of one plan the first is deleted: the other still has its plan, state and files."""
    live(journal, RUN, work, settings)
    live(journal, OTHER, work, settings)
    before = journal.records(OTHER)

    delete(journal, RUN, settings)

    assert journal.plan(OTHER) == PLAN
    assert journal.records(OTHER) == before
    assert run_folder(settings, OTHER).is_dir()
    assert snapshot_path(work, OTHER).is_file()
    delete(journal, OTHER, settings)
    assert rows_in(journal)["swarm_documents"] == 0


def test_plans_that_a_run_went_by_stay_with_it(journal: Journal, settings: Settings, work: Path) -> None:
    """A run that was given other plans keeps all of them, though the runs that have them too are deleted."""
    plans = [plan_of(PlanPart("A"), project=f"version {number}") for number in range(4)]
    live(journal, OTHER, work, settings, plans[0])
    for number, plan in enumerate(plans[1:]):
        items = tuple(one.id for one in plan.items)
        event = on.RunRewound(to=0, reason="changed", plan=plan.digest, items=items, reopened=())
        journal.append(OTHER, [event], plan=plan)
        live(journal, RunId(f"same-{number}"), work, settings, plan)
    live(journal, RunId("begun-alike"), work, settings, plans[0])
    for run_id in (RunId("begun-alike"), *(RunId(f"same-{number}") for number in range(3))):
        delete(journal, run_id, settings)
    sweep(journal, ())

    with journal.reading() as connection:
        left = set(connection.scalars(select(schema.documents.c.digest)))
    assert left == {plan.digest for plan in (*plans, PLAN)}
    assert rows_of(journal, OTHER)[0].size > sum(len(plan.model_dump_json()) for plan in plans)
    delete(journal, OTHER, settings)
    assert rows_in(journal)["swarm_documents"] == 1  # that of the fixture's run


def test_a_held_run_is_refused_and_stays_whole(journal: Journal, settings: Settings, work: Path, folder: Path) -> None:
    """While another process executes a run nothing of it goes, and the error names that process."""
    live(journal, RUN, work, settings)
    holder = start(folder, "hold", "60")
    assert output(holder).readline().startswith("holds")
    before = rows_in(journal), files_below(folder), files_below(work)

    with pytest.raises(RunHeld, match=f"process {holder.pid} on "):
        delete(journal, RUN, settings)

    assert (rows_in(journal), files_below(folder), files_below(work)) == before
    assert ask(holder, "go on") == "written"
    kill(holder)
    delete(journal, RUN, settings)  # a dead process holds nothing


def test_nobody_can_begin_to_execute_a_run_that_is_being_deleted(journal: Journal, folder: Path) -> None:
    """Between the first file and the last row the run is held."""
    told: list[str] = []

    def try_to_execute() -> None:
        other = start(folder, "hold", "60")
        told.append(other.communicate()[0])

    remove_run(journal, RUN, [Part(Kept("something", 1, 0), try_to_execute)], period=PERIOD)

    assert "holds" not in told[0]
    assert not journal.has(RUN)


def test_who_was_taken_over_deletes_no_rows(journal: Journal, folder: Path) -> None:
    """A deleter that was silent for so long that another executor began leaves the rows to that one."""
    later = 1000.0
    other = Journal.at(folder, clock=lambda: time.time() + later, monotonic=lambda: time.monotonic() + later)
    taken: list[int] = []
    part = Part(Kept("slow", 1, 0), lambda: taken.append(other.take_lease(RUN, period=PERIOD)))

    with pytest.raises(Fenced):
        remove_run(journal, RUN, [part], period=PERIOD)

    assert journal.has(RUN)
    assert other.append(RUN, [on.ErrorOccurred(where="test", message="still mine")], epoch=taken[0])
    other.close()


def test_of_two_who_delete_at_once_one_does(journal: Journal, settings: Settings, work: Path, folder: Path) -> None:
    """Processes that delete the same run at the same time: one deletes it, the others are told why they do not."""
    for _ in range(trials(1, chaos=100)):
        live(journal, RUN, work, settings)
        processes = [deleter(folder) for _ in range(2)]

        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        told = sorted(process.communicate()[0].splitlines()[-1].partition(":")[0] for process in processes)

        assert told[1] == "deleted"
        assert told[0] in {"RunHeld", "RunNotFound"}
        assert set(rows_in(journal).values()) == {0}


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_a_deletion_that_was_killed_is_done_again(
    journal: Journal, settings: Settings, work: Path, *, folder: Path, parts: int
) -> None:
    """After a kill -9 between any two steps the run is still known, and deleting it again leaves nothing."""
    live(journal, RUN, work, settings)
    killed = deleter(folder, str(parts))
    killed.communicate("\n")

    assert killed.returncode == -9
    assert journal.records(RUN)
    assert len(parts_of(RUN, str(work), settings)) == 2 - parts
    delete(journal, RUN, settings)
    assert set(rows_in(journal).values()) == {0}
    assert files_below(folder) | files_below(work) == {"A.txt"}


@pytest.mark.chaos
def test_a_deletion_may_be_killed_at_any_moment(journal: Journal, settings: Settings, work: Path, folder: Path) -> None:
    """Killed at a random moment, a deletion has left the run whole enough to be deleted, or nothing of it."""
    seed = random.randrange(10**6)  # noqa: S311 - when to kill is no secret
    chance = random.Random(seed)  # noqa: S311 - when to kill is no secret
    for _ in range(trials(2, chaos=300)):
        live(journal, RUN, work, settings)
        killed = deleter(folder)
        assert killed.stdin is not None
        killed.stdin.write("\n")
        killed.stdin.flush()
        time.sleep(chance.uniform(0, 0.05))  # the moment is what the test is about
        kill(killed)

        if journal.has(RUN):
            journal.state(RUN)
            delete(journal, RUN, settings)

        assert set(rows_in(journal).values()) == {0}, f"seed {seed}"
        assert files_below(folder) | files_below(work) == {"A.txt"}, f"seed {seed}"


def deleter(folder: Path, dies_after: str = "-") -> subprocess.Popen[str]:
    """Start a process that deletes the run at the next line of its input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.deleter", str(folder), dies_after],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert output(process).readline() == "ready\n"
    return process


def test_a_file_that_cannot_be_removed_is_told_and_the_run_stays(journal: Journal) -> None:
    """The error names the file and the way on; the rows are there, and nobody holds the run."""

    def refuse() -> None:
        raise OSError(30, "Read-only file system", "/mnt/log")

    with pytest.raises(StorageFailed, match=r"/mnt/log cannot be removed .*`swarm delete run-1` again"):
        remove_run(journal, RUN, [Part(Kept("logs", 1, 0), refuse)], period=PERIOD)

    assert journal.holder(RUN) is None
    assert journal.has(RUN)
