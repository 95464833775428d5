"""Endless shuffled batches, the same ones for a seed wherever the images lie and however many processes share them."""

import functools
import itertools
import math

import jax
import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import UserError
from gan_jax.modalities import Fields, to_model

UNPAIRED = 2**32  # added to the seed of the order of an unpaired set; no seed of a run is so large


def rows(num_examples: int, batch_size: int, seed: int, position: int) -> np.ndarray:
    """The examples of one batch in an endless sequence of epochs, each in an order of its own.

    Batches go across the borders of epochs, so that none of them drops an example.

    Args:
        num_examples: in the data set, at least 1.
        batch_size: examples in the batch.
        seed: of the shuffling.
        position: the batch's number in the sequence, from 0.

    Returns:
        int64 [batch_size], in [0, num_examples).
    """
    start, stop = position * batch_size, (position + 1) * batch_size
    parts = []
    for epoch in range(start // num_examples, (stop - 1) // num_examples + 1):
        begin = epoch * num_examples
        parts.append(_permutation(num_examples, seed, epoch)[max(start - begin, 0) : stop - begin])
    return np.concatenate(parts)


@functools.lru_cache(3)
def _permutation(num_examples: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(num_examples)


class Stream:
    """An endless iterator of one process's share of every round's batches.

    Each element is a dict of arrays [repeats, batch_size // process_count, ...]:
        "index": int32, the examples' places in the global batch;
        "row": int32, their places in the source, if `resident`;
        the fields, "image", "label", ..., as `Source.read` gives them, if not;
        of a source with an "unpaired" split also its fields, in an order of their own; if `resident`, a field's rows as
        "FIELD_row", such as "input_row".

    Args:
        source: the data set.
        batch_size: examples in the global batch.
        repeats: batches in a round.
        seed: of the shuffling.
        position: the first round to deliver; `stream.position` of an earlier stream goes on where that one stopped.
        resident: whether the examples lie on the device and only row numbers are wanted.
        process_index: this process's number.
        process_count: processes that share every batch.
        threads: that read examples ahead.

    Raises:
        UserError: the batch is larger than the data set, or the processes can't share it evenly.
    """

    def __init__(
        self,
        source: Source,
        *,
        batch_size: int,
        repeats: int = 1,
        seed: int,
        position: int = 0,
        resident: bool,
        process_index: int = 0,
        process_count: int = 1,
        threads: int = 2,
    ):
        fewest = min(len(source), len(source.splits.get("unpaired", source)))
        if fewest < batch_size:
            raise UserError(
                f"the data set has {fewest} examples, fewer than --config.batch_size={batch_size}: lower it"
            )
        if batch_size % process_count:
            raise UserError(f"--config.batch_size={batch_size} must be a multiple of the {process_count} processes")
        self.position = position
        self._source = source
        self._shape = (repeats, batch_size)
        self._seed = seed
        self._resident = resident
        self._share = slice(process_index, None, process_count)
        if resident:
            self._rounds = map(self._round, itertools.count(position))
        else:
            import grain

            options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * threads)
            endless = grain.MapDataset.range(position, 2**62).map(self._round)
            self._rounds = iter(endless.to_iter_dataset(options))

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        batch = next(self._rounds)
        self.position += 1
        return batch

    def close(self) -> None:
        """Ends the threads that read ahead."""
        if not self._resident:
            self._rounds.close()

    def _round(self, position: int) -> dict[str, np.ndarray]:
        """A pure function of the position, so that threads may make rounds in any order."""
        repeats, batch_size = self._shape
        mine = self._rows_of(self._source, self._seed, position)
        index = np.tile(np.arange(batch_size, dtype=np.int32)[self._share], (repeats, 1))
        beside = {}
        if unpaired := self._source.splits.get("unpaired"):
            others = self._rows_of(unpaired, self._seed + UNPAIRED, position)
            if self._resident:
                beside = {f"{name}_row": others.astype(np.int32) for name in unpaired.fields}
            else:
                beside = unpaired.read(others.ravel())
        if self._resident:
            return {"row": mine.astype(np.int32), "index": index, **beside}
        examples = {**self._source.read(mine.ravel()), **beside}
        return jax.tree.map(lambda leaf: leaf.reshape(*mine.shape, *leaf.shape[1:]), examples) | {"index": index}

    def _rows_of(self, source: Source, seed: int, position: int) -> np.ndarray:
        """This process's share of a round's rows of one set, int64 [repeats, batch_size // process_count]."""
        return rows(len(source), math.prod(self._shape), seed, position).reshape(self._shape)[:, self._share]


def prepare(resident: dict, batch: dict, fields: Fields) -> dict:
    """The batch that losses see, inside the compiled round.

    Args:
        resident: {field: [N, ...]} of a set that lies on the device, as `Source.everything` gives it, or {}.
        batch: leaves [R, B, ...], of a `Stream`.
        fields: of the source, and of its "unpaired" split.

    Returns:
        {field: as networks have it, "index": int32}, leaves [R, B, ...].
    """
    if resident:
        rows = {name: batch.get(f"{name}_row", batch["row"]) for name in resident}
        chosen = {name: jax.tree.map(lambda leaf, r=rows[name]: leaf[r], tree) for name, tree in resident.items()}
        batch = {"index": batch["index"], **chosen}
    return to_model(batch, fields)
