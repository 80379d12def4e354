"""How drafts of requirements become requirements: ids assigned, dependencies resolved, circles refused.

Every format reads its files into drafts; what drafts say about one another is judged here, once for all formats.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect_swarm.core.cycles import shortest_loops
from prefect_swarm.core.document import Mark, Report, Scalar, did_you_mean, shorten
from prefect_swarm.core.ids import AgentName, RequirementId, identity
from prefect_swarm.core.requirement import Budget, Criterion, Priority, Requirement

MAX_ID = 200
SHOWN_OF_LOOP = 12


@dataclass(frozen=True, slots=True)
class Draft:
    """A requirement as its file says it, before it is known what the others say."""

    mark: Mark
    title: str
    description: str = ""
    id: Scalar | None = None
    prefix: str = "REQ"
    priority: Priority = Priority.MEDIUM
    depends_on: tuple[Scalar, ...] = ()
    agents: tuple[Scalar, ...] = ()
    acceptance: tuple[Criterion, ...] = ()
    effort: float | None = None
    budget: Budget | None = None
    category: str = ""
    done: bool = False


def link(drafts: Sequence[Draft], report: Report) -> tuple[Requirement, ...]:
    """Turn drafts into requirements in their order; what does not fit together is told to the report."""
    ids = assign_ids(drafts, report)
    index = {identity(name): at for at, name in reversed(list(enumerate(ids)))}
    edges = {at: _resolve(at, draft, ids=ids, index=index, report=report) for at, draft in enumerate(drafts)}
    for loop in shortest_loops(edges):
        _refuse_loop(loop, drafts, ids=ids, report=report)
    return tuple(
        _requirement(draft, ids[at], depends_on=tuple(ids[to] for to in edges[at]), report=report)
        for at, draft in enumerate(drafts)
    )


def assign_ids(drafts: Sequence[Draft], report: Report) -> list[RequirementId]:
    """Give every draft its id: its own, else the next free number of its prefix, in file order."""
    taken: dict[str, Mark] = {}
    for draft in drafts:
        if draft.id is not None:
            _claim(draft.id, taken, report=report)
    numbers: dict[str, int] = {}
    return [
        RequirementId(draft.id.text.strip() if draft.id else _free(draft.prefix, numbers, taken=taken))
        for draft in drafts
    ]


def _claim(name: Scalar, taken: dict[str, Mark], *, report: Report) -> None:
    if not name.text.strip().isprintable() or len(name.text) > MAX_ID:
        report.refuse(
            name.mark, f"{shorten(name.text)!r} cannot be an id: one line of at most {MAX_ID} printable characters"
        )
    first = taken.setdefault(identity(name.text), name.mark)
    if first is not name.mark:
        report.refuse(name.mark, f"the id {shorten(name.text)} stands twice; first at {report.place(first)}")


def _free(prefix: str, numbers: dict[str, int], *, taken: dict[str, Mark]) -> str:
    while True:
        numbers[prefix] = numbers.get(prefix, 0) + 1
        name = f"{prefix}-{numbers[prefix]:03d}"
        if identity(name) not in taken:
            return name


def _resolve(
    at: int, draft: Draft, *, ids: Sequence[RequirementId], index: dict[str, int], report: Report
) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for wanted in draft.depends_on:
        to = index.get(identity(wanted.text))
        if to is not None:
            found[to] = None
        else:
            hint = "" if report.crowded else did_you_mean(wanted.text, [one for one in ids if one != ids[at]])
            report.refuse(wanted.mark, f"{ids[at]} depends on {shorten(wanted.text)}, which no requirement has{hint}")
    return tuple(found)


def _refuse_loop(
    loop: tuple[int, ...], drafts: Sequence[Draft], *, ids: Sequence[RequirementId], report: Report
) -> None:
    names = [ids[at] for at in (*loop, loop[0])]
    if len(names) > SHOWN_OF_LOOP:
        left_out = len(names) - SHOWN_OF_LOOP
        names[SHOWN_OF_LOOP - 1 : -1] = [RequirementId(f"({left_out} more)")]
    following = identity(ids[loop[1 % len(loop)]])
    draft = drafts[loop[0]]
    mark = next((one.mark for one in draft.depends_on if identity(one.text) == following), draft.mark)
    said = "waits for itself" if len(loop) == 1 else "waits for itself in a circle"
    report.refuse(mark, f"{ids[loop[0]]} {said}: {' -> '.join(names)}; take one dependency out")


def _requirement(
    draft: Draft, name: RequirementId, *, depends_on: tuple[RequirementId, ...], report: Report
) -> Requirement:
    return Requirement(
        id=name,
        title=draft.title,
        description=draft.description,
        priority=draft.priority,
        depends_on=depends_on,
        agents=tuple(AgentName(one.text) for one in draft.agents),
        acceptance=draft.acceptance,
        effort=draft.effort,
        budget=draft.budget,
        category=draft.category,
        done=draft.done,
        source=report.source(draft.mark),
    )
