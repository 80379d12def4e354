"""Learns what speaks for each built-in agent: `python tools/train_selector.py [--labelled FILE] [--judge FILE]`.

Reads the statements in tools/selector/statements (one file an agent) and the ideas in tools/selector/ideas.txt, and
writes agents/knowledge.json. `--labelled` adds a file of JSON lines `{"text", "primary", "acceptable", "document"}`;
only weights of words go into the result. `--judge` writes nothing: it learns from all but some documents of such a
file, judges on these, and tells how well that went.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from pathlib import Path

from prefect_swarm.agents.registry import find_built_in
from prefect_swarm.core.features import Ideas, features_of
from prefect_swarm.core.knowledge import UNIT, Knowledge, shares

HERE = Path(__file__).resolve().parent / "selector"
RESULT = HERE.parent.parent / "agents" / "knowledge.json"

EPOCHS = 12
STEP = 0.5
"""How far a first correction goes; later ones go less far (AdaGrad)."""
SIMPLE = 1.0
"""How strongly weights are pulled towards zero (L2)."""
REAL = 2.0
"""What a labelled statement of others counts, where one of our own counts 1."""
PRIMARY = 0.7
"""The share of a statement's primary agent, where others are acceptable too."""
SEEN = 2
"""How often a thing is said before it is learned."""
SMALL = 20
"""A weight below this, for every agent, is left out of the file."""
STRIDE = 7919
"""A prime: statements are taken in this stride, so that agents alternate."""
PARTS = 6


@dataclass(frozen=True, slots=True)
class Statement:
    """A text, the share of each agent that suits it, and the document it comes from."""

    text: str
    suits: Mapping[str, float]
    weight: float = 1
    document: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A statement in numbers: its features, the share of each agent, its weight."""

    features: tuple[tuple[int, float], ...]
    suits: tuple[float, ...]
    weight: float


def own_statements() -> list[Statement]:
    """Read the statements that belong to this repository."""
    return [
        Statement(line, {file.stem: 1})
        for file in sorted((HERE / "statements").glob("*.txt"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def labelled(path: Path) -> list[Statement]:
    """Read a file of JSON lines with primary and acceptable agents."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [_labelled(row["text"], row["primary"], row["acceptable"], document=row["document"]) for row in rows]


def _labelled(text: str, primary: str, acceptable: Sequence[str], *, document: str) -> Statement:
    suits = {name: (1 - PRIMARY) / len(acceptable) for name in acceptable}
    suits[primary] = PRIMARY if acceptable else 1
    return Statement(text, suits, REAL, document)


def ideas_of(path: Path) -> dict[str, list[str]]:
    """Read the ideas: a line each, its name, a colon, its phrases with commas between."""
    lines = (line.partition(": ") for line in path.read_text(encoding="utf-8").splitlines())
    return {name: phrases.split(", ") for name, _, phrases in lines}


def learn(statements: Sequence[Statement], ideas: Ideas, agents: Mapping[str, str]) -> Knowledge:
    """Fit the weights; the same statements give the same weights."""
    heard = [features_of(one.text, ideas) for one in statements]
    counts = Counter(feature.name for features in heard for feature in features)
    names = sorted(name for name, count in counts.items() if count >= SEEN)
    index = {name: at for at, name in enumerate(names)}
    examples = [
        Example(
            tuple((index[feature.name], feature.value) for feature in features if feature.name in index),
            tuple(one.suits.get(name, 0) for name in agents),
            one.weight,
        )
        for one, features in zip(statements, heard, strict=True)
    ]
    weights = _fitted(examples, [counts[name] for name in names], len(agents))
    whole = {name: [round(UNIT * one) for one in row] for name, row in zip((*names, "start"), weights, strict=True)}
    start = whole.pop("start")
    return Knowledge(agents, ideas, start, {name: row for name, row in whole.items() if max(map(abs, row)) >= SMALL})


def _fitted(examples: Sequence[Example], counts: Sequence[int], agents: int) -> list[list[float]]:
    """Multinomial logistic regression; the last row belongs to a feature that every statement has."""
    start = len(counts)
    pull = [*(SIMPLE / count for count in counts), 0.0]
    weights = [[0.0] * agents for _ in pull]
    steps = [[1e-8] * agents for _ in pull]
    for _ in range(EPOCHS):
        for at in range(len(examples)):
            example = examples[at * STRIDE % len(examples)]
            _correct(example, (*example.features, (start, 1.0)), weights, steps=steps, pull=pull)
    return weights


