"""Small plans for tests, whose agents are scripted programs."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from prefect_swarm.core.ids import AgentName, RequirementId, item_id
from prefect_swarm.core.plan import Choice, Plan, WorkItem
from prefect_swarm.core.requirement import Criterion, FileCheck, Priority, Project, Requirement, Source
from prefect_swarm.core.roster import AgentCard, Rights, RunnerSpec, Stage


@dataclass(frozen=True, slots=True)
class Part:
    """One requirement with one item, done by a scripted agent; `script` holds further arguments for it."""

    id: str
    needs: tuple[str, ...] = ()
    script: tuple[str, ...] = ()
    retries: int = 0
    priority: Priority = Priority.MEDIUM
    acceptance: tuple[Criterion, ...] | None = None
    """None: the part's file must exist, which the agent writes."""
    description: str = ""
    timeout: float = 60.0
    argv: tuple[str, ...] = field(default=())
    """Another program in place of the scripted agent."""


AGENT = AgentName("fake")


def plan_of(*parts: Part, ledger: Path | None = None, project: str = "Trial") -> Plan:
    """Make a plan of the parts, in their order."""
    card = AgentCard(name=AGENT, description="does what its script says", prompt="Do what is asked.")
    return Plan(
        project=Project(name=project),
        requirements=tuple(_requirement(part) for part in parts),
        agents=(card,),
        items=tuple(_item(part, ledger) for part in parts),
    )


def file_of(part: str) -> str:
    """Name the file that the agent of a part makes."""
    return f"{part}.txt"


def _requirement(part: Part) -> Requirement:
    checks = (FileCheck(path=file_of(part.id)),) if part.acceptance is None else part.acceptance
    return Requirement(
        id=RequirementId(part.id),
        title=f"Make {part.id}",
        description=part.description,
        priority=part.priority,
        depends_on=tuple(RequirementId(one) for one in part.needs),
        acceptance=checks,
        source=Source(file="trial.yaml", line=1, column=1),
    )


def _item(part: Part, ledger: Path | None) -> WorkItem:
    argv = part.argv or (
        *(sys.executable, "-m", "prefect_swarm.testing.fakeagent", "--write", file_of(part.id)),
        *(("--ledger", str(ledger)) if ledger else ()),
        *part.script,
    )
    return WorkItem(
        id=item_id(RequirementId(part.id), AGENT),
        requirement=RequirementId(part.id),
        agent=AGENT,
        stage=Stage.BUILD,
        runner=RunnerSpec(kind="command", options={"command": list(argv)}),
        runner_reason="scripted",
        rights=Rights.EDIT,
        priority=part.priority,
        depends_on=tuple(item_id(RequirementId(one), AGENT) for one in part.needs),
        effort=1,
        retries=part.retries,
        timeout=part.timeout,
        choice=Choice(reason="scripted", confidence=1),
    )
