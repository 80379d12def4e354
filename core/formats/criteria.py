"""How the acceptance criteria of a requirement are read: texts for people, and checks that the engine runs itself."""

import re
import shlex
import warnings
from pathlib import PurePosixPath

from prefect_swarm.core.document import Entry, Mapping, Node, Report, Scalar, Sequence
from prefect_swarm.core.formats.fields import Fields, kind_of
from prefect_swarm.core.requirement import ContainsCheck, Criterion, FileCheck, RunCheck, TextCriterion

KINDS = ("run", "file", "contains", "text")
RUN_OPTIONS = ("exit_code", "timeout")
CONTAINS_KEYS = ("file", "text", "pattern")


def read_criteria(node: Node, report: Report) -> tuple[Criterion, ...]:
    """Read a list of criteria, or a single one; what is none is told to the report."""
    items = node.items if isinstance(node, Sequence) else (node,)
    found = (read_criterion(item, report) for item in items)
    return tuple(one for one in found if one is not None)


def read_criterion(node: Node, report: Report) -> Criterion | None:
    """Read one criterion: a text, or a mapping with exactly one kind of check."""
    match node:
        case Scalar():
            return _text(node, report)
        case Mapping():
            return _check(node, report)
        case Sequence():
            report.refuse(node.mark, "a criterion must be a text or a check, not a list")
            return None


def _check(node: Mapping, report: Report) -> Criterion | None:
    fields = Fields(node, report, (*KINDS, *RUN_OPTIONS))
    kinds = fields.entries(*KINDS)
    if len(kinds) != 1:
        fields.refuse_rest("a criterion")
        report.refuse(node.mark, f"a criterion has exactly one of {', '.join(KINDS)}")
        return None
    kind = kinds[0]
    criterion: Criterion | None = None
    match kind.name:
        case "run":
            criterion = _run(kind, fields)
        case "contains":
            criterion = _contains(kind, report)
        case "file":
            criterion = _file(kind, report)
        case _:
            criterion = _text(kind.value, report)
    fields.refuse_rest(f"a {kind.name} check")
    return criterion


def _text(node: Node, report: Report) -> TextCriterion | None:
    if not isinstance(node, Scalar) or not node.text.strip():
        report.refuse(node.mark, "a criterion must be a text that says something")
        return None
    return TextCriterion(text=node.text)


def _run(entry: Entry, fields: Fields) -> RunCheck | None:
    argv = read_argv(entry, fields.report)
    code = fields.whole("exit_code", lowest=0, highest=255)
    timeout = fields.number("timeout")
    if not argv:
        return None
    return RunCheck(argv=argv, exit_code=code or 0, timeout=timeout or RunCheck.model_fields["timeout"].default)


def read_argv(entry: Entry, report: Report) -> tuple[str, ...]:
    """The words of a command, split as a shell would split them but never run by one; empty if it is refused."""
    argv: tuple[str, ...] = ()
    match entry.value:
        case Scalar(text=text):
            try:
                argv = tuple(shlex.split(text))
            except ValueError as error:
                report.refuse(entry.value.mark, f"{entry.name} cannot be split into words: {error}")
                return ()
        case Sequence(items=items) if all(isinstance(item, Scalar) for item in items):
            argv = tuple(item.text for item in items if isinstance(item, Scalar))
        case other:
            report.refuse(other.mark, f"{entry.name} must be a command or a list of its words, not {kind_of(other)}")
            return ()
    if not argv or not argv[0]:
        report.refuse(entry.value.mark, f"{entry.name} names no program")
        return ()
    return argv


def _file(entry: Entry, report: Report) -> FileCheck | None:
    path = entry.value.text if isinstance(entry.value, Scalar) else ""
    return FileCheck(path=path) if _inside(path, entry.value, report=report) else None


def _contains(entry: Entry, report: Report) -> ContainsCheck | None:
    if not isinstance(entry.value, Mapping):
        report.refuse(entry.value.mark, "contains must be a mapping of file and text or pattern")
        return None
    fields = Fields(entry.value, report, CONTAINS_KEYS)
    file, text, pattern = fields.scalar("file"), fields.scalar("text"), fields.scalar("pattern")
    fields.refuse_rest("contains")
    given = [one for one in (text, pattern) if one is not None and one.text]
    if len(given) != 1:
        report.refuse(entry.value.mark, "contains needs exactly one of text and pattern")
    inside = _inside(file.text if file else "", file or entry.value, report=report)
    compiles = pattern is None or _compiles(pattern, report)
    if file is None or len(given) != 1 or not inside or not compiles:
        return None
    return ContainsCheck(file=file.text, text=text.text if text else None, pattern=pattern.text if pattern else None)


def _inside(path: str, node: Node, *, report: Report) -> bool:
    parts = PurePosixPath(path.replace("\\", "/"))
    if not path.strip():
        report.refuse(node.mark, "the check names no file")
    elif parts.is_absolute() or ".." in parts.parts:
        report.refuse(node.mark, "the file must lie inside the workspace: a relative path without ..")
    else:
        return True
    return False


def _compiles(pattern: Scalar, report: Report) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern.text)
    except (re.error, OverflowError, RecursionError) as error:
        report.refuse(pattern.mark, f"not a regular expression: {error}")
        return False
    return True