def _correct(
    example: Example,
    features: Sequence[tuple[int, float]],
    weights: list[list[float]],
    *,
    steps: list[list[float]],
    pull: Sequence[float],
) -> None:
    odds = shares([sum(weights[at][agent] * value for at, value in features) for agent in range(len(example.suits))])
    errors = [example.weight * (one - wanted) for one, wanted in zip(odds, example.suits, strict=True)]
    for at, value in features:
        row, squares, towards_zero = weights[at], steps[at], pull[at]
        for agent, error in enumerate(errors):
            slope = error * value + towards_zero * row[agent]
            squares[agent] += slope * slope
            row[agent] -= STEP * slope / sqrt(squares[agent])


def document_of(knowledge: Knowledge, ideas: Mapping[str, Sequence[str]]) -> str:
    """Write what was learned as JSON, one thing a line, so that people can read it and compare two of them."""

    def lines(values: Mapping[str, object]) -> str:
        return ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())

    parts = {"agents": knowledge.agents, "ideas": ideas, "weights": knowledge.weights}
    told = "".join(f' "{name}": {{\n{lines(values)}\n }},\n' for name, values in parts.items())
    return f'{{\n{told} "start": {json.dumps(knowledge.start)}\n}}\n'


def judge(
    path: Path, ideas: Ideas, agents: Mapping[str, str], *, parts: int = PARTS
) -> Iterator[tuple[Statement, tuple[float, ...]]]:
    """Learn from all but a part of the documents and judge on these, for each part or for the first ones."""
    own, others = own_statements(), labelled(path)
    for part in range(parts):
        known = [one for one in others if part_of(one) != part]
        knowledge = learn([*own, *known], ideas, agents)
        for one in others:
            if part_of(one) == part:
                yield one, knowledge.odds(features_of(one.text, ideas))


def part_of(statement: Statement) -> int:
    """The part that a document belongs to."""
    return sha256(statement.document.encode()).digest()[0] % PARTS


def told(judged: Iterable[tuple[Statement, tuple[float, ...]]], agents: Sequence[str]) -> str:
    """The figures of the judged statements."""
    found = sorted(judged, key=lambda one: -max(one[1]))
    best = [sorted(agents, key=lambda name, odds=odds: -odds[agents.index(name)]) for _, odds in found]
    right = [ranked[0] in one.suits for (one, _), ranked in zip(found, best, strict=True)]
    among = [bool({*ranked[:3]} & {*one.suits}) for (one, _), ranked in zip(found, best, strict=True)]
    half = right[: len(right) // 2]
    tenths = Counter(int(10 * max(odds)) for _, odds in found)
    hits = Counter(int(10 * max(odds)) for (_, odds), hit in zip(found, right, strict=True) if hit)
    lines = [
        f"sure of {tenth * 10:2}%: right {hits[tenth] / tenths[tenth]:4.0%} of {tenths[tenth]}"
        for tenth in sorted(tenths)
    ]
    share = f"{sum(right) / len(right):.3f}, of the surer half {sum(half) / len(half):.3f}"
    return "\n".join([f"first {share}, among three {sum(among) / len(among):.3f} of {len(right)}", *lines])


def main() -> None:
    """Learn and write, or judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", type=Path, metavar="FILE")
    parser.add_argument("--judge", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    phrases = ideas_of(HERE / "ideas.txt")
    ideas = Ideas.of(phrases)
    agents = {str(card.name): card.description for card in find_built_in().cards}
    if arguments.judge:
        print(told(judge(arguments.judge, ideas, agents), list(agents)))
        return
    more = labelled(arguments.labelled) if arguments.labelled else []
    knowledge = learn([*own_statements(), *more], ideas, agents)
    RESULT.write_text(document_of(knowledge, phrases), encoding="utf-8")
    print(f"{len(knowledge.weights)} things learned from {len(more)} + {len(own_statements())} statements")


if __name__ == "__main__":
    main()
