"""What a statement says, as the selector hears it: its words, pairs of them, the ideas they stand for, and its form."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import log2, sqrt
from typing import NamedTuple

from prefect_swarm.core.words import COMMON, spoken_words, stem

Phrase = tuple[str, ...]

MAX_WORDS = 500
"""Words of a statement that are heard; what comes later tells what comes first again."""
PAIR = FIRST = FORM = 0.7
"""What a pair of words, the place at the beginning, and a form count for, where a word counts 1."""
AGAIN = 0.5
"""What an idea counts more when another word speaks of it too."""
LENGTHS = 5
NUMBER = re.compile(r"\d+")
MARKS = re.compile(r"[`_]")
SHALL = frozenset({"shall", "must", "should", "will"})
OPENING = re.compile(
    r"\W*(feat|feature|bug|chore|fe|be|refactor|fix|e2e|docs?|meta|epic|spike|ci|qa|ux|ui)\b[^:)\]]{0,20}[:)\]]",
    re.IGNORECASE,
)
"""The tag that a ticket's title opens with."""


@dataclass(frozen=True, slots=True)
class Ideas:
    """Which words and phrases stand for the same idea."""

    named: Mapping[Phrase, tuple[str, ...]]
    longest: Mapping[str, int]
    """How long the longest phrase is that begins with a word."""

    @classmethod
    def of(cls, ideas: Mapping[str, Iterable[str]]) -> "Ideas":
        """Index ideas by the simple forms of their phrases."""
        named: dict[Phrase, tuple[str, ...]] = {}
        for idea, phrases in ideas.items():
            for phrase in phrases:
                key = tuple(stem(word) for word in heard(phrase))
                named[key] = tuple(dict.fromkeys((*named.get(key, ()), idea)))
        return cls(named, {phrase[0]: len(phrase) for phrase in sorted(named, key=len)})


class Feature(NamedTuple):
    """One thing that a statement says, how much of it, and the words that say it."""

    name: str
    """`word deploy`, `pair smoke test`, `first add`, `idea logging in`, `form story`."""
    value: float
    said: tuple[str, ...] = ()


def heard(text: str) -> list[str]:
    """The words of a text in order, lower case, `doesn't` as two."""
    return spoken_words(text.replace("’", " ").replace("'", " "))


def features_of(text: str, ideas: Ideas) -> tuple[Feature, ...]:
    """Everything that a statement says; what says much counts less for each thing, so that lengths compare."""
    spoken = heard(text)[:MAX_WORDS]
    stems = [stem(word) for word in spoken]
    counted = [stem(NUMBER.sub("#", word)) for word in spoken]
    said = (*_words(counted, spoken), *_ideas(stems, spoken, ideas), *_forms(text, spoken))
    length = sqrt(sqrt(sum(value * value for _, value, _ in said)) or 1) / 2
    return tuple(Feature(name, value / length, words) for name, value, words in said)


def phrases_of(stems: list[str], longest: int) -> dict[Phrase, tuple[int, int]]:
    """Every run of words up to a length, with where it last stands."""
    return {
        tuple(stems[at : at + size]): (at, at + size)
        for size in range(1, longest + 1)
        for at in range(len(stems) - size + 1)
    }


def _words(stems: list[str], spoken: list[str]) -> Iterator[Feature]:
    words = {f"word {word}": as_said for word, as_said in zip(stems, spoken, strict=True)}
    pairs = {
        f"pair {first} {second}": f"{one} {other}"
        for (first, second), (one, other) in zip(pairwise(stems), pairwise(spoken), strict=True)
    }
    yield from (Feature(name, 1, (said,)) for name, said in words.items() if name.partition(" ")[2] not in COMMON)
    yield from (Feature(name, PAIR, (said,)) for name, said in pairs.items() if not set(name.split()[1:]) <= COMMON)
    yield from (Feature(f"first {word}", FIRST, (said,)) for word, said in zip(stems[:1], spoken, strict=False))


def _ideas(stems: list[str], spoken: list[str], ideas: Ideas) -> Iterator[Feature]:
    found: dict[str, list[str]] = {}
    for at, word in enumerate(stems):
        for end in range(at + 1, at + 1 + ideas.longest.get(word, 0)):
            for idea in ideas.named.get(tuple(stems[at:end]), ()):
                found.setdefault(idea, []).append(" ".join(spoken[at:end]))
    for idea, words in found.items():
        yield Feature(f"idea {idea}", 1 + AGAIN * min(1.5, (len(words) - 1) ** 0.585), tuple(dict.fromkeys(words)))
    for idea in ideas.named.get(tuple(stems[:1]), ()):
        yield Feature(f"opens with {idea}", FIRST, (spoken[0],))


def _forms(text: str, spoken: list[str]) -> Iterator[Feature]:
    """How a statement is put, whatever it is about."""
    story = spoken[:1] == ["as"] and spoken[1:2] in (["a"], ["an"])
    duty = not SHALL.isdisjoint(spoken)
    opening = OPENING.match(text)
    forms = {
        "story": story,
        "purpose": ("so", "that") in pairwise(spoken),
        "duty": duty,
        "title": not duty and not story,
        "number": NUMBER.search(text) is not None,
        "percent": "%" in text,
        "code": MARKS.search(text) is not None,
        f"length {min(LENGTHS, int(log2(len(spoken) + 1)))}": True,
    }
    yield from (Feature(f"form {name}", FORM) for name, given in forms.items() if given)
    if opening:
        yield Feature(f"form tag {stem(opening[1].lower())}", FORM, (opening[1].lower(),))
