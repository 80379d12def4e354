"""Which agent suits a requirement best, why, and how sure.

A built-in agent is judged by what was learned about it. Any other agent is a stranger: it is judged by what its card
says, once as if the card were a requirement itself (which built-in agents' work is it like?), and once by the words
and ideas that it shares with the requirement and few other cards have.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log
from operator import mul
from typing import Protocol

from prefect_swarm.core.document import did_you_mean, shorten
from prefect_swarm.core.features import Feature, Phrase, features_of, heard, phrases_of
from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.knowledge import UNIT, Knowledge, shares
from prefect_swarm.core.roster import AgentCard, Roster
from prefect_swarm.core.words import COMMON, stem, words_of

KEYWORD = 1.0
DESCRIPTION = 0.5
NAME = 0.5
"""What a word is worth that no other agent claims, by where the card says it."""
IDEA = 0.4
"""What an idea is worth that a card's words stand for, where no other card's do."""
LONGER = 0.5
"""What each further word of a phrase adds to its weight."""
CLAIM = 1.0
"""Logarithm of odds that a word is worth which one card alone has among its keywords."""
UNHEARD = 2.5
"""How much more a claimed word is worth of which nothing was learned: only cards know what it means."""
USUAL = 0.7
"""Logarithm of odds that the usual agents of a project type gain."""
DEFAULT = 0.5
"""Logarithm of odds that a default agent gains of which nothing was learned."""
FAINT = 0.01
"""The share of a statement that may always be a stranger's, whatever its card is like."""
TINY = 1e-9
"""The share of a statement that may always be a built-in agent's."""
SHOWN_WORDS = 4
NOTHING = "nothing speaks for it"

USUAL_AGENTS: dict[str, tuple[str, ...]] = {
    "web_app": ("rapid-builder", "frontend-specialist", "api-integrator"),
    "api_service": ("api-integrator", "database-expert", "rapid-builder"),
    "full_stack_api": ("rapid-builder", "api-integrator", "frontend-specialist", "database-expert"),
    "ai_solution": ("ai-specialist", "api-integrator", "rapid-builder"),
    "library": ("rapid-builder", "quality-guardian", "documentation-writer"),
}


