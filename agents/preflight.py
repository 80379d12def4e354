"""What a plan needs and this machine lacks, told before anything is started; and the runner where none is named."""

import shutil
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from prefect_swarm.agents.runners import KINDS
from prefect_swarm.core.cards import NEEDS_VALUE, RUNNER_KINDS
from prefect_swarm.core.document import did_you_mean
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.requirement import RunCheck
from prefect_swarm.core.roster import RunnerSpec
from prefect_swarm.core.settings import Settings

NAMED_ALONE = tuple(kind for kind in RUNNER_KINDS if kind not in NEEDS_VALUE and kind != "rehearsal")

SHOWN_PLACES = 3
SPACE = 500 * 2**20
"""Bytes that should be free before agents begin to write."""


def default_runner(name: str, settings: Settings) -> tuple[RunnerSpec | None, str]:
    """The runner of agents whose card names none, and why: `--runner`, then the setting; nothing is picked by itself.

    Raises UsageError for a name that is no runner, or one that needs more than its name.
    """
    for kind, origin in ((name, "--runner"), (settings.runner, "the setting runner (SWARM_RUNNER)")):
        if kind:
            return _runner(kind, origin), f"named by {origin}"
    return None, "neither the agent's card, --runner nor SWARM_RUNNER names a runner"


def _runner(kind: str, origin: str) -> RunnerSpec:
    if kind == "rehearsal":
        raise UsageError(f"{origin}: a rehearsal is asked for with --rehearse")
    if kind in NEEDS_VALUE:
        raise UsageError(
            f"{origin}: {kind} needs a value; write `runner: {{{kind}: {NEEDS_VALUE[kind]}}}` in the agent's card"
        )
    if kind not in NAMED_ALONE:
        hint = did_you_mean(kind, NAMED_ALONE) or f"; known: {', '.join(NAMED_ALONE)}"
        raise UsageError(f"{origin}: {kind} is no runner{hint}")
    return RunnerSpec(kind=kind)


def missing_tools(plan: Plan, search: Callable[[str], str | None] = shutil.which) -> tuple[str, ...]:
    """What is not there: programs of command runners and of `run` checks, modules of python runners.

    Each message says where it is needed and what to do. Programs inside the workspace (`./run.sh`) cannot be looked
    for beforehand and are left out.
    """
    needed: dict[str, list[str]] = {}
    for lack, place in (*_runner_lacks(plan, search), *_check_lacks(plan, search)):
        places = needed.setdefault(lack, [])
        if place not in places:
            places.append(place)
    return tuple(f"{lack}, needed by {_shown(places)}; {_remedy(lack)}" for lack, places in needed.items())


def missing_space(folder: Path) -> tuple[str, ...]:
    """Say that a folder, or what will hold it, has less than SPACE bytes free."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free >= SPACE:
        return ()
    return (f"disk: {free // 2**20} MiB are free at {there}; free space there, agents need {SPACE // 2**20} MiB",)


def _runner_lacks(plan: Plan, search: Callable[[str], str | None]) -> Iterator[tuple[str, str]]:
    for item in plan.items:
        lack = _lack_of(item, plan, search=search)
        if lack:
            yield lack, f"agent {item.agent}"


def _lack_of(item: WorkItem, plan: Plan, *, search: Callable[[str], str | None]) -> str:
    folder = plan.agent_by_name[item.agent].folder
    match item.runner:
        case RunnerSpec(kind="command", options={"command": [str(program), *_]}):
            program = program.replace("{agents}", folder)
            return "" if _found(program, search) else f"the program {program} is missing"
        case RunnerSpec(kind="python", options={"python": str(target)}):
            module = target.partition(":")[0]
            return "" if _importable(module, [folder, "."]) else f"the Python module {module} is missing"
        case RunnerSpec(kind=kind) if kind not in KINDS:
            return f"the runner {kind} is not part of this version"
        case _:
            return ""


def _check_lacks(plan: Plan, search: Callable[[str], str | None]) -> Iterator[tuple[str, str]]:
    for requirement in plan.requirements:
        for check in requirement.checks if plan.items_of[requirement.id] else ():
            if isinstance(check, RunCheck) and not _found(check.argv[0], search):
                yield f"the program {check.argv[0]} is missing", f"a check of {requirement.id}"


def _found(program: str, search: Callable[[str], str | None]) -> bool:
    """Whether a program is there, on PATH or as a file; one inside the workspace counts as there."""
    if "/" not in program:
        return search(program) is not None
    return not Path(program).is_absolute() or Path(program).is_file()


def _importable(module: str, folders: list[str]) -> bool:
    """Whether a module can be found as its process will look for it; no code of it is run."""
    top, *inner = module.split(".")
    spec = PathFinder.find_spec(top, [folder for folder in folders if folder]) or _installed(top)
    name = top
    for part in inner:
        if spec is None or spec.origin is None:  # a namespace: its parts may be anywhere
            return spec is not None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations or ()))
    return spec is not None


def _installed(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)
    except ValueError:  # a module such as __main__, which has no origin
        return None


def _shown(places: list[str]) -> str:
    rest = f" and {len(places) - SHOWN_PLACES} more" if len(places) > SHOWN_PLACES else ""
    return ", ".join(places[:SHOWN_PLACES]) + rest


def _remedy(lack: str) -> str:
    if "runner" in lack:
        return f"use one of {', '.join(KINDS)} in the agent's card"
    if "module" in lack:
        return "install it into the environment of swarm, or put its folder on PYTHONPATH"
    return "install it, or put its folder on PATH"
