"""What a reader collects from a document, and how it becomes a `RequirementSet` in which nothing is lost."""

from collections.abc import Container
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from prefect_swarm.core.document import Mark, Report, shorten
from prefect_swarm.core.ids import identity
from prefect_swarm.core.linking import Draft, assign_ids, link
from prefect_swarm.core.requirement import Project, RequirementSet

PER_REQUIREMENT = "requirements"
"""The note that holds, by id, what documents say about requirements and our own format has no key for."""
MAX_NAME = 300
"""Characters of a note's name; YAML cannot read a key of more than 1,024."""
ELSEWHERE = "depends_on_elsewhere"


@dataclass
class Gathering:
    """Drafts in their order, what else is said of each, and the notes: all that is no requirement."""

    report: Report
    open_ended: bool = False
    """Whether the document is not ours to be strict about, as it is another tool's.

    What depends on other documents is noted then, and an id that stands twice is changed, with a warning for each.
    """
    drafts: list[Draft] = field(default_factory=list)
    said: list[dict[str, JsonValue]] = field(default_factory=list)
    notes: dict[str, JsonValue] = field(default_factory=dict)

    def add(self, draft: Draft, said: dict[str, JsonValue] | None = None) -> None:
        """Take a requirement, and what is said of it that a draft has no field for."""
        self.drafts.append(draft)
        self.said.append(dict(said or {}))

    def note(self, under: str, text: JsonValue) -> None:
        """Keep what is no requirement, in a list under where it stood."""
        if len(under) > MAX_NAME:
            under, text = f"{under[:MAX_NAME]}…", {"under": under, "text": text}
        known = self.notes.setdefault(under, [])
        if isinstance(known, list):
            known.append(text)
        else:
            self.notes[under] = [known, text]

    def finish(self, project: Project, *, nothing: str) -> RequirementSet:
        """Link the drafts; raises RequirementError with all problems, `nothing` among them where there is no draft."""
        if not self.drafts and not self.report.refused:
            self.report.refuse(Mark(1, 1), nothing)
        if self.open_ended:
            self._rename_twins()
            self._part_from_elsewhere()
        requirements = link(self.drafts, self.report)
        self.report.close()
        said: JsonValue = {str(one.id): kept for one, kept in zip(requirements, self.said, strict=True) if kept}
        before = self.notes.get(PER_REQUIREMENT)
        merged: JsonValue = {**before, **said} if isinstance(before, dict) else said
        notes = self.notes | ({PER_REQUIREMENT: merged} if said else {})
        return RequirementSet(project=project, requirements=requirements, notes=notes, warnings=self.report.warnings)

    def _rename_twins(self) -> None:
        taken: dict[str, Draft] = {}
        for draft in self.drafts:
            if draft.id is not None:
                taken.setdefault(identity(draft.id.text), draft)
        numbers: dict[str, int] = {}
        for at, draft in enumerate(self.drafts):
            if draft.id is None or taken[identity(draft.id.text)] is draft:
                continue
            name = self._free(draft.id.text, taken, numbers)
            first = self.report.place(taken[identity(draft.id.text)].mark)
            self.report.warn(
                draft.id.mark, f"{shorten(draft.id.text)} stands twice, first at {first}; here it is {name}"
            )
            self.drafts[at] = replace(draft, id=replace(draft.id, text=name))
            taken[identity(name)] = self.drafts[at]

    def _free(self, name: str, taken: Container[str], numbers: dict[str, int]) -> str:
        while True:
            numbers[name] = numbers.get(name, 1) + 1
            other = f"{name}-{numbers[name]}"
            if identity(other) not in taken:
                return other

    def _part_from_elsewhere(self) -> None:
        ids = {identity(name) for name in assign_ids(self.drafts, Report(self.report.file))}
        for at, draft in enumerate(self.drafts):
            gone = [one for one in draft.depends_on if identity(one.text) not in ids]
            if not gone:
                continue
            for one in gone:
                self.report.warn(one.mark, f"{shorten(one.text)} is in no document read here; kept as a note")
            self.said[at][ELSEWHERE] = [one.text for one in gone]
            here = tuple(one for one in draft.depends_on if one not in gone)
            self.drafts[at] = replace(draft, depends_on=here)
