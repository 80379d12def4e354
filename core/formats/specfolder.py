"""What the folder of a specification holds beside what is read of it: its tasks and its other texts, as notes."""

from collections.abc import Collection
from pathlib import PurePosixPath

from prefect_swarm.core.document import Mark, Report, count
from prefect_swarm.core.formats.checklists import described, tasks_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.formats.markdown import read_outline

FILES = "files"
TASKS = "tasks"


def files_named(document: Document, *names: str) -> list[str]:
    """The paths of the files with these names, those of the first name first, the least deep first."""
    ranked = [
        (names.index(PurePosixPath(path).name.lower()), path.count("/"), path)
        for path in document.files
        if PurePosixPath(path).name.lower() in names
    ]
    return [path for _, _, path in sorted(ranked)]


def keep_files(document: Document, read: Collection[str], gathering: Gathering) -> None:
    """Keep the texts of the files that are not read themselves."""
    others = {path: document.part(path).text for path in document.files if path not in read}
    if texts := {path: text for path, text in others.items() if text.strip()}:
        gathering.notes[FILES] = {**texts}


def keep_tasks(document: Document, gathering: Gathering) -> None:
    """Keep the tasks of a `tasks.md` as notes, where its folder holds the requirements that they serve."""
    report: Report = gathering.report.inside(document.name)
    outline = read_outline(document, report)
    tasks = list(tasks_of(outline.root))
    for task in tasks:
        gathering.note(TASKS, described(task))
    if tasks:
        said = f"{count(len(tasks), 'task')} kept as notes; name the file itself to have them done one by one"
        report.warn(tasks[0].mark, said)


def leading_part(document: Document, names: tuple[str, ...], gathering: Gathering) -> Document:
    """Give the first file of these names in a folder; what the others of them hold is kept as tasks to be noted.

    Stops the report where the folder has none of them.
    """
    paths = files_named(document, *names)
    if not paths:
        gathering.report.stop(Mark(1, 1), f"no {' and no '.join(names)} in this folder")
    keep_files(document, paths, gathering)
    for path in paths[1:]:
        keep_tasks(document.part(path), gathering)
    return document.part(paths[0])
