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
_WORD = re.compile(r"\w+(?:['-]\w+)*|[^\w\s.,;:!?\"'()-]")


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


def told(asked: Sequence[str] | None, numbers: np.ndarray, field: Field) -> np.ndarray:
    """The captions of n samples, int32 [n, 1, L].

    Args:
        asked: captions, which take turns; None: some of those that the run was trained on, by the samples' numbers.
        numbers: of the samples, int [n].
        field: of the run. Words that it does not have are left out, and told.

    Raises:
        UserError: a caption without a word that the run knows.
    """
    which = np.arange(len(numbers)) if asked else numbers
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
    return rows[which % len(rows)]


def renumbered(rows: np.ndarray, old: tuple[str, ...], new: tuple[str, ...]) -> np.ndarray:
    """Captions [..., L] in the words of another vocabulary; those that it does not have are left out."""
    if old == new:
        return rows
    number = {word: place for place, word in enumerate(new)}
    rows = np.array([number.get(word, 0) for word in old], np.int32)[rows]
    return np.take_along_axis(rows, np.argsort(rows == 0, axis=-1, kind="stable"), axis=-1)  # what is left, in front


@dataclasses.dataclass(frozen=True)
class Renumbered:
    """A column of captions in the words of another vocabulary."""

    captions: Any
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.captions.shape

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return renumbered(np.asarray(self.captions[rows]), self.old, self.new)


def in_words_of(fields: Fields, source: Source) -> Source:
    """A set whose captions, if it has any, are in the words of the fields of a run."""
    if NAME not in fields or NAME not in source.fields:
        return source
    old, new = source.fields[NAME].names, fields[NAME].names
    field = source.fields[NAME]._replace(names=new)
    column = Renumbered(source.columns[NAME], old, new)
    return Source({**source.fields, NAME: field}, {**source.columns, NAME: column}, source.splits)
