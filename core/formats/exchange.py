"""What stands in a ReqIF file: objects with the values of their attributes, their order, and how they are related."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prefect_swarm.core.document import Mark
from prefect_swarm.core.formats.terms import plain
from prefect_swarm.core.markup import Element

BLOCKS = {"p", "div", "br", "li", "tr", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "dt", "dd"}
CELLS = {"td", "th"}
VALUE = "ATTRIBUTE-VALUE-"


@dataclass(frozen=True, slots=True)
class Entry:
    """One SPEC-OBJECT: its type by name, and its values by the name of their attribute."""

    identifier: str
    mark: Mark
    kind: str
    values: Mapping[str, str]
    long_name: str = ""
    description: str = ""

    def value(self, *names: str) -> str:
        """The first value that says something under one of these names, written in any way (`ReqIF.Text`, `TEXT`)."""
        for wanted in names:
            for name, value in self.values.items():
                if plain(name).removeprefix("reqif") == wanted and value:
                    return value
        return ""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an object stands in the hierarchy: below which others, outermost first."""

    identifier: str
    above: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """One SPEC-RELATION."""

    kind: str
    source: str
    target: str
    mark: Mark


@dataclass(slots=True)
class Exchange:
    """A whole file."""

    title: str = ""
    specifications: list[str] = field(default_factory=list[str])
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    order: list[Placed] = field(default_factory=list[Placed])
    relations: list[Relation] = field(default_factory=list[Relation])
    twice: list[Entry] = field(default_factory=list[Entry])
    """Objects whose IDENTIFIER an earlier one has."""


def exchange_of(root: Element) -> Exchange:
    """Understand the elements of a ReqIF file; what is missing in it stays empty."""
    found = Exchange(title=_text_at(root, "THE-HEADER", "REQ-IF-HEADER", "TITLE"))
    for content in root.below("CORE-CONTENT", "REQ-IF-CONTENT"):
        names = _names(content)
        for spec_object in content.below("SPEC-OBJECTS", "SPEC-OBJECT"):
            entry = _entry(spec_object, names)
            if entry.identifier in found.entries:
                found.twice.append(entry)
            else:
                found.entries[entry.identifier] = entry
        for specification in content.below("SPECIFICATIONS", "SPECIFICATION"):
            found.specifications.append(specification.attributes.get("LONG-NAME", ""))
            found.order += _placed(specification)
        for relation in content.below("SPEC-RELATIONS", "SPEC-RELATION"):
            found.relations.append(_relation(relation, names))
    return found


def _names(content: Element) -> dict[str, str]:
    """The readable names of types, attributes and enumerated values, by identifier."""
    names: dict[str, str] = {}
    for section in content.children("DATATYPES", "SPEC-TYPES"):
        waiting = list(section.children())
        for element in waiting:
            waiting += element.children()
            name = element.attributes.get("LONG-NAME")
            if not name and element.name == "ENUM-VALUE":
                embedded = element.first("PROPERTIES", "EMBEDDED-VALUE")
                name = embedded.attributes.get("OTHER-CONTENT") if embedded else None
            if name and "IDENTIFIER" in element.attributes:
                names[element.attributes["IDENTIFIER"]] = name.strip()
    return names


def _entry(element: Element, names: Mapping[str, str]) -> Entry:
    values: dict[str, str] = {}
    for value in element.below("VALUES"):
        for one in value.children():
            name = names.get(_reference(one, "DEFINITION"), _reference(one, "DEFINITION")) or "value"
            said = _value(one, names)
            if said:
                values[name] = f"{values[name]}\n{said}" if name in values else said
    kind = _reference(element, "TYPE")
    attributes = element.attributes
    return Entry(
        attributes.get("IDENTIFIER", "").strip(),
        element.mark,
        names.get(kind, kind),
        values,
        attributes.get("LONG-NAME", "").strip(),
        attributes.get("DESC", "").strip(),
    )


def _value(value: Element, names: Mapping[str, str]) -> str:
    kind = value.name.removeprefix(VALUE)
    if kind == "ENUMERATION":
        chosen = [one.text for one in value.below("VALUES", "ENUM-VALUE-REF")]
        return ", ".join(names.get(one, one) for one in chosen)
    if "THE-VALUE" in value.attributes:
        return value.attributes["THE-VALUE"].strip()
    return "\n".join(prose_of(one) for one in value.below("THE-VALUE")).strip()


def prose_of(element: Element) -> str:
    """The text of XHTML: a line for each block, a dash before items of a list, bars between cells."""
    lines = "".join(_pieces(element)).replace("\u00a0", " ").split("\n")
    kept = [" ".join(line.split()) for line in lines]
    return "\n".join(line for line in kept if line and line != "-")


def _pieces(element: Element) -> Iterator[str]:
    if element.name in BLOCKS:
        yield "\n- " if element.name == "li" else "\n"
    for part in element.parts:
        if not isinstance(part, str):
            yield from _pieces(part)
        elif element.name == "pre":
            yield part
        else:
            yield part.replace("\n", " ")
    if element.name in BLOCKS:
        yield "\n"
    elif element.name in CELLS:
        yield " | "
    elif element.name == "object" and not element.parts and "data" in element.attributes:
        yield f"[{element.attributes['data']}]"


def _placed(specification: Element) -> Iterator[Placed]:
    """The objects of a specification in its order; what an object stands below is told by its identifiers."""
    waiting: list[tuple[Element, tuple[str, ...]]] = [
        (one, ()) for one in reversed(list(specification.below("CHILDREN", "SPEC-HIERARCHY")))
    ]
    while waiting:
        element, above = waiting.pop()
        name = _reference(element, "OBJECT")
        if name:
            yield Placed(name, above)
        inner = (*above, name) if name else above
        waiting += [(one, inner) for one in reversed(list(element.below("CHILDREN", "SPEC-HIERARCHY")))]


def _relation(element: Element, names: Mapping[str, str]) -> Relation:
    kind = _reference(element, "TYPE")
    said = names.get(kind) or element.attributes.get("LONG-NAME", "") or kind
    return Relation(said, _reference(element, "SOURCE"), _reference(element, "TARGET"), element.mark)


def _reference(element: Element, name: str) -> str:
    """The identifier that stands in the only element below that one."""
    holder = element.first(name)
    inner = next(holder.children(), None) if holder else None
    return inner.text if inner else ""


def _text_at(element: Element, *path: str) -> str:
    found = element.first(*path)
    return found.text if found else ""
