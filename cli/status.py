"""`swarm status RUN`: where a run stands now, and what it has done, written into the file it was planned from."""

import argparse
import os
from pathlib import Path

from prefect_swarm.agents.documents import document_at
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.render import screen
from prefect_swarm.cli.summary import summary
from prefect_swarm.cli.writing import tell, write
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import settings_from
from prefect_swarm.core.state import RequirementStatus, RunState, requirement_status
from prefect_swarm.core.view import view_run
from prefect_swarm.core.writeback import with_done
from prefect_swarm.journal.history import read_run
from prefect_swarm.journal.home import open_journal

ALL_LINES = 100_000
"""Higher than any terminal: nothing is left out."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", nargs="?", default="last", help="id of the run, the beginning of one, or `last`")
    parser.add_argument(
        "--write-back", action="store_true", help="mark what is verified as done in the file the run was planned from"
    )
    parser.add_argument("--requirements", metavar="FILE", help="that file, where it lies elsewhere now")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Show a run as the journal tells it. Raises RunNotFound."""
    journal = open_journal(settings_from(os.environ))
    run_id = journal.find(arguments.run)
    now = read_run(journal, run_id)
    if arguments.write_back:
        return write_back(now.plan, now.state, arguments.requirements, output)
    view = view_run(now.plan, now.state, journal.clock())
    if output.json_only:
        output.document(view.model_dump(mode="json"))
    elif view.progress.status.ended:
        output.show(summary(view))
    else:
        alive = journal.holder(run_id) is not None
        output.show(screen(view, journal.clock(), height=ALL_LINES, alive=alive))
    return 0


def write_back(plan: Plan, state: RunState, named: str | None, output: Output) -> int:
    """Mark what a run has verified as done in its requirements file; 65 where something could not be marked.

    Raises UsageError where the file is not there, or the run was a rehearsal, which verifies nothing.
    """
    if plan.rehearsal:
        raise UsageError("the run was a rehearsal, which verifies nothing; nothing is marked as done")
    document = document_at(Path(named) if named else _planned_from(plan))
    done = {
        one.id for one in plan.requirements if requirement_status(plan, state, one.id) is RequirementStatus.COMPLETED
    }
    changed = with_done(document, plan.requirements, done, written_as=plan.recipe.written_as if plan.recipe else "")
    write(document, changed)
    return tell(document, changed, output, "done-marks")


def _planned_from(plan: Plan) -> Path:
    """The file or folder that a plan was read from, named as it was where we still are there."""
    if plan.recipe is None:
        raise UsageError("this run was not planned from a file; name one with --requirements")
    here = Path(plan.recipe.folder) == Path().absolute()
    path = Path(plan.recipe.file) if here else Path(plan.recipe.folder, plan.recipe.file)
    if not path.exists():
        raise UsageError(f"{path} is not there; name it with --requirements where it lies elsewhere")
    return path
