"""What a data set looks like to the rest of the library: named fields of N rows, and named splits."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.modalities import Field, Fields, lookup


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set, read by row number.

    Attributes:
        fields: {name: what it is}, such as "image", "points", "label" and "input" (what an image is made from). The
            first is the target: what games learn to make.
        columns: {name: [N, *shape]} of the same names: an array, a memory map, or any object with such a `shape` that
            is indexed by an array of row numbers.
        splits: sets that belong to this one. "held_out": kept out of it, to test on. "labeled": the examples whose
            labels a classifier may learn, if not all; `read` gives one beside each example. "unpaired": a set of other
            fields, whose rows have nothing to do with those here and are drawn in an order of their own.
    """

    fields: Fields
    columns: Mapping[str, Any]
    splits: Mapping[str, "Source"] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return self.columns[self.target].shape[0]

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        return {name: leaf[0] for name, leaf in self.read(np.array([row]), tuple(self.fields)).items()}

    @property
    def target(self) -> str:
        """The name of the field that games learn to make."""
        return next(iter(self.fields))

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name a class; () if the set has no labels."""
        return self.fields["label"].names if "label" in self.fields else ()

    @functools.cached_property
    def labels(self) -> np.ndarray | None:
        """int32 [N] in [0, number of classes); None if the set has none. A large set is read once for them."""
        return np.asarray(self.columns["label"][np.arange(len(self))]) if "label" in self.fields else None

    def read(self, rows: np.ndarray, names: tuple[str, ...] | None = None) -> dict[str, Any]:
        """Reads many examples at once; threads may do so at the same time.

        Args:
            rows: int [n], in [0, len(source)).
            names: of the fields to read; None: all, and beside each example a labeled one, if not all are, as "labeled"
                (a dict of the same fields): an epoch shows each of those equally often.

        Returns:
            {name: [n, *shape]}
        """
        examples = {name: np.asarray(self.columns[name][rows]) for name in names or self.fields}
        if names is None and "labeled" in self.splits:
            labeled = self.splits["labeled"]
            examples["labeled"] = labeled.read(rows % len(labeled))
        return examples

    def select(self, rows: np.ndarray) -> "Source":
        """The set of these examples, int [n], in this order; of its splits only "unpaired" is kept."""
        columns = {name: Rows(column, rows) for name, column in self.columns.items()}
        splits = {name: split for name, split in self.splits.items() if name == "unpaired"}
        return Source(self.fields, columns, splits)

    def everything(self) -> dict[str, Any]:
        """All examples, and those of the unpaired set, if there is one."""
        beside = self.splits["unpaired"].everything() if "unpaired" in self.splits else {}
        return {**self.read(np.arange(len(self))), **beside}

    @property
    def nbytes(self) -> int:
        """The bytes that all examples take in memory, as `everything` gives them."""
        own = len(self) and len(self) * sum(leaf.nbytes for leaf in self[0].values())
        if "labeled" in self.splits:
            own *= 2
        return own + (self.splits["unpaired"].nbytes if "unpaired" in self.splits else 0)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Some rows, int [n], of a column that is read as needed."""

    column: Any
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.column.shape[1:])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.column[self.rows[rows]])


def make_source(
    name: str,
    column: Any,
    labels: Any = None,
    class_names: tuple[str, ...] = (),
    fitted: Mapping[str, Any] | None = None,
    names: tuple[str, ...] = (),
) -> Source:
    """A data set of one field, and of labels where there are classes.

    Args:
        name: of the field and of its modality, such as "image" and "points".
        column: of its examples, [N, ...].
        labels: int32 [N].
        class_names: one a class; (): the set has no labels.
        fitted, names: what is known of the examples, see `gan_jax.modalities.Field`.
    """
    fields = {name: Field(lookup(name), tuple(column.shape[1:]), names, fitted or {})}
    if not class_names:
        return Source(fields, {name: column})
    fields["label"] = Field(lookup("label"), (), tuple(class_names))
    return Source(fields, {name: column, "label": labels})
