"""What a data set looks like to the rest of the library."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set: images (or 2-D points) and their labels, read by row number.

    Args:
        images: uint8 [N, H, W, C] with C 1 or 3, or float32 points [N, 2]: an array, a memory map, or any object with
            such a `shape` that is indexed by an array of row numbers.
        labels: int32 [N] in [0, num_classes), all 0 where the set is unlabelled.
        class_names: one name a class; empty where the set is unlabelled.
        modes: (centres float32 [M, 2], standard deviation) of a mixture of Gaussians; None of other sets.
        held_out: examples that were kept out of this set, to test a classifier on, see `gan_jax.data.split`.
        labelled: those whose labels a classifier may learn; None: all of this set.
        inputs: what the images are translated from, like them, row by row; None if there is no such thing.
        unpaired: the set of inputs of a game that learns without pairs; its rows have nothing to do with those here.
    """

    images: Any
    labels: np.ndarray
    class_names: tuple[str, ...] = ()
    modes: tuple[np.ndarray, float] | None = None
    held_out: "Source | None" = None
    labelled: "Source | None" = None
    inputs: Any = None
    unpaired: "Source | None" = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        return {name: leaf[0] for name, leaf in self.read(np.array([row])).items()}

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Reads many examples at once; threads may do so at the same time.

        Args:
            rows: int [n], in [0, len(source)).

        Returns:
            {"image": [n, ...] as in `images`, "label": int32 [n], and "input" if there are inputs}; and beside each
            example a labelled one, if not all are, as "labelled_image" and "labelled_label": an epoch shows each of
            those equally often.
        """
        examples = {"image": np.asarray(self.images[rows]), "label": self.labels[rows]}
        if self.inputs is not None:
            examples["input"] = np.asarray(self.inputs[rows])
        if self.labelled is not None:
            beside = self.labelled.read(rows % len(self.labelled))
            examples |= {f"labelled_{name}": leaf for name, leaf in beside.items()}
        return examples

    def select(self, rows: np.ndarray) -> "Source":
        """The set of these examples, int [n], in this order."""
        images, inputs = Rows(self.images, rows), None if self.inputs is None else Rows(self.inputs, rows)
        return Source(images, self.labels[rows], self.class_names, self.modes, inputs=inputs, unpaired=self.unpaired)

    def everything(self) -> dict[str, np.ndarray]:
        """All examples, and as "input" those of the other set if this is one of two without pairs."""
        examples = self.read(np.arange(len(self)))
        return examples if self.unpaired is None else {**examples, "input": self.unpaired.everything()["image"]}

    @property
    def image_shape(self) -> tuple[int, ...]:
        return tuple(self.images.shape[1:])

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def nbytes(self) -> int:
        """The bytes that all images take in memory, as `read` gives them."""
        own = len(self) * sum(leaf.nbytes for name, leaf in self[0].items() if name.endswith(("image", "input")))
        return own + (0 if self.unpaired is None else self.unpaired.nbytes)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Some rows, int [n], of images that are read as needed."""

    images: Any
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.images.shape[1:])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.images[self.rows[rows]])
