"""`swarm run --resume-checkpoint FILE`: the run that a checkpoint file is of, made again where the journal lost it."""

from pathlib import Path

from prefect_swarm.cli.consent import ask_to_start, require_ready
from prefect_swarm.cli.output import Output
from prefect_swarm.core.events import ItemVerified
from prefect_swarm.core.history import Start, begin_with
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.checkpoints import Snapshot, read_snapshot
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.takeover import begin, missing_products, past_of


def restored(file: Path, folder: Path | None, settings: Settings, output: Output, *, agreed: bool) -> RunId:
    """Give the run of a checkpoint file; one that the journal does not know is made again from the file.

    A known run is the journal's affair: it knows more than any file. A file may have been written by anybody, and its
    plan names programs: so the plan is shown, and asked about, as that of a new run. Agents work in `folder`, else in
    the output folder in which the file lies. Raises UsageError where the file makes no sense or a person says no.
    """
    snapshot = read_snapshot(file)
    journal = open_journal(settings)
    if not (journal.has(snapshot.run_id) and journal.last(snapshot.run_id)[0]):
        place = (folder or _output_of(file)).absolute()
        past = past_of(snapshot)
        require_ready(snapshot.plan)
        ask_to_start(snapshot.plan, settings, output, agreed=agreed)
        start = Start(snapshot.run_id, str(place), settings.max_parallel, f"restored from {file.name}")
        turn = begin_with(start, snapshot.plan, (past,), missing_products((past,), place))
        begin(journal, snapshot.run_id, turn)
        taken = sum(isinstance(event, ItemVerified) for event in turn.events)
        output.tell(_told(snapshot, taken))
    return snapshot.run_id


def _output_of(file: Path) -> Path:
    folder = file.absolute().parent
    return folder.parent if folder.name == "checkpoints" else Path()


def _told(snapshot: Snapshot, taken: int) -> str:
    finished = sum(item.status == "verified" for item in snapshot.view.items)
    lost = f"; {finished - taken} more were, but what they made is gone" if finished > taken else ""
    return f"run {snapshot.run_id} is not in this journal: made again from the file, {taken} items are finished{lost}"
