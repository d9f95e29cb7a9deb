"""From text to the terms that a search compares: words, split where names are joined, without their endings. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from snowballstemmer.english_stemmer import EnglishStemmer

_WORD = re.compile(
    r"""
      [A-Z]+(?![a-z])     # HTTP in HTTPServer, and SKU
    | [A-Z]?[a-z]+        # order, Order
    | [0-9]+
    | [^\W\d_A-Za-z]+     # words of other scripts
    """,
    re.VERBOSE,
)
_STEMMER = EnglishStemmer()
_LONGEST = 64
"""Characters of a word that count; what is longer is no word."""

COMMON = frozenset(
    (
        *("a", "about", "all", "also", "am", "an", "and", "any", "are"),
        *("as", "at", "be", "been", "but", "by", "can", "could", "did"),
        *("do", "does", "each", "find", "for", "from", "get", "give", "had"),
        *("has", "have", "he", "help", "her", "him", "his", "how", "i"),
        *("if", "in", "into", "is", "it", "its", "just", "know", "let"),
        *("like", "make", "may", "me", "might", "must", "my", "need", "of"),
        *("on", "or", "our", "please", "shall", "she", "should", "show", "so"),
        *("some", "tell", "than", "that", "the", "their", "them", "then", "there"),
        *("these", "they", "this", "to", "us", "use", "used", "using", "want"),
        *("was", "we", "were", "what", "when", "where", "which", "who", "why"),
        *("will", "with", "would", "you", "your"),
    )
)
"""Words that tell no action from another: those that English is held together by, and those a wish begins with."""


def words(text: str) -> Iterator[str]:
    """Yield the words of a text or a name in lower case: `createOrder_v2` has `create`, `order`, `v`, `2`."""
    if not text.isascii():
        # Without their accents: `Ändere` and `Andere` are one word, and so is what is typed without them.
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    for found in _WORD.finditer(text):
        yield found[0][:_LONGEST].lower()


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """Return a word in lower case without its English ending: `cancelled` and `cancelling` are `cancel`."""
    return _STEMMER.stemWord(word)


@lru_cache(maxsize=2048)
def trigrams(term: str) -> frozenset[str]:
    """Return the runs of three characters in a term and around its ends; alike terms share many."""
    marked = f"^{term}$"
    return frozenset(marked[at : at + 3] for at in range(len(marked) - 2))


def likeness(one: str, other: str) -> float:
    """Return how alike two words or names are spelled, from 0 to 1: the share of trigrams that they have in common."""
    ours, theirs = trigrams(one), trigrams(other)
    return 2 * len(ours & theirs) / ((len(ours) + len(theirs)) or 1)
