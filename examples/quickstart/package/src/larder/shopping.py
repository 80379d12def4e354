"""The shopping list of several recipes."""
from typing import Iterable
from larder.recipe import Recipe
from larder.units import base_amount

def shopping_list(recipes: Iterable[Recipe]) -> dict[tuple[str, str], float]:
    """Add up what the recipes need, by ingredient and unit."""
    needed: dict[tuple[str, str], float] = dict()
    for recipe in recipes:
        for line in recipe.ingredients:
            amount, unit = base_amount(line.amount, line.unit)
            key = (line.name, unit)
            needed[key] = needed.get(key, 0) + amount
    return needed

def printed(needed: dict[tuple[str, str], float]) -> str:
    """Return the list as text, one ingredient a line, sorted by name."""
    lines = []
    for (name, unit), amount in sorted(needed.items()):
        lines.append(f'{name}: {amount:g} {unit}'.rstrip())
    return '\n'.join(lines)
