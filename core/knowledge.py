"""What was learned about the built-in agents: how much each thing that a statement says speaks for each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp

from prefect_swarm.core.features import Feature, Ideas

UNIT = 100
"""Weights are whole numbers in the file: hundredths of a natural logarithm of odds."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A log-linear model over the built-in agents; without agents nothing is known."""

    agents: Mapping[str, str] = field(default_factory=dict[str, str])
    """Each agent that was learned about, with the description that it had then."""
    ideas: Ideas = field(default_factory=lambda: Ideas({}, {}))
    start: Sequence[int] = ()
    """What speaks for each agent before anything is said."""
    weights: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])

    def speaks(self, features: Sequence[Feature]) -> bool:
        """Whether any word among the features is known."""
        return any(one.said and one.name in self.weights for one in features)

    def odds(self, features: Sequence[Feature]) -> tuple[float, ...]:
        """How likely each agent is the one that suits; the sum is 1."""
        totals = list(map(float, self.start))
        for one in features:
            if weights := self.weights.get(one.name):
                value = one.value
                totals = [total + value * weight for total, weight in zip(totals, weights, strict=True)]
        return shares(tuple(total / UNIT for total in totals))


def shares(logarithms: Sequence[float]) -> tuple[float, ...]:
    """Turn logarithms of odds into probabilities."""
    if not logarithms:
        return ()
    highest = max(logarithms)
    raised = [exp(one - highest) for one in logarithms]
    total = sum(raised)
    return tuple(one / total for one in raised)
