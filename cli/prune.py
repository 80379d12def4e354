"""`swarm prune`: delete runs that are old or many, and what belongs to no run any more."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue
from rich.table import Table
from rich.text import Text

from prefect_swarm.cli.delete import Leaving, add_removal_options, confirm, leave, removing, told_size
from prefect_swarm.cli.output import Output
from prefect_swarm.core.errors import JournalError, RunHeld, RunNotFound, UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.retention import Rule, Verdict, age_from, spared, waits_for_a_person
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.removal import Part, remove_run, stand_of_runs, stray_parts, sweep
from prefect_swarm.journal.store import Journal


@dataclass(frozen=True, slots=True)
class Clearance:
    """What a prune would do: runs that go and stay, and folders that are nobody's."""

    verdicts: tuple[Verdict, ...]
    leaving: tuple[Leaving, ...]
    strays: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Bytes that go."""
        return sum(one.size for one in self.leaving) + sum(part.kept.size for part in self.strays)

    def document(self) -> dict[str, JsonValue]:
        """Say it as JSON."""
        return {
            "goes": [{**one.document(), "why": self._why(one.run_id)} for one in self.leaving],
            "stays": [{"run_id": one.run_id, "why": one.why} for one in self.verdicts if not one.goes],
            "strays": [place for part in self.strays for place in part.kept.places],
        }

    def _why(self, run_id: RunId) -> str:
        return next(one.why for one in self.verdicts if one.run_id == run_id)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--older-than", metavar="AGE", help="runs that were last at work so long ago: 12h, 30d, 2w")
    parser.add_argument("--keep", type=int, metavar="N", help="the newest N runs stay")
    add_removal_options(parser)


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Delete what the rule says. Raises UsageError where there is no rule, or nobody said yes."""
    rule = _rule(arguments)
    settings = settings_from(os.environ)
    journal = open_journal(settings)
    found = clearance(journal, rule, settings, prefect=arguments.prefect)
    output.show(_table(found))
    kept: dict[RunId, str] = {}
    if not arguments.dry_run:
        if found.leaving or found.strays:
            confirm(arguments, output, f"delete {len(found.leaving)} runs ({told_size(found.size)})?")
        kept = _carry_out(journal, found, arguments, output)
    if output.json_only:
        late = [{"run_id": run_id, "why": why} for run_id, why in kept.items()]
        output.document({**found.document(), "deleted": not arguments.dry_run, "kept_after_all": [*late]})
    return 0


def clearance(journal: Journal, rule: Rule, settings: Settings, *, prefect: bool) -> Clearance:
    """Judge every run: by the rule, then by where it stands; a run that is executed or waits for somebody stays."""
    now = journal.clock()
    verdicts = tuple(_judged(journal, rule, now))
    leaving = (leave(journal, one.run_id, settings, prefect=prefect) for one in verdicts if one.goes)
    return Clearance(verdicts, tuple(leaving), stray_parts(journal, settings, now))


def _rule(arguments: argparse.Namespace) -> Rule:
    if arguments.older_than is None and arguments.keep is None:
        raise UsageError("say which runs may go: --older-than 30d, --keep 20, or both")
    if arguments.keep is not None and arguments.keep < 0:
        raise UsageError(f"--keep {arguments.keep}: a number of runs is 0 or more")
    return Rule(None if arguments.older_than is None else age_from(arguments.older_than), arguments.keep)


def _judged(journal: Journal, rule: Rule, now: float) -> Iterator[Verdict]:
    ages = [(one.run_id, now - one.newest) for one in stand_of_runs(journal)]
    for verdict in spared(ages, rule):
        why = _protected(journal, verdict.run_id) if verdict.goes else ""
        yield Verdict(verdict.run_id, goes=False, why=why) if why else verdict


def _protected(journal: Journal, run_id: RunId) -> str:
    """Why a run stays that the rule would let go; empty where nothing speaks for it."""
    try:
        holder = journal.holder(run_id)
        if holder is not None:
            return f"is being executed by {holder}"
        return "waits for a person" if waits_for_a_person(journal.state(run_id)) else ""
    except JournalError as error:
        return f"cannot be read, `swarm delete {run_id}` deletes it: {error}"


def _carry_out(journal: Journal, found: Clearance, arguments: argparse.Namespace, output: Output) -> dict[RunId, str]:
    """Delete the runs and what is nobody's; gives the runs that somebody began to execute meanwhile."""
    settings = settings_from(os.environ)
    kept: dict[RunId, str] = {}
    with removing(settings, prefect=arguments.prefect and bool(found.leaving), output=output):
        for one in found.leaving:
            try:
                remove_run(journal, one.run_id, one.parts, period=settings.lease_seconds)
            except RunHeld as error:
                kept[one.run_id] = str(error)
                output.tell(str(error))
            except RunNotFound:
                continue  # another process deleted it
    sweep(journal, found.strays)
    output.tell(f"{len(found.leaving) - len(kept)} runs are deleted")
    return kept


def _table(found: Clearance) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("run", "", "size", "why"):
        table.add_column(name, overflow="fold")
    sizes = {one.run_id: told_size(one.size) for one in found.leaving}
    for one in found.verdicts:
        mark = Text("goes", "red") if one.goes else Text("stays", "green")
        table.add_row(Text(one.run_id, "bold"), mark, sizes.get(one.run_id, ""), Text(one.why))
    for part in found.strays:
        table.add_row(Text("(no run)"), Text("goes", "red"), told_size(part.kept.size), Text(part.kept.places[0]))
    return table
