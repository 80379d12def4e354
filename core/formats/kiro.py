"""How Kiro is read: `requirements.md` with its stories and EARS criteria, and `tasks.md` with its nested boxes."""

import re

from prefect_swarm.core.document import Report, Scalar
from prefect_swarm.core.formats.checklists import add_tasks, tasks_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format
from prefect_swarm.core.formats.markdown import Paragraph, Section, looks_like_markdown, read_outline
from prefect_swarm.core.formats.noting import below, keep_blocks, keep_front, keep_others, project_of, texts_of
from prefect_swarm.core.formats.phrases import (
    TICK,
    accepted,
    criteria_of,
    flat,
    is_acceptance,
    label_of,
    plain,
    priority_in,
)
from prefect_swarm.core.formats.specfolder import files_named, leading_part
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Priority, Project, RequirementSet

WORD = r"(?:Requirement|Req\.?|需求|要件|要求|요구\s?사항|Requisito|Exigence|Anforderung|Требование|Bug|Property)"
HEADING = re.compile(
    rf"{WORD}\s*#?(?P<id>[A-Za-z-]{{0,12}}\d{{1,4}}(?:\.\d{{1,4}}){{0,4}})\s*[:.)：\u2013\u2014-]*\s*(?P<title>.*)",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"(?P<id>(?:[A-Z]{1,8}-)?\d{1,4}(?:\.\d{1,4}){0,4})\s*[:.)：\u2013\u2014-]*\s+(?P<title>.*)")
IS_HEADING = re.compile(rf"^#{{2,4}} {WORD}\s*#?[A-Za-z-]{{0,12}}\d", re.MULTILINE | re.IGNORECASE)
EARS = re.compile(
    r"^[ \t]*(?:\d+\.|[-*])\s+(?:\d+\.\d+\.?\s+)?\**(?:WHEN|IF|WHILE|WHERE|THE)\b[^\n]*\bSHALL\b", re.MULTILINE
)
ACCEPTED = re.compile(r"^#{3,5} +Acceptance Criteria|^\*\*Acceptance Criteria", re.MULTILINE | re.IGNORECASE)
TASK = re.compile(r"^[ \t]*[-*] \[[ xX~-]\]\*? +\d{1,3}(?:\.\d{1,3})*[.)]? +\S", re.MULTILINE)
REFERS = re.compile(
    r"_(?:Requirements?|Validates|Depends)\b[^\n]*_|^# Implementation (?:Plan|Tasks)", re.MULTILINE | re.IGNORECASE
)
STORY_LABEL = re.compile(
    r"user story|story|用户故事|ユーザーストーリー|사용자 스토리|historia de usuario", re.IGNORECASE
)
PREFIXES = ("Requirements Document", "Requirements", "Implementation Plan", "Implementation Tasks", "Tasks", "Feature")
NO_REQUIREMENTS = "no requirements (`### Requirement 1: ...`); is it the requirements.md of Kiro?"
NO_TASKS = "no tasks (`- [ ] 1. ...`); is it the tasks.md of Kiro?"
FILES = ("requirements.md", "bugfix.md", "tasks.md")


def recognises(document: Document) -> float:
    """Sure where requirements are numbered headings with EARS criteria, or boxes are numbered and name requirements."""
    if document.folder:
        parts = (document.part(path) for path in files_named(document, *FILES))
        return max((recognises(part) for part in parts), default=0.0)
    if not looks_like_markdown(document):
        return 0
    text = document.text
    if IS_HEADING.search(text):
        return 0.9 if EARS.search(text) or ACCEPTED.search(text) else 0.4
    if TASK.search(text):
        return 0.8 if REFERS.search(text) else 0.6
    return 0.4 if ACCEPTED.search(text) and EARS.search(text) else 0


def read(document: Document, report: Report) -> RequirementSet:
    """Read a `requirements.md` or `tasks.md`, or the folder of a specification with both."""
    gathering = Gathering(report, open_ended=True)
    if not document.folder:
        return _read_file(document, report, gathering)
    main = leading_part(document, FILES, gathering)
    return _read_file(main, report.inside(main.name), gathering)


def _read_file(document: Document, report: Report, gathering: Gathering) -> RequirementSet:
    outline = read_outline(document, report)
    project = project_of(outline, prefixes=PREFIXES)
    keep_front(outline, gathering)
    if TASK.search(document.text) and not IS_HEADING.search(document.text):
        return _tasks(outline.root, project, gathering)
    pattern = HEADING if IS_HEADING.search(document.text) else NUMBERED
    _section(outline.root, gathering, pattern, ())
    return gathering.finish(project, nothing=NO_REQUIREMENTS)


def _tasks(root: Section, project: Project, gathering: Gathering) -> RequirementSet:
    add_tasks(tasks_of(root), gathering)
    keep_others(root, gathering, lambda item: TICK.match(item.text) is not None)
    return gathering.finish(project, nothing=NO_TASKS)


def _section(section: Section, gathering: Gathering, pattern: re.Pattern[str], path: tuple[str, ...]) -> None:
    found = pattern.match(plain(section.title)) if section.level > 1 else None
    if found and not any(pattern.match(plain(one.title)) for one in section.sections):
        gathering.add(_requirement(section, found, path))
        return
    here = below(path, section)
    keep_blocks(section.blocks, gathering, here)
    for one in section.sections:
        _section(one, gathering, pattern, here)


def _requirement(section: Section, found: re.Match[str], path: tuple[str, ...]) -> Draft:
    criteria, rest = accepted(section)
    if not criteria:
        lists = [block for block in rest if not isinstance(block, Paragraph)]
        criteria, rest = criteria_of(lists), tuple(block for block in rest if isinstance(block, Paragraph))
    texts = [str(text) for block in rest for text in texts_of(block)]
    texts += [f"{one.title}\n\n{one.written}" for one in section.sections if not is_acceptance(one.title)]
    texts += [
        one.written for below_it in section.sections if is_acceptance(below_it.title) for one in below_it.sections
    ]
    story = next((_story(text) for text in texts if STORY_LABEL.search(label_of(text)[0])), "")
    title = flat(found["title"]) or flat(story) or plain(section.title)
    return Draft(
        section.mark,
        title,
        "\n\n".join(texts) or title,
        id=Scalar(found["id"], False, section.mark),
        priority=priority_in("\n".join((section.title, *texts))) or Priority.MEDIUM,
        acceptance=criteria,
        category=path[-1] if len(path) > 1 else "",
    )


def _story(text: str) -> str:
    return label_of(text)[1] or text


FORMAT = Format("kiro", "Kiro: requirements.md, tasks.md, or the folder of a specification", recognises, read)
