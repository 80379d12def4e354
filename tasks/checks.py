"""How the engine finds out itself whether an item is done: each check leaves evidence."""

import hashlib
import re
import time
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import assert_never

from prefect_swarm.agents.supervisor import Ending, Job, run_process
from prefect_swarm.core.events import Evidence
from prefect_swarm.core.ports import Stop
from prefect_swarm.core.requirement import Check, ContainsCheck, FileCheck, RunCheck, criterion_title
from prefect_swarm.tasks.workspace import shown_path

NAMED = 20
"""Files that the evidence of a glob names."""
SEARCHED = 16 * 1024 * 1024
"""Bytes of a file that `contains` looks at."""


def run_check(check: Check, workspace: Path, environment: Mapping[str, str], stop: Stop) -> Evidence:
    """Run one check in the workspace. Never raises: a check that cannot be run is `broken` evidence."""
    begun = time.monotonic()
    try:
        match check:
            case RunCheck():
                found = _run(check, workspace, environment, stop)
            case FileCheck():
                found = _file(check, workspace)
            case ContainsCheck():
                found = _contains(check, workspace)
            case _:
                assert_never(check)
    except OSError as error:
        found = _evidence(check, passed=False, broken=True, output=f"{error.strerror}: {error.filename}")
    except (ValueError, LookupError, re.error) as error:  # what pathlib and re raise for patterns they cannot read
        found = _evidence(check, passed=False, broken=True, output=f"the check cannot be run: {error}")
    return found.model_copy(update={"seconds": time.monotonic() - begun})


def rehearsed(check: Check) -> Evidence:
    """Evidence of a rehearsal: nothing was looked at."""
    return _evidence(check, passed=True, rehearsed=True, output="rehearsal: not checked")


def _run(check: RunCheck, workspace: Path, environment: Mapping[str, str], stop: Stop) -> Evidence:
    job = Job(argv=check.argv, cwd=str(workspace), environment=environment, timeout=check.timeout)
    ended = run_process(job, stop=stop)
    late = f"\nstill running after {check.timeout:g} s" if ended.ending is Ending.TIMED_OUT else ""
    return _evidence(
        check,
        passed=ended.ending is Ending.EXITED and ended.exit_code == check.exit_code,
        command=check.argv,
        exit_code=ended.exit_code,
        output=ended.output + late,
    )


def _file(check: FileCheck, workspace: Path) -> Evidence:
    pattern = _leading_nowhere_else(check.path)  # from Python 3.13 on glob gives a name without * unseen
    found = sorted(path for path in workspace.glob(pattern) if path.exists() and _inside(path, workspace))
    digests = {_name(path, workspace): _digest(path) for path in found[:NAMED] if path.is_file()}
    said = "\n".join(_name(path, workspace) for path in found[:NAMED]) or f"nothing at {check.path}"
    return _evidence(check, passed=bool(found), output=said, digests=digests)


def _contains(check: ContainsCheck, workspace: Path) -> Evidence:
    path = workspace / _leading_nowhere_else(check.file)
    if not _inside(path, workspace) or not path.is_file():
        return _evidence(check, passed=False, output=f"no file {check.file}")
    with path.open("rb") as file:
        text = file.read(SEARCHED).decode("utf-8", "replace")
    wanted = check.text is None or check.text in text
    matched = check.pattern is None or re.search(check.pattern, text, re.MULTILINE) is not None
    said = "found" if wanted and matched else f"not found in the {len(text)} characters of {check.file}"
    return _evidence(check, passed=wanted and matched, output=said, digests={check.file: _digest(path)})


def _leading_nowhere_else(path: str) -> str:
    """Give a path that stays in the workspace by its words alone. Raises ValueError for any other."""
    if not PurePath(path).parts:
        raise ValueError(f"{path} names no file")
    if PurePath(path).is_absolute() or ".." in PurePath(path).parts:
        raise ValueError(f"{path} leads out of the workspace")
    return path


def _inside(path: Path, workspace: Path) -> bool:
    try:
        return path.resolve().is_relative_to(workspace.resolve())
    except (OSError, RuntimeError):
        return False  # symbolic links that lead in a circle


def _name(path: Path, workspace: Path) -> str:
    return shown_path(path.relative_to(workspace))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _evidence(check: Check, **found: object) -> Evidence:
    return Evidence.model_validate({"title": criterion_title(check), "kind": check.kind, **found})
