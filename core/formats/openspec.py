"""How OpenSpec is read: specifications, and the changes to them that a proposal asks for."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import JsonValue

from prefect_swarm.core.document import Mark, Report
from prefect_swarm.core.formats.checklists import add_tasks, tasks_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format
from prefect_swarm.core.formats.markdown import Section, looks_like_markdown, read_outline
from prefect_swarm.core.formats.noting import below, keep, keep_blocks, keep_front, warn_numbered
from prefect_swarm.core.formats.phrases import flat, plain, priority_in
from prefect_swarm.core.formats.specfolder import files_named, keep_files, keep_tasks
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Criterion, Priority, Project, RequirementSet, TextCriterion

IS_REQUIREMENT = re.compile(r"^### +Requirement: *\S", re.MULTILINE | re.IGNORECASE)
IS_DELTA = re.compile(r"^## +(?:ADDED|MODIFIED|REMOVED|RENAMED) +Requirements\b", re.MULTILINE | re.IGNORECASE)
REQUIREMENT = re.compile(r"Requirement: *(?P<name>.+)", re.IGNORECASE | re.DOTALL)
SCENARIO = re.compile(r"Scenario: *(?P<name>.*)", re.IGNORECASE | re.DOTALL)
DELTA = re.compile(r"(?P<delta>ADDED|MODIFIED|REMOVED|RENAMED) +Requirements\b", re.IGNORECASE)
PROPOSAL = re.compile(r"^## +(?:Why|What Changes)\b", re.MULTILINE)
ARCHIVE = "archive/"
NOTHING = "no requirements (`### Requirement: ...`) and no tasks; is it a specification or a change of OpenSpec?"


@dataclass
class SpecReader:
    """Collects what specifications say."""

    gathering: Gathering
    capability: str = ""
    delta: str = ""

    def section(self, section: Section, path: tuple[str, ...]) -> None:
        """Read a section and those below it."""
        title = plain(section.title)
        if name := REQUIREMENT.match(title):
            self._requirement(section, name["name"].strip())
            return
        outer = self.delta
        if delta := DELTA.match(title):
            self.delta = delta["delta"].lower()
        here = below(path, section)
        keep_blocks(section.blocks, self.gathering, here)
        for one in section.sections:
            self.section(one, here)
        self.delta = outer

    def _requirement(self, section: Section, name: str) -> None:
        texts = [section.body]
        criteria: list[Criterion] = []
        for one in section.sections:
            scenario = SCENARIO.match(plain(one.title))
            title = scenario["name"].strip() if scenario else one.title
            text = f"{title}\n\n{one.written}".strip()
            if scenario:
                criteria.append(TextCriterion(text=text or one.title))
            else:
                texts.append(text)
        said: dict[str, JsonValue] = {"change": self.delta} if self.delta else {}
        description = "\n\n".join(text for text in texts if text)
        if self.delta == "removed":
            description = f"This requirement is to be removed.\n\n{description}".strip()
        draft = Draft(
            section.mark,
            flat(name),
            description or name,
            priority=priority_in(name) or Priority.MEDIUM,
            acceptance=tuple(criteria),
            category=self.capability,
        )
        self.gathering.add(draft, said)


def recognises(document: Document) -> float:
    """Sure where requirements are headings that say so and have scenarios, or stand in a section of changes."""
    if document.folder:
        specs = [document.part(path) for path in _specs(document)]
        if any(recognises(part) for part in specs):
            return 0.95
        proposals = (document.part(path).text for path in files_named(document, "proposal.md"))
        return 0.7 if any(PROPOSAL.search(text) for text in proposals) else 0
    if not looks_like_markdown(document):
        return 0
    if IS_DELTA.search(document.text) or IS_REQUIREMENT.search(document.text):
        return 0.95
    return 0


def read(document: Document, report: Report) -> RequirementSet:
    """Read one specification, or the folder of a change or of specifications."""
    gathering = Gathering(report, open_ended=True)
    reader = SpecReader(gathering)
    if not document.folder:
        outline = read_outline(document, report)
        keep_front(outline, gathering)
        reader.section(outline.root, ())
        name = outline.title or _capability(document.name)
        return _finish(gathering, Project(name=plain(name).removesuffix("Specification").strip() or "project"))
    return _read_folder(document, report, reader)


def _read_folder(document: Document, report: Report, reader: SpecReader) -> RequirementSet:
    gathering = reader.gathering
    specs, tasks = _specs(document), _living(files_named(document, "tasks.md"))
    proposals = _living(files_named(document, "proposal.md"))
    if len(proposals) > 1:
        names = ", ".join(sorted(str(PurePosixPath(path).parent) for path in proposals))
        report.warn(Mark(1, 1), f"of the changes in this folder only the specifications are read; name one: {names}")
        specs = [path for path in specs if "changes/" not in path] or specs
        tasks = []
    for path in proposals:
        part = document.part(path)
        for section in read_outline(part, report.inside(part.name)).root.sections:
            keep(section, gathering, path=(str(PurePosixPath(path).parent), "proposal")[len(proposals) == 1 :])
    for path in specs:
        part = document.part(path)
        reader.capability = _capability(path)
        reader.section(read_outline(part, report.inside(part.name)).root, (reader.capability,))
    keep_files(document, {*specs, *tasks, *proposals}, gathering)
    for path in tasks:
        part = document.part(path)
        if gathering.drafts:
            keep_tasks(part, gathering)
        else:
            add_tasks(tasks_of(read_outline(part, report.inside(part.name)).root), gathering)
    return _finish(gathering, Project(name=document.base or "project"))


def _finish(gathering: Gathering, project: Project) -> RequirementSet:
    warn_numbered(gathering)
    return gathering.finish(project, nothing=NOTHING)


def _specs(document: Document) -> list[str]:
    found = [path for path in document.files if path.lower().endswith(".md") and "specs/" in f"/{path}"]
    named = [path for path in (found or files_named(document, "spec.md")) if IS_SPEC_NAME.search(path)]
    return sorted(_living(named))


def _living(paths: list[str]) -> list[str]:
    """The paths outside the archive of changes that are done."""
    return [path for path in paths if ARCHIVE not in path]


def _capability(path: str) -> str:
    """The folder of a `spec.md`, else the file's own name."""
    pure = PurePosixPath(path)
    return pure.parent.name if pure.name.lower() == "spec.md" else pure.stem


IS_SPEC_NAME = re.compile(r"(?:^|/)spec\.md$|specs/[^/]+\.md$", re.IGNORECASE)
FORMAT = Format("openspec", "OpenSpec: a specification, or the folder of a change", recognises, read)
