"""Turning a run's history, and making runs from what others finished: what `core.history` decided, written down."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.graph import topological_order
from prefect_swarm.core.history import Turn
from prefect_swarm.core.ids import RunId, plain_run_id
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reuse import Past, finished_work
from prefect_swarm.core.state import ItemState, ItemStatus, RunState
from prefect_swarm.core.table import ItemTable
from prefect_swarm.core.view import ItemView
from prefect_swarm.journal.checkpoints import Snapshot
from prefect_swarm.journal.history import History, read_history
from prefect_swarm.journal.store import Journal


def missing_products(pasts: Iterable[Past], output: Path) -> frozenset[str]:
    """Look which files that finished work made are gone from the output folder; what they hold is not looked at."""
    paths = {path for past in pasts for work in finished_work(past) for path in work.products}
    return frozenset(path for path in paths if not _is_there(output, path))


def _is_there(output: Path, path: str) -> bool:
    """Whether a path below a folder exists; one that leads out of it does not count as there."""
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and os.path.lexists(output / parts)


def rewind(journal: Journal, run_id: RunId, decide: Callable[[History], Turn], *, period: float) -> Turn:
    """Decide on the run's history and write the turn, while nobody else can write into it.

    `period` is the lease's, in seconds. Raises RunHeld where another executor has the run; nothing is written then.
    """
    epoch = journal.take_lease(run_id, period=period)
    try:
        turn = decide(read_history(journal, run_id))
        if turn.events:
            journal.append(run_id, turn.events, epoch=epoch, plan=turn.plan)
    finally:
        journal.release_lease(run_id, epoch)
    return turn


def begin(journal: Journal, run_id: RunId, turn: Turn) -> None:
    """Make a run that begins with finished work. Raises JournalError where there is such a run with another plan."""
    journal.create(run_id, turn.plan)
    journal.append(run_id, turn.events)


def past_of(snapshot: Snapshot) -> Past:
    """Give the point in history that a checkpoint file is of, as far as finished work is concerned.

    Raises UsageError where the file's parts do not fit each other, or its run's name could lead into other folders.
    """
    plain_run_id(snapshot.run_id)
    if not _holds_together(snapshot.plan):
        raise UsageError(
            f"the checkpoint of run {snapshot.run_id} does not hold together: its plan names what it lacks"
        )
    shown = {one.id: one for one in snapshot.view.items}
    items = [_finished(shown[item.id]) if item.id in shown else ItemState(item.id) for item in snapshot.plan.items]
    return Past(snapshot.plan, RunState(snapshot.run_id, ItemTable(items)))


def _finished(item: ItemView) -> ItemState:
    if item.status is not ItemStatus.VERIFIED:
        return ItemState(item.id)
    return ItemState(
        item.id,
        ItemStatus.VERIFIED,
        since=item.since,
        reused=item.reused,
        seconds=item.seconds,
        summary=item.summary,
        files=item.files,
        evidence=item.evidence,
    )


def _holds_together(plan: Plan) -> bool:
    ids = {item.id for item in plan.items}
    known = all(
        item.requirement in plan.requirement_by_id
        and item.agent in plan.agent_by_name
        and ids.issuperset(item.depends_on)
        for item in plan.items
    )
    return known and len(ids) == len(plan.items) and len(topological_order(plan)) == len(ids)