@dataclass(frozen=True)
class Candidate:
    """One agent, the logarithm of its odds, and why."""

    agent: AgentName
    score: float
    explain: Callable[[], tuple[str, ...]] = field(repr=False, compare=False)
    """Finds the words that speak for it; asked only for candidates that somebody looks at."""
    usual: bool = False
    default: bool = False

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words that speak for it, the strongest first."""
        return self.explain()

    @property
    def reasons(self) -> tuple[str, ...]:
        """The strongest words, and what else speaks for it."""
        usual = ("usual for the project type",) if self.usual else ()
        return (*self.words[:SHOWN_WORDS], *usual, *(("the default agent",) if self.default and not self.words else ()))

    @property
    def reason(self) -> str:
        """Say why, in a few words."""
        words = f"words: {', '.join(self.words[:SHOWN_WORDS])}" if self.words else ""
        return "; ".join(filter(None, (words, *self.reasons[len(self.words[:SHOWN_WORDS]) :]))) or NOTHING


@dataclass(frozen=True, slots=True)
class Ranking:
    """All agents of a roster, the best first; `confidence` is the probability, from 0 to 1, that the best suits."""

    candidates: tuple[Candidate, ...]
    confidence: float


class Selector(Protocol):
    """What chooses agents; the same input must give the same ranking."""

    def rank(self, text: str, project_type: str = "") -> Ranking:
        """Rank all agents of the roster for a requirement."""
        ...


@dataclass(frozen=True)
class WordSelector:
    """Ranks the agents of a roster by words; made once for a roster by `selector_of`."""

    roster: Roster
    knowledge: Knowledge

    def rank(self, text: str, project_type: str = "") -> Ranking:
        """Rank all agents for a requirement; the order of the roster decides nothing.

        Where no word speaks for any agent the default agent is first, without confidence.
        """
        spoken = self._spoken(text)
        usual = USUAL_AGENTS.get(project_type, ())
        candidates = [self._candidate(card.name, spoken, usual=card.name in usual) for card in self.roster.cards]
        candidates.sort(key=lambda one: (-one.score, not one.default, one.agent))
        sure = shares([one.score for one in candidates])[0] if spoken.odds or spoken.claimed else 0.0
        return Ranking(tuple(candidates), sure)

    def _spoken(self, text: str) -> "_Spoken":
        features = features_of(text, self.knowledge.ideas)
        odds = self.knowledge.odds(features) if self.knowledge.speaks(features) else ()
        return _Spoken(features, odds, self._claimed(text, features) if self._index else {})

    def _claimed(self, text: str, features: Sequence[Feature]) -> Mapping[Phrase, str]:
        """What strangers claim of a text, with how it was said."""
        words = heard(text)
        said = phrases_of([stem(word) for word in words], self._longest)
        claimed = {phrase: " ".join(words[first:end]) for phrase, (first, end) in said.items() if phrase in self._index}
        return claimed | {(one.name,): one.said[0] for one in features if (one.name,) in self._index}

    def _candidate(self, agent: AgentName, spoken: "_Spoken", *, usual: bool) -> Candidate:
        default = agent == self.roster.default
        score = USUAL * usual + self._likely(agent, spoken)
        score += DEFAULT * (default and not (spoken.odds and agent in self._learned))
        score += sum(self._index[phrase].get(agent, 0.0) for phrase in spoken.claimed)
        return Candidate(agent, score, lambda: strongest(self._weighed(agent, spoken)), usual, default)

    def _likely(self, agent: AgentName, spoken: "_Spoken") -> float:
        """How likely the requirement is an agent's work, by what was learned, as a logarithm."""
        if not spoken.odds:
            return 0
        shared = sum(map(mul, spoken.odds, self._likeness[agent]))
        return log(shared + (TINY if agent in self._learned else FAINT))

    def _weighed(self, agent: AgentName, spoken: "_Spoken") -> Iterator[tuple[str, float]]:
        """What each word of a statement does for an agent, compared with what it does for all agents."""
        for phrase, said in spoken.claimed.items():
            yield said, self._index[phrase].get(agent, 0.0)
        parts = [odds * like for odds, like in zip(spoken.odds, self._likeness[agent], strict=False)]
        lean = [part / (sum(parts) or 1) - 1 / len(parts) for part in parts]
        for one in spoken.features if parts else ():
            for said in one.said if one.name in self.knowledge.weights else ():
                pull = sum(map(mul, self.knowledge.weights[one.name], lean))
                yield said, one.value * pull / UNIT / len(one.said)

    @cached_property
    def _learned(self) -> frozenset[AgentName]:
        """The agents whose cards are as they were when something was learned about them."""
        known = self.knowledge.agents
        return frozenset(card.name for card in self.roster.cards if known.get(card.name) == card.description)

    @cached_property
    def _likeness(self) -> Mapping[AgentName, Sequence[float]]:
        """How much of each built-in agent's work is an agent's; what is nobody's is the default agent's."""
        found = {card.name: self._likeness_of(card) for card in self.roster.cards}
        if own := found.get(self.roster.default):
            free = [1 - max(shares) for shares in zip(*found.values(), strict=True)]
            found[self.roster.default] = [share + more for share, more in zip(own, free, strict=True)]
        return found

    def _likeness_of(self, card: AgentCard) -> Sequence[float]:
        if card.name in self._learned:
            return [float(name == card.name) for name in self.knowledge.agents]
        return self.knowledge.odds(features_of(card.description, self.knowledge.ideas))

    @cached_property
    def _index(self) -> Mapping[Phrase, Mapping[AgentName, float]]:
        """Each phrase and idea with its weight for each stranger that claims it."""
        if len(self._learned) == len(self.roster.cards):
            return {}
        claims = {card.name: _claims(card, self.knowledge) for card in self.roster.cards}
        claimed = Counter(phrase for own in claims.values() for phrase in own)
        index: dict[Phrase, dict[AgentName, float]] = {}
        for agent in claims.keys() - self._learned:
            for phrase, weight in claims[agent].items():
                rarity = log(1 + len(claims) / claimed[phrase]) / log(1 + len(claims))
                known = f"word {phrase[0]}" in self.knowledge.weights or phrase[0].startswith("idea ")
                worth = CLAIM * weight * rarity * (1 + LONGER * (len(phrase) - 1))
                index.setdefault(phrase, {})[agent] = worth * (1 if known or not self.knowledge.weights else UNHEARD)
        return index

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._index), default=1)


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A statement, heard."""

    features: Sequence[Feature]
    odds: Sequence[float]
    """How likely each built-in agent is; empty where no word of the statement is known."""
    claimed: Mapping[Phrase, str]


def selector_of(roster: Roster, knowledge: Knowledge | None = None) -> WordSelector:
    """The selector that plans use unless another is plugged in; without knowledge the cards' words decide alone."""
    return WordSelector(roster, knowledge or Knowledge())


def strongest(weighed: Iterable[tuple[str, float]]) -> tuple[str, ...]:
    """The words that speak for something on the whole, the strongest first, none of them common or part of another."""
    totals: dict[str, float] = {}
    for said, weight in weighed:
        if COMMON.issuperset(map(stem, said.split())):
            continue
        totals[said] = totals.get(said, 0) + weight
    found: list[str] = []
    for said in sorted((one for one, total in totals.items() if total > 0), key=lambda one: (-totals[one], one)):
        if not any(f" {said} " in f" {other} " or f" {other} " in f" {said} " for other in found):
            found.append(said)
    return tuple(found)


def type_problem(project_type: str) -> str:
    """Say what is wrong with a project type; empty if it is known or none is given."""
    if not project_type or project_type in USUAL_AGENTS:
        return ""
    hint = did_you_mean(project_type, tuple(USUAL_AGENTS)) or f"; known: {', '.join(USUAL_AGENTS)}"
    return f"the project type {shorten(project_type)} is not known and changes nothing{hint}"


def _claims(card: AgentCard, knowledge: Knowledge) -> dict[Phrase, float]:
    """What a card claims; one without keywords, as most in the wild are, is taken by its description alone."""
    described = DESCRIPTION if card.keywords else KEYWORD
    ideas = features_of(card.description, knowledge.ideas)
    claims: dict[Phrase, float] = {(one.name,): IDEA for one in ideas if one.name.startswith("idea ")}
    claims |= {(word,): NAME for word in words_of(card.name)}
    claims |= {(word,): described for word in words_of(card.description) if word not in COMMON}
    return claims | {phrase: KEYWORD for keyword in card.keywords if (phrase := tuple(words_of(keyword)))}
