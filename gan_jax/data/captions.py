"""Captions as numbers of words: the vocabulary of a data set, and what is said to a run in its words.

Captions are int32 [n, K, L]: up to K of a picture, each of up to L words; 0 is no word, at the end of a caption and in
place of a caption. A field of captions has the words as its names, of which the first is no word, "".
"""

import dataclasses
import re
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import UserError
from gan_jax.modalities import Field, Fields, lookup

NAME = "caption"  # of the field
MOST_WORDS = 64  # of a caption that are read
EXAMPLES = 64  # captions that a run keeps, to show what it can do
_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s.,;:!?\"'’()-]")


def words(text: str) -> list[str]:
    """The words of a text, in small letters, without punctuation marks; other signs are words."""
    return _WORD.findall(text.lower())[:MOST_WORDS]


def vocabulary(captions: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """All words of some pictures' captions, the most frequent first, after no word."""
    counts = Counter(word for texts in captions for text in texts for word in words(text))
    return ("", *sorted(counts, key=lambda word: (-counts[word], word)))


def numbered(captions: Sequence[Sequence[str]], names: tuple[str, ...]) -> np.ndarray:
    """Captions of each of n pictures as numbers of known words, int32 [n, K, L]; others are left out."""
    number = {word: place for place, word in enumerate(names)}
    found = [[[number[word] for word in words(text) if word in number] for text in texts] for texts in captions]
    most, longest = max(map(len, found)), max(len(caption) for texts in found for caption in texts)
    rows = np.zeros((len(found), most, max(longest, 1)), np.int32)
    for row, texts in zip(rows, found, strict=True):
        for place, caption in zip(row, texts, strict=False):
            place[: len(caption)] = caption
    return rows


def in_words(stored: np.ndarray, names: tuple[str, ...]) -> list[str]:
    """The first caption of each example, [n, K, L], in words."""
    return [" ".join(names[word] for word in caption if word) for caption in stored[:, 0]]


def field_of(column: Any, names: tuple[str, ...]) -> Field:
    """The field of captions [N, K, L] in these words."""
    some = np.asarray(column[np.linspace(0, len(column) - 1, EXAMPLES).round().astype(int)])
    return Field(lookup("text"), tuple(column.shape[1:]), names, {"examples": in_words(some, names)})


def beside(source: Source, captions: Sequence[Sequence[str]]) -> Source:
    """A set with the captions of its examples."""
    names = vocabulary(captions)
    column = numbered(captions, names)
    return Source({**source.fields, NAME: field_of(column, names)}, {**source.columns, NAME: column}, source.splits)


def told(asked: Sequence[str] | None, n: int, field: Field) -> np.ndarray:
    """The captions of n samples, int32 [n, 1, L].

    Args:
        asked: captions, given to the samples in turn; None: some of those that the run was trained on.
        n: how many.
        field: of the run. Words that it does not have are left out, and told.

    Raises:
        UserError: a caption without a word that the run knows.
    """
    asked = asked or field.fitted["examples"]
    unknown = list(dict.fromkeys(word for text in asked for word in words(text) if word not in field.names))
    for text in asked:
        if not set(words(text)) - set(unknown):
            known = ", ".join(field.names[1:13])
            raise UserError(
                f"--text={text!r}: this run knows none of its words; it knows {len(field.names) - 1}: {known}, ..."
            )
    if unknown:
        print(f"words that this run does not know are left out: {', '.join(unknown)}", file=sys.stderr)
    rows = numbered([[text] for text in asked], field.names)
    rows = np.pad(rows, ((0, 0), (0, 0), (0, max(field.shape[1] - rows.shape[2], 0))))
    return rows[np.arange(n) % len(rows)]


@dataclasses.dataclass(frozen=True)
class Renumbered:
    """Captions in the words of another vocabulary: `number[word]` is 0 where it has none."""

    captions: Any
    number: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.captions.shape

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.number[self.captions[rows]]


def in_words_of(fields: Fields, source: Source) -> Source:
    """A set whose captions, if it has any, are in the words of the fields of a run."""
    if NAME not in fields or NAME not in source.fields or fields[NAME].names == source.fields[NAME].names:
        return source
    number = {word: place for place, word in enumerate(fields[NAME].names)}
    own = np.array([number.get(word, 0) for word in source.fields[NAME].names], np.int32)
    column = Renumbered(source.columns[NAME], own)
    field = source.fields[NAME]._replace(names=fields[NAME].names)
    return Source({**source.fields, NAME: field}, {**source.columns, NAME: column}, source.splits)
