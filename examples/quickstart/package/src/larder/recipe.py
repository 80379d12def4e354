"""Recipes as they are written down."""
import os
import sys
from dataclasses import dataclass, field
from typing import List, Optional
import yaml
from pathlib import Path
from larder.units import base_amount


@dataclass
class Ingredient:
    """One line of a recipe."""

    name: str
    amount: float
    unit: Optional[str] = None

    def describe(self):
        """Return the line as a cook would write it."""
        return f"{self.amount:g} {self.unit or ''} {self.name}"


@dataclass
class Recipe:
    """What is cooked, for how many, out of what."""

    name: str
    servings: int
    ingredients: List[Ingredient] = field(default_factory=lambda: list())

    def scaled(self, servings: int) -> "Recipe":
        """Return the same recipe for another number of servings."""
        factor = servings / self.servings
        old_name = self.name
        lines = [ Ingredient(line.name, line.amount * factor, line.unit)
                  for line in self.ingredients ]
        return Recipe(self.name, servings, lines)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a YAML file."""
    document = yaml.safe_load(path.read_text())
    lines = [Ingredient(entry['name'], float(entry['amount']), entry.get('unit')) for entry in document['ingredients']]
    for line in lines: base_amount(line.amount, line.unit)
    return Recipe(document['name'], int(document.get('servings', 1)), lines)
