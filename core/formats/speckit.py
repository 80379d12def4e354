"""How spec-kit is read: `spec.md` with its functional requirements and stories, and `tasks.md` with its boxes."""

import re

from prefect_swarm.core.document import Report
from prefect_swarm.core.formats.checklists import add_tasks, tasks_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format
from prefect_swarm.core.formats.markdown import Section, looks_like_markdown, read_outline
from prefect_swarm.core.formats.noting import keep_front, keep_others, project_of
from prefect_swarm.core.formats.phrases import TICK
from prefect_swarm.core.formats.specfolder import files_named, leading_part
from prefect_swarm.core.formats.statements import STORIES, StatementReader
from prefect_swarm.core.requirement import Project, RequirementSet

FILES = ("spec.md", "tasks.md")
SPEC = re.compile(r"^# Feature Specification\b|^\*\*Feature Branch\*\*|^## User Scenarios\b", re.MULTILINE)
STATED = re.compile(r"^[ \t]*[-*] \*\*(?:FR|SC)-\d{3}\w?\*\*|^#{3,4} User Story \d", re.MULTILINE)
TASK = re.compile(r"^[ \t]*[-*] \[[ xX]\] \*{0,2}T\d{2,4}\b", re.MULTILINE)
PREFIXES = ("Feature Specification", "Feature Spec", "Specification", "Implementation Tasks", "Tasks", "Task List")
UNCLEAR = re.compile(r"NEEDS[ _]CLARIFICATION", re.IGNORECASE)
NO_SPEC = "no functional requirements (`- **FR-001**: ...`) and no user stories; is it the spec.md of spec-kit?"
NO_TASKS = "no tasks (`- [ ] T001 ...`); is it the tasks.md of spec-kit?"


def recognises(document: Document) -> float:
    """Sure where functional requirements or tasks are numbered as spec-kit numbers them."""
    if document.folder:
        parts = (document.part(path) for path in files_named(document, *FILES))
        return max((recognises(part) for part in parts), default=0.0)
    if not looks_like_markdown(document):
        return 0
    if TASK.search(document.text):
        return 0.9
    if SPEC.search(document.text):
        return 0.9 if STATED.search(document.text) else 0.3
    return 0.6 if STATED.search(document.text) else 0


def read(document: Document, report: Report) -> RequirementSet:
    """Read a `spec.md` or `tasks.md`, or the folder of a feature with both."""
    gathering = Gathering(report, open_ended=True)
    if not document.folder:
        return _read_file(document, report, gathering)
    main = leading_part(document, FILES, gathering)
    return _read_file(main, report.inside(main.name), gathering)


def _read_file(document: Document, report: Report, gathering: Gathering) -> RequirementSet:
    outline = read_outline(document, report)
    project = project_of(outline, prefixes=PREFIXES)
    keep_front(outline, gathering)
    for unclear in UNCLEAR.finditer(report.text):
        report.warn(report.mark_at(unclear.start()), "this needs clarification; settle it before an agent works on it")
    read_root = _tasks if TASK.search(document.text) else _spec
    return read_root(outline.root, project, gathering)


def _tasks(root: Section, project: Project, gathering: Gathering) -> RequirementSet:
    tasks = list(tasks_of(root))
    add_tasks(tasks, gathering)
    keep_others(root, gathering, lambda item: TICK.match(item.text) is not None)
    return gathering.finish(project, nothing=NO_TASKS)


def _spec(root: Section, project: Project, gathering: Gathering) -> RequirementSet:
    reader = StatementReader(gathering)
    reader.section(root)
    if not gathering.drafts and reader.stories:
        gathering.notes.pop(STORIES, None)
        for story in reader.stories:
            gathering.add(story)
    return gathering.finish(project, nothing=NO_SPEC)


FORMAT = Format("spec-kit", "spec-kit: spec.md, tasks.md, or the folder of a feature", recognises, read)
