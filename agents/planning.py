"""From a file to a plan: the requirements read, the agents found, the work items compiled; and the same once more."""

import hashlib
from dataclasses import replace
from pathlib import Path

from prefect_swarm.agents.documents import document_at
from prefect_swarm.agents.learned import learned_selector
from prefect_swarm.agents.registry import find_roster
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.plan import Plan, Recipe
from prefect_swarm.core.planner import PlanOptions, compile_plan
from prefect_swarm.core.reading import read_document
from prefect_swarm.core.settings import Settings


def plan_file(path: Path, agents: Path | None, options: PlanOptions, *, written_as: str = "") -> Plan:
    """Compile the plan of a requirements file or folder, with the agents of `agents` first.

    Raises UsageError where there is no such file or format, RequirementError with everything that is wrong in it.
    """
    recipe = Recipe(
        file=str(path),
        sha256="",
        folder=str(Path().absolute()),
        agents=str(agents) if agents is not None else "",
        project_type=options.project_type,
        chain=options.chain,
        runner=options.default_runner,
        runner_reason=options.runner_reason,
        infer=options.infer,
        written_as=written_as,
    )
    return _compile(recipe, options)


def plan_again(plan: Plan, settings: Settings) -> Plan:
    """Compile a plan anew, from its file and agents as they are now, with the options it was compiled with.

    Raises UsageError for a plan that was not read from a file, or whose file is gone; RequirementError as `plan_file`.
    """
    recipe = plan.recipe
    if recipe is None:
        raise UsageError("this run's plan was not read from a requirements file, so there is nothing to take in")
    options = PlanOptions(
        settings=settings,
        project_type=recipe.project_type,
        chain=recipe.chain,
        default_runner=recipe.runner,
        runner_reason=recipe.runner_reason,
        rehearsal=plan.rehearsal,
        infer=recipe.infer,
    )
    return _compile(recipe, options)


def changed_file(plan: Plan) -> Path | None:
    """Give the requirements file of a plan where it is not any more what the plan was compiled from."""
    if plan.recipe is None:
        return None
    path = Path(plan.recipe.folder, plan.recipe.file)
    try:
        now = _digest(document_at(path))
    except UsageError:
        return None  # gone: there is nothing in it to take in
    return path if now != plan.recipe.sha256 else None


def _compile(recipe: Recipe, options: PlanOptions) -> Plan:
    folder = Path(recipe.folder)
    folder = Path() if folder == Path().absolute() else folder  # messages name files as the user does
    document = document_at(folder / recipe.file, name=recipe.file)
    requirements = read_document(document, written_as=recipe.written_as)
    roster = find_roster(folder, folder / recipe.agents if recipe.agents else None)
    recipe = recipe.model_copy(update={"sha256": _digest(document)})
    selector = options.selector or learned_selector(roster)
    return compile_plan(requirements, roster, replace(options, recipe=recipe, selector=selector))


def _digest(document: Document) -> str:
    """Digest of a file's bytes, or of the names and bytes of a folder's files."""
    if not document.folder:
        return hashlib.sha256(document.content).hexdigest()
    parts = ((name, hashlib.sha256(content).hexdigest()) for name, content in document.files.items())
    return hashlib.sha256(repr(tuple(parts)).encode()).hexdigest()
