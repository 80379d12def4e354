"""How our own format is read: where in the tree the requirements stand, and what each of them says."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from prefect_swarm.core.document import Entry, Mapping, Mark, Node, Report, Scalar, Sequence, did_you_mean, shorten
from prefect_swarm.core.formats.criteria import read_criteria
from prefect_swarm.core.formats.fields import Fields, kind_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format, refuse_folder
from prefect_swarm.core.formats.vocabulary import PRIORITIES, STATUSES, priority_of
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Criterion, Priority, Project, RequirementSet
from prefect_swarm.core.roster import Stage
from prefect_swarm.core.scalars import is_null, json_of

SECTIONS = {
    "requirements": "REQ",
    "features": "REQ",
    "technical_requirements": "TECH",
    "non_functional_requirements": "REQ",
}
NOTES = (
    "tech_stack", "tech_overrides", "constraints", "architecture", "deliverables", "success_metrics", "assumptions",
    "development_priorities", "out_of_scope", "glossary", "version", "metadata", "notes",
)  # fmt: skip
PROJECT_NOTES = ("timeline", "priority", "platform", "version", "owner")
PROJECT_KEYS = ("name", "type", "description", "team", *PROJECT_NOTES)
TITLES = ("title", "name")
TEXTS = ("description", "text")
REQUIREMENT_KEYS = (
    "id", *TITLES, *TEXTS, "priority", "depends_on", "dependencies", "agents", "agent", "acceptance",
    "acceptance_criteria", "effort", "budget", "category", "done", "status", "source",
)  # fmt: skip
HOW = "write `requirements:` with a list of texts or of mappings with a title or description"


@dataclass
class NativeReader:
    """Collects the requirements of one file."""

    report: Report
    gathering: Gathering
    nodes: list[Node] = field(default_factory=list[Node])
    """Where each requirement stands: its mapping or its text."""

    def collect(self, node: Node, prefix: str, *, category: str = "") -> None:
        """Read a list of requirements, an id-keyed mapping, or a mapping of categories."""
        match node:
            case Sequence(items=items):
                for item in items:
                    self._item(item, prefix, category=category)
            case Mapping(entries=entries):
                for entry in entries:
                    self._entry(entry, prefix, category=category)
            case Scalar():
                self.report.refuse(node.mark, f"requirements must be a list or a mapping, not {kind_of(node)}; {HOW}")

    def _item(self, item: Node, prefix: str, *, category: str) -> None:
        match item:
            case Scalar() if is_null(item) or not item.text.strip():
                self.report.refuse(item.mark, "an empty requirement; write what is wanted or take the line out")
            case Scalar(text=text):
                self._add(item, Draft(item.mark, title_of(text), text, prefix=prefix, category=category), {})
            case Mapping():
                self._requirement(item, None, prefix=prefix, category=category)
            case Sequence():
                self.report.refuse(item.mark, "a requirement must be a text or a mapping, not a list")

    def _entry(self, entry: Entry, prefix: str, *, category: str) -> None:
        value = entry.value
        if isinstance(value, Mapping) and not is_category(value):
            self._requirement(value, entry.key, prefix=prefix, category=category)
        elif not isinstance(value, Scalar):
            self.collect(value, prefix, category=f"{category}/{entry.name}" if category else entry.name)
        elif is_null(value) or not value.text.strip():
            said = f"{shorten(entry.name)} says nothing; write what is wanted or take the line out"
            self.report.refuse(entry.key.mark, said)
        else:
            text = value.text
            draft = Draft(entry.key.mark, title_of(text), text, id=entry.key, prefix=prefix, category=category)
            self._add(value, draft, {})

    def _requirement(self, node: Mapping, key: Scalar | None, *, prefix: str, category: str) -> None:
        fields = Fields(node, self.report, REQUIREMENT_KEYS)
        mark = key.mark if key else node.mark
        title, description = self._texts(fields, mark)
        draft = Draft(
            mark,
            title,
            description,
            id=self._id(fields, key),
            prefix=prefix,
            priority=self._priority(fields),
            depends_on=fields.words("depends_on", "dependencies"),
            agents=fields.words("agents", "agent"),
            acceptance=self._acceptance(fields),
            effort=fields.number("effort"),
            budget=fields.budget(),
            category=fields.text("category") or category,
            done=self._done(fields),
        )
        match node.find("source"):
            case Entry(value=Mapping() as origin) if origin.find("file") and origin.find("line"):
                fields.entries("source")
            case _:
                pass
        self._add(node, draft, fields.rest(quiet=("status",)))

    def _add(self, node: Node, draft: Draft, said: dict[str, JsonValue]) -> None:
        self.nodes.append(node)
        self.gathering.add(draft, said)

    def _texts(self, fields: Fields, mark: Mark) -> tuple[str, str]:
        """Title and description; where one is missing it is taken from the other."""
        title, description = (said.text if said else "" for said in (fields.scalar(*TITLES), fields.scalar(*TEXTS)))
        if not title.strip() and not description.strip():
            self.report.refuse(mark, "a requirement without text; give it a title or a description")
        return title if title.strip() else title_of(description), description if description.strip() else title

    def _acceptance(self, fields: Fields) -> tuple[Criterion, ...]:
        entries = fields.entries("acceptance", "acceptance_criteria")
        return tuple(one for entry in entries for one in read_criteria(entry.value, self.report))

    def _id(self, fields: Fields, key: Scalar | None) -> Scalar | None:
        own = fields.scalar("id")
        if own is not None and not own.text.strip():
            self.report.refuse(own.mark, "an empty id; write one or take the line out")
            return key
        return own or key

    def _priority(self, fields: Fields) -> Priority:
        said = fields.scalar("priority")
        if said is None:
            return Priority.MEDIUM
        found = priority_of(said.text)
        if found is None:
            word = said.text.strip().lower()
            known = "critical, high, medium, low, P0 to P3, 1 to 3, must, should, could, won't"
            hint = did_you_mean(word, list(PRIORITIES)) or f"; known: {known}"
            self.report.refuse(said.mark, f"{shorten(said.text)!r} is no priority{hint}")
        return found or Priority.MEDIUM

    def _done(self, fields: Fields) -> bool:
        done, status = fields.truth("done"), fields.mapping.find("status")
        word = status.value.text.strip().lower() if status and isinstance(status.value, Scalar) else ""
        if word in STATUSES:
            fields.scalar("status")
        elif status is not None and not is_null(status.value):
            said = f"the status {kind_of(status.value)} is not known and kept as a note; the requirement counts as open"
            self.report.warn(status.value.mark, said)
        return done or STATUSES.get(word, False)


def read_native(root: Node, report: Report) -> RequirementSet:
    """Read a tree in our format; raises RequirementError with everything wrong in the file."""
    reader = NativeReader(report, Gathering(report))
    project = _collect(root, reader)
    return reader.gathering.finish(project, nothing=f"no requirements; {HOW}")


def drafts_of(root: Node) -> list[tuple[Draft, Node]]:
    """The drafts of a tree in our format, each with where it stands: its mapping or its text."""
    report = Report("")
    reader = NativeReader(report, Gathering(report))
    _collect(root, reader)
    return list(zip(reader.gathering.drafts, reader.nodes, strict=True))


def _collect(root: Node, reader: NativeReader) -> Project:
    project = Project()
    match root:
        case Mapping() if root.find("project", *SECTIONS) is not None:
            project, reader.gathering.notes = _sections(root, reader)
        case Mapping(entries=entries) if entries and all(looks_like_requirement(entry.value) for entry in entries):
            reader.collect(root, "REQ")
        case Sequence():
            reader.collect(root, "REQ")
        case _:
            _refuse_format(root, reader.report)
    return project


def _sections(root: Mapping, reader: NativeReader) -> tuple[Project, dict[str, JsonValue]]:
    fields = Fields(root, reader.report, ("project", *SECTIONS, *NOTES))
    project = Project()
    notes: dict[str, JsonValue] = {}
    for entry in fields.entries("project"):
        project, about = _project(entry.value, reader.report)
        if about:
            notes["project"] = about
    for entry in fields.entries(*SECTIONS):
        reader.collect(entry.value, SECTIONS[entry.name])
    for entry in fields.entries("notes"):
        if isinstance(entry.value, Mapping):
            notes |= {kept.name: json_of(kept.value) for kept in entry.value.entries}
        else:
            notes["notes"] = json_of(entry.value)
    return project, notes | fields.rest(NOTES)


def _project(node: Node, report: Report) -> tuple[Project, dict[str, JsonValue]]:
    if isinstance(node, Scalar):
        return Project(name=node.text.strip() or "project"), {}
    if isinstance(node, Sequence):
        report.refuse(node.mark, "project must be a name or a mapping, not a list")
        return Project(), {}
    fields = Fields(node, report, PROJECT_KEYS)
    project = Project(
        name=fields.text("name") or "project",
        type=fields.text("type"),
        description=fields.text("description"),
        team=tuple(_stage(word, report) for word in fields.words("team")),
    )
    return project, fields.rest(PROJECT_NOTES)


def _stage(word: Scalar, report: Report) -> str:
    known = [stage.value for stage in Stage]
    if word.text.lower() not in known:
        hint = did_you_mean(word.text.lower(), known) or f"; known: {', '.join(known)}"
        report.refuse(word.mark, f"{shorten(word.text)!r} is no stage of a team{hint}")
    return word.text.lower()


def title_of(text: str) -> str:
    """The first line that says something."""
    return text.strip().split("\n", 1)[0].strip()


def is_category(node: Mapping) -> bool:
    """Whether a mapping sorts requirements into categories, and is none itself."""
    return (
        bool(node.entries)
        and not looks_like_requirement(node)
        and not any(isinstance(entry.value, Scalar) for entry in node.entries)
    )


def looks_like_requirement(node: Node) -> bool:
    """Whether a node is a mapping that says at least one thing a requirement says."""
    return isinstance(node, Mapping) and node.find(*REQUIREMENT_KEYS) is not None


def _refuse_format(root: Node, report: Report) -> None:
    found, mark = "it is plain text", Mark(1, 1)
    if isinstance(root, Mapping):
        found, mark = f"its keys are {', '.join(shorten(entry.name) for entry in root.entries[:5])}", root.mark
    report.refuse(mark, f"no requirements file in our format (YAML, JSON or TOML): {found}; {HOW}")


def read(document: Document, report: Report) -> RequirementSet:
    """Read a YAML, JSON or TOML file in our format."""
    refuse_folder(document, report, "our format")
    root = document.parsed(report)
    if root is None:
        report.stop(Mark(1, 1), "the file is empty; write `requirements:` with a list of texts")
    return read_native(root, report)


def recognises(document: Document) -> float:
    """Sure where requirements stand under our keys; YAML and JSON that nothing else knows are read as ours."""
    match document.tree:
        case Mapping() as root if root.find("project", *SECTIONS) is not None:
            return 0.6
        case None:
            return 0.1 if document.suffix in {".yaml", ".yml", ".json", ".toml"} or not document.text.strip() else 0
        case _:
            return 0.3


FORMAT = Format("native", "our own format: YAML, JSON or TOML", recognises, read)
