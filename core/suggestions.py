"""Dependencies that a requirements file does not declare, but whose words speak of them.

Two kinds of words count: the id of another requirement anywhere in the text, and a sentence that says what comes
first ("after ...", "requires ...", "builds on ...") followed by words of another requirement's title. Nothing is
taken unless it is asked for, and never what would close a circle.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prefect_swarm.core.ids import RequirementId, identity
from prefect_swarm.core.requirement import Requirement, RequirementSet, Value
from prefect_swarm.core.words import COMMON, spoken_words, stem

MARKER = re.compile(
    r"\b(depends? on|depending on|requires?|builds? (?:up)?on|based on|extends?|prerequisites?:?|following|"
    r"after|once|as soon as|relies on|rely on|blocked by|needs)\s+([^.,;:\n]{3,120})",
    re.IGNORECASE,
)
CODE = re.compile(r"[^\W_]+(?:[-_.#/][^\W_]+)+|[A-Za-z]+\d+")
"""What an id looks like in a sentence: parts joined by signs, or letters and a number."""
SHARED = 2
"""Words of a title that a clause must name, unless the title has fewer."""
COMMONEST = 50
"""Titles that a word may stand in and still point at one of them."""


class Suggestion(Value):
    """A dependency that the words speak of."""

    requirement: RequirementId
    depends_on: RequirementId
    words: str
    """The words that led to it, as they stand."""
    taken: bool = False


@dataclass(frozen=True, slots=True)
class _Titles:
    """The words of all titles, and where each stands."""

    words: tuple[frozenset[str], ...]
    places: Mapping[str, tuple[int, ...]]


def suggest(requirements: Sequence[Requirement]) -> tuple[Suggestion, ...]:
    """Find undeclared dependencies in the order of the file; none closes a circle with what is declared."""
    titles = _titles(requirements)
    ids = {identity(one.id): at for at, one in enumerate(requirements)}
    waits = {one.id: set(one.depends_on) for one in requirements}
    found: list[Suggestion] = []
    for at, requirement in enumerate(requirements):
        for to, words in _spoken_of(requirement, at, ids=ids, titles=titles):
            other = requirements[to].id
            if other not in waits[requirement.id] and not _reaches(waits, other, requirement.id):
                waits[requirement.id].add(other)
                found.append(Suggestion(requirement=requirement.id, depends_on=other, words=words))
    return tuple(found)


def with_suggestions(requirements: RequirementSet, suggestions: Sequence[Suggestion]) -> RequirementSet:
    """Give the requirements with the suggested dependencies taken."""
    added: dict[RequirementId, list[RequirementId]] = defaultdict(list)
    for one in suggestions:
        added[one.requirement].append(one.depends_on)
    changed = tuple(
        one.model_copy(update={"depends_on": (*one.depends_on, *added[one.id])}) if one.id in added else one
        for one in requirements.requirements
    )
    return requirements.model_copy(update={"requirements": changed})


def _spoken_of(
    requirement: Requirement, at: int, *, ids: Mapping[str, int], titles: _Titles
) -> Iterator[tuple[int, str]]:
    """The requirements that a text speaks of as coming first, each once, with the words."""
    text = f"{requirement.title}\n{requirement.description}"
    seen = {at}
    for code in CODE.finditer(text):
        to = ids.get(identity(code[0]))
        if to is not None and to not in seen:
            seen.add(to)
            yield to, code[0]
    for clause in MARKER.finditer(text):
        to = _meant(clause[2], titles, but=seen)
        if to is not None:
            seen.add(to)
            yield to, " ".join(clause[0].split())


def _meant(clause: str, titles: _Titles, *, but: set[int]) -> int | None:
    """The one requirement whose title a clause names; None where it names none, or two alike."""
    said = {stem(word) for word in spoken_words(clause)} - COMMON
    hits: Counter[int] = Counter()
    for word in said:
        places = titles.places.get(word, ())
        if len(places) <= COMMONEST:
            hits.update(place for place in places if place not in but)
    best = hits.most_common(2)
    if not best or (len(best) > 1 and best[0][1] == best[1][1]):
        return None
    place, count = best[0]
    return place if count >= min(SHARED, len(titles.words[place])) else None


def _titles(requirements: Sequence[Requirement]) -> _Titles:
    words = tuple(frozenset(stem(word) for word in spoken_words(one.title)) - COMMON for one in requirements)
    places: dict[str, list[int]] = defaultdict(list)
    for at, own in enumerate(words):
        for word in own:
            places[word].append(at)
    return _Titles(words, {word: tuple(found) for word, found in places.items()})


def _reaches(waits: Mapping[RequirementId, set[RequirementId]], start: RequirementId, goal: RequirementId) -> bool:
    """Whether one requirement waits, however indirectly, for another."""
    seen, ahead = {start}, [start]
    while ahead:
        one = ahead.pop()
        if one == goal:
            return True
        fresh = waits.get(one, set[RequirementId]()) - seen
        seen |= fresh
        ahead.extend(fresh)
    return False
