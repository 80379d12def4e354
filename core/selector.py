"""Which agent suits a requirement best, why, and how sure: plain words, weighed by how few agents claim them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from prefect_swarm.core.document import did_you_mean, shorten
from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.roster import AgentCard, Roster
from prefect_swarm.core.words import COMMON, spoken_words, stem, words_of

Phrase = tuple[str, ...]

KEYWORD = 1.0
DESCRIPTION = 0.5
NAME = 0.5
"""What a word is worth that no other agent claims, by where the card says it."""
USUAL = 0.35
"""What the usual agents of a project type gain, as a share of one rare word."""
DEFAULT = 0.9
"""What the default agent starts with: about one word that few agents claim."""
DOUBT = 1.0
"""How much evidence it takes to be half sure, where nothing speaks against the first."""
LONGER = 0.5
"""What each further word of a phrase adds to its weight."""
SHOWN_WORDS = 4

USUAL_AGENTS: dict[str, tuple[str, ...]] = {
    "web_app": ("rapid-builder", "frontend-specialist", "api-integrator"),
    "api_service": ("api-integrator", "database-expert", "rapid-builder"),
    "full_stack_api": ("rapid-builder", "api-integrator", "frontend-specialist", "database-expert"),
    "ai_solution": ("ai-specialist", "api-integrator", "rapid-builder"),
    "library": ("rapid-builder", "quality-guardian", "documentation-writer"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent, how much speaks for it, and the words that do, the strongest first."""

    agent: AgentName
    score: float
    words: tuple[str, ...]
    usual: bool
    default: bool

    @property
    def reason(self) -> str:
        """Say why, in a few words."""
        said = [f"words: {', '.join(self.words[:SHOWN_WORDS])}"] if self.words else []
        said += ["usual for the project type"] if self.usual else []
        said += ["the default agent"] if self.default and not self.words else []
        return "; ".join(said) or "nothing speaks for it"


@dataclass(frozen=True, slots=True)
class Ranking:
    """All agents of a roster, the best first; `confidence` from 0 to 1 is that of the best."""

    candidates: tuple[Candidate, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Selector:
    """Ranks the agents of a roster; made once for a roster by `selector_of`."""

    agents: tuple[AgentName, ...]
    default: AgentName
    claims: Mapping[Phrase, Mapping[AgentName, float]]
    """Each phrase with its weight for each agent that claims it."""
    longest: int

    def rank(self, text: str, project_type: str = "") -> Ranking:
        """Rank all agents for a requirement; the same input gives the same ranking.

        Where no word speaks for any agent the default agent is first, without confidence.
        """
        spoken = _phrases(text, self.longest)
        usual = USUAL_AGENTS.get(project_type, ())
        candidates = [self._candidate(agent, spoken, usual=agent in usual) for agent in self.agents]
        order = {agent: at for at, agent in enumerate(self.agents)}
        candidates.sort(key=lambda one: (-one.score, not one.default, order[one.agent]))
        return Ranking(tuple(candidates), _confidence(candidates))

    def _candidate(self, agent: AgentName, spoken: Mapping[Phrase, str], *, usual: bool) -> Candidate:
        weights = {phrase: self.claims[phrase].get(agent, 0.0) for phrase in spoken if phrase in self.claims}
        strongest = sorted((phrase for phrase, weight in weights.items() if weight), key=lambda one: -weights[one])
        score = sum(weights.values()) + USUAL * usual + DEFAULT * (agent == self.default)
        words = tuple(dict.fromkeys(spoken[phrase] for phrase in strongest))
        return Candidate(agent, score, words, usual, agent == self.default)


def selector_of(roster: Roster) -> Selector:
    """Weigh the words of every card: its keywords, its description and its name, by how few agents claim them."""
    claims = {card.name: _claims(card) for card in roster.cards}
    claimed = Counter(phrase for own in claims.values() for phrase in own)
    index: dict[Phrase, dict[AgentName, float]] = {}
    for agent, own in claims.items():
        for phrase, weight in own.items():
            rarity = log(1 + len(claims) / claimed[phrase]) / log(1 + len(claims))
            index.setdefault(phrase, {})[agent] = weight * rarity * (1 + LONGER * (len(phrase) - 1))
    return Selector(tuple(claims), roster.default, index, max(map(len, index), default=1))


def type_problem(project_type: str) -> str:
    """Say what is wrong with a project type; empty if it is known or none is given."""
    if not project_type or project_type in USUAL_AGENTS:
        return ""
    hint = did_you_mean(project_type, tuple(USUAL_AGENTS)) or f"; known: {', '.join(USUAL_AGENTS)}"
    return f"the project type {shorten(project_type)} is not known and changes nothing{hint}"


def _confidence(candidates: list[Candidate]) -> float:
    """How far the best is ahead: nothing where no word speaks for it."""
    if not candidates or not candidates[0].words:
        return 0.0
    best, second = candidates[0].score, candidates[1].score if len(candidates) > 1 else 0.0
    return (best - second) / (best + DOUBT)


def _phrases(text: str, longest: int) -> dict[Phrase, str]:
    """Every run of words up to a length, in simple form, with how it was spoken."""
    spoken = spoken_words(text)
    stems = [stem(word) for word in spoken]
    spans = [(at, at + size) for size in range(1, longest + 1) for at in range(len(stems) - size + 1)]
    return {tuple(stems[first:end]): " ".join(spoken[first:end]) for first, end in spans}


def _claims(card: AgentCard) -> dict[Phrase, float]:
    """What a card claims; one without keywords, as most in the wild are, is taken by its description alone."""
    described = DESCRIPTION if card.keywords else KEYWORD
    claims: dict[Phrase, float] = {(word,): NAME for word in words_of(card.name)}
    claims |= {(word,): described for word in words_of(card.description) if word not in COMMON}
    return claims | {phrase: KEYWORD for keyword in card.keywords if (phrase := tuple(words_of(keyword)))}
