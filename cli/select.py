"""`swarm select`: which agents suit each statement of a stream, for scripts and for measuring."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import JsonValue

from prefect_swarm.agents.learned import learned_selector
from prefect_swarm.agents.registry import find_roster
from prefect_swarm.cli.output import Output
from prefect_swarm.core.document import Limits, Mark, Report
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.selector import Selector, type_problem

BEST = 3
SHAPE = 'a line must be a JSON object with an "id" and a "text"'


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `swarm select`."""
    parser.add_argument("--agents", type=Path, metavar="DIR", help="folder of agents, looked through first")
    parser.add_argument("--project-type", default="", metavar="TYPE", help="raises the agents usual for it")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Answer each line of standard input with a line; raises RequirementError for lines that cannot be read."""
    if sys.stdin.isatty():
        raise UsageError('statements are read from standard input: echo \'{"id": 1, "text": "..."}\' | swarm select')
    if problem := type_problem(arguments.project_type):
        output.tell(f"warning: {problem}")
    selector = learned_selector(find_roster(Path(), arguments.agents))
    report = Report("standard input")
    for row in _rows(sys.stdin.buffer, report):
        sys.stdout.write(json.dumps(_answer(row, selector, arguments.project_type)) + "\n")
        sys.stdout.flush()
    report.close()
    return 0


def _rows(lines: BinaryIO, report: Report) -> Iterator[dict[str, JsonValue]]:
    """The objects of a stream, each as it comes; lines that are none are noted."""
    limit = Limits().bytes
    for number, line in enumerate(iter(lambda: lines.readline(limit + 1), b""), start=1):
        if len(line) > limit:
            report.stop(Mark(number, 1), f"a line must not be longer than {limit} bytes")
        if not line.strip():
            continue
        try:
            row: JsonValue = json.loads(line)
        except (ValueError, RecursionError) as error:
            report.refuse(Mark(number, 1), f"{SHAPE}: {error}")
            continue
        if isinstance(row, dict) and isinstance(row.get("id"), str | int) and isinstance(row.get("text"), str):
            yield row
        else:
            report.refuse(Mark(number, 1), SHAPE)


def _answer(row: dict[str, JsonValue], selector: Selector, project_type: str) -> JsonValue:
    ranking = selector.rank(str(row["text"]), project_type)
    return {
        "id": row["id"],
        "agents": [one.agent for one in ranking.candidates[:BEST]],
        "confidence": round(ranking.confidence, 4),
        "because": list(ranking.candidates[0].reasons),
    }
