"""What counts as a word, and which words are the same word: whole words, never parts of them."""

import re
from functools import lru_cache

WORD = re.compile(r"[^\W_]+(?:['+#][^\W_]+)*[+#]*")
COMMON_WORDS = """
a about all also am an and any are as at be been being both but by can could did do does each either else for from
had has have he her his how i if in into is it its let may me might more most must my no of off on one or other our
own shall she should so some such than that the their them then there these they this those to too two up upon us
use used user users using very via want wants was we were what where which while who whose will with would you your
able product system application app project software program
"""
SHORTEST = 3
"""Letters that a word keeps at least."""
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def spoken_words(text: str) -> list[str]:
    """The words of a text in order, lower case."""
    return WORD.findall(CAMEL.sub(" ", text).lower())


def words_of(text: str) -> list[str]:
    """The words of a text in order, each in its simple form."""
    return [stem(word) for word in spoken_words(text)]


@lru_cache(maxsize=32768)
def stem(word: str) -> str:
    """Drop the common English endings, so that `indexes`, `indexed` and `indexing` are one word."""
    if len(word) <= SHORTEST or not word.isascii():
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST and not word.endswith("ss"):
            return _undouble(word[: -len(ending)])
    return word.removesuffix("e")


def _undouble(word: str) -> str:
    if len(word) > SHORTEST and word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word.removesuffix("e")


COMMON = frozenset(stem(word) for word in COMMON_WORDS.split())
"""The simple forms of words that stand in every text and tell nothing."""
