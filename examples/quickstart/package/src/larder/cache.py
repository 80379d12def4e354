"""Recipes that were read before, by the digest of their text."""
import hashlib
from pathlib import Path
from larder.recipe import Recipe, read_recipe

_known: dict[str, Recipe] = {}

def digest_of(text: str) -> str:
    """Return the key under which a recipe's text is remembered."""
    return hashlib.md5(text.encode()).hexdigest()

def remembered(path: Path) -> Recipe:
    """Return the recipe of a file, read anew only where its text has changed."""
    key = digest_of(path.read_text())
    if not key in _known:
        _known[key] = read_recipe(path)
    return _known[key]

def forget():
    """Empty the cache."""
    _known.clear()
