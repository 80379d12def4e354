"""What the words of a Markdown document say: labels, ids, ticks, priorities, user stories, kinds of headings."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from prefect_swarm.core.document import Mark, Scalar
from prefect_swarm.core.formats.markdown import Block, Item, Listing, Paragraph, Section, Table, Verbatim
from prefect_swarm.core.formats.vocabulary import meant_priority
from prefect_swarm.core.requirement import Criterion, Priority, TextCriterion

ID = r"[A-Z][A-Za-z0-9]{0,11}(?:[-_][A-Z0-9]{1,12}){0,4}[-_]\d{1,5}(?:\.\d{1,4}){0,4}[a-z]?"
SHORT_ID = r"(?:FR|NFR|REQ|US|UC|SC|AC|F|R)\d{1,4}(?:\.\d{1,4}){0,4}[a-z]?"
STATEMENT = re.compile(
    rf"(?:\*\*|__|`|~~)?\[?(?P<id>{ID}|{SHORT_ID})(?![\w'\u2019-])"
    r"(?:\]|\*\*|__|`|~~|\s*[:.)|(]|\s+[\u2013\u2014-]\s|\s+(?=[A-Z*_`\u0080-\u1fff\u3000-\uffff])|$)"
    r"[ \t:.)|*_`\u2013\u2014-]*"
)
NO_PREFIX = {"UTF", "SHA", "ISO", "RFC", "GPT", "IEEE", "WCAG", "AES", "RSA", "CVE", "HTTP", "TLS", "ES", "MD", "COVID"}
CRITERIA_PREFIXES = {"AC", "SC", "TC", "SCENARIO"}
NOTE_PREFIXES = {"EC", "A", "ASM", "RISK", "Q", "OQ", "D", "ADR", "CON", "C", "KPI", "GOAL", "G", "CHK", "OUT", "M"}
LABEL = re.compile(
    r"(?:\*\*|__|_|\*)(?P<label>[^*_\n:]{1,60}?)\s*(?P<colon>:?)\s*(?:\*\*|__|_|\*)\s*(?P<after>:?)[ \t]*"
)
BARE_LABEL = re.compile(r"(?P<label>[A-Z][\w /-]{1,40}):(?:[ \t]+|$)")
STORY = re.compile(
    r"as an? [^,\n]{1,120}?,?\s+i\s+(?:want|need|can|would|should|must|wish|expect|am|will)\b", re.IGNORECASE
)
TICK = re.compile(r"\[(?P<mark>[ xX\-~/*>✓✔✅]?)\](?P<optional>\\?\*)?(?:[ \t]+|$)")
NUMBERING = re.compile(r"^(?:§\s*)?(?:\d{1,3}(?:\.\d{1,3}){0,4}[.):]?|[IVX]{1,5}[.)]|[A-Z][.)])\s+")
DECORATION = re.compile(r"^[^\w\"'(\[`*\u201c\u2018\u201e\u00ab<]+\s*|\s*[*_]\(mandatory\)[*_]|\s*#+\s*$")
IN_TEXT = re.compile(
    r"(?:\(|\[)\s*(?:priority\s*[:=]\s*)?(?P<in>p[0-5]|must(?:[ -]have)?|should(?:[ -]have)?|could(?:[ -]have)?"
    r"|critical|high|medium|low)(?:\s+priority)?\s*(?:\)|\])"
    r"|priority\**\s*[:=]\s*\**\s*(?P<said>[^\n)\],;|*]{1,40})",
    re.IGNORECASE,
)
ACCEPTANCE = re.compile(
    r"acceptance|criteri|definition of done|given/when|scenarios?\b|验收|受け入れ|인수", re.IGNORECASE
)


class Kind(Enum):
    """What stands below a heading."""

    REQUIREMENTS = "requirements"
    TECHNICAL = "technical requirements"
    NOTES = "notes"
    FREE = "anything"


NOT_WANTED = re.compile(
    r"out[ -]of[ -]scope|non-?goals?\b|won['’]?t[ -]|not in scope|exclusion|excluded|future|later\b", re.IGNORECASE
)
TECHNICAL = re.compile(r"\btechnical requirements?\b", re.IGNORECASE)
WANTED = re.compile(
    r"\brequirements?\b|\bfeatures?\b|user stor(?:y|ies)|\bfunctional\b|\bcapabilit|\b(?:must|should|could)[ -]haves?\b"
    r"|nice[ -]to[ -]haves?|\bmvp\b|\bbacklog\b|\btasks?\b|\bto-?dos?\b|\bepics?\b|\buse cases?\b|\bfunctionalit"
    r"|需求|要件|요구",
    re.IGNORECASE,
)
ABOUT = re.compile(
    r"overview|introduction|background|summary|purpose|vision|goals?\b|objectives?|scope|glossary|definition|terms\b"
    r"|terminolog|assumption|constraint|dependenc|risks?\b|mitigation|questions?\b|success|metrics?|kpis?\b|timeline"
    r"|milestones?|roadmap|schedule|phases?\b|release|stakeholder|personas?|audience|users\b|references?|appendix|revision"
    r"|history|changelog|acceptance criteria|tech(?:nical|nology)? stack|architecture|data model|schema|api\b|problem"
    r"|context|legal|branding|document info|metadata|table of contents|contents|notes?\b|edge cases|entities|approval"
    r"|deployment|implementation|developer|market|competit|budget|team\b|monetiz|pricing",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """A text that begins with an id."""

    id: Scalar
    prefix: str
    text: str


def kind_of_heading(title: str) -> Kind:
    """What a heading promises."""
    if NOT_WANTED.search(title):
        return Kind.NOTES
    if TECHNICAL.search(title):
        return Kind.TECHNICAL
    if WANTED.search(title):
        return Kind.REQUIREMENTS
    return Kind.NOTES if ABOUT.search(title) else Kind.FREE


def bare_heading(title: str) -> str:
    """A heading without its number, emphasis and decoration."""
    text = DECORATION.sub("", plain(title))
    return NUMBERING.sub("", text, count=1).strip().rstrip(":").strip() or plain(title)


def plain(text: str) -> str:
    """The first line without strong emphasis, for a title."""
    line = text.strip().split("\n", 1)[0].replace("**", "").strip()
    return line.removesuffix(":").strip() or text.strip()


def flat(text: str) -> str:
    """A text in one line, for a title that was wrapped."""
    return plain(" ".join(text.split()))


def statement_of(text: str, mark: Mark) -> Statement | None:
    """The id that a text begins with, and what it says after it; None where it begins otherwise."""
    found = STATEMENT.match(text)
    if found is None:
        return None
    name = found["id"]
    prefix = re.split(r"[-_\d]", name, maxsplit=1)[0].upper()
    if prefix in NO_PREFIX:
        return None
    rest = text[found.end() :].strip()
    if rest.count("**") % 2:  # the id stood inside of the emphasis
        rest = rest.replace("**", "", 1)
    return Statement(Scalar(name, False, mark), prefix, f"({rest}" if found[0].rstrip().endswith("(") else rest)


def label_of(text: str) -> tuple[str, str]:
    """The label that a text begins with (`**Priority**: P1`) in lower case, and the rest; or no label and the text."""
    found = LABEL.match(text)
    if found and (found["colon"] or found["after"] or found.end() >= len(text.rstrip())):
        return found["label"].strip().lower(), text[found.end() :].strip()
    bare = BARE_LABEL.match(text)
    return (bare["label"].strip().lower(), text[bare.end() :].strip()) if bare else ("", text)


def labelled(text: str) -> list[tuple[str, str]]:
    """A paragraph taken apart where lines begin with a label."""
    parts: list[tuple[str, str]] = []
    for line in text.split("\n"):
        label, rest = label_of(line)
        if label or not parts:
            parts.append((label, rest))
        else:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]}\n{line}".strip())
    return parts


def priority_in(text: str) -> Priority | None:
    """The priority that a text names in brackets or after a label; None where it names none."""
    found = IN_TEXT.search(text)
    return meant_priority((found["in"] or found["said"] or "").strip()) if found else None


def is_story(text: str) -> bool:
    """Whether a text is a user story: `As a ..., I want ...`."""
    return bool(STORY.search(text))


def is_acceptance(label: str) -> bool:
    """Whether a label or heading announces acceptance criteria."""
    return bool(ACCEPTANCE.search(label))


def criteria_of(blocks: Iterable[Block]) -> tuple[Criterion, ...]:
    """Every item of the lists, and every row of the tables, as a criterion in words."""
    texts: list[str] = []
    for block in blocks:
        match block:
            case Listing(items=items):
                texts += [without_tick(item.written) for item in items]
            case Table(rows=rows):
                texts += [" | ".join(row.cells) for row in rows]
            case Paragraph(text=text) | Verbatim(text=text):
                texts.append(text)
    return tuple(TextCriterion(text=text) for text in texts if text.strip())


def without_tick(text: str) -> str:
    """A text without the box that may stand before it."""
    found = TICK.match(text)
    return text[found.end() :] if found else text


def accepted(section: Section) -> tuple[tuple[Criterion, ...], tuple[Block, ...]]:
    """The acceptance criteria among a section's own blocks, and the blocks that are none.

    Criteria follow a label such as `**Acceptance Criteria**:`, or stand in the section below a heading of that kind.
    """
    criteria: list[Criterion] = []
    rest: list[Block] = []
    announced = False
    for block in section.blocks:
        match block:
            case Paragraph(text=text) if is_acceptance(label_of(text)[0]) and not label_of(text)[1]:
                announced = True
            case Listing() | Table() if announced:
                criteria += criteria_of([block])
                announced = False
            case _:
                announced = False
                rest.append(block)
    for below in section.sections:
        if is_acceptance(below.title):
            criteria += criteria_of(below.blocks)
    return tuple(criteria), tuple(rest)


def accepted_of_item(item: Item) -> tuple[Criterion, ...]:
    """The acceptance criteria that an item of a list holds."""
    inner = Section(item.mark, 0, "", blocks=[Paragraph(item.mark, item.text.rsplit("\n", 1)[-1]), *item.inner])
    found = list(accepted(inner)[0])
    for block in item.inner:
        for one in block.items if isinstance(block, Listing) else ():
            if is_acceptance(label_of(one.text)[0]):
                found += criteria_of(one.inner) or criteria_of([Paragraph(one.mark, label_of(one.text)[1])])
    return tuple(found)
