import dataclasses
import threading

import jax
import numpy as np
import pytest

from gan_jax.data import Source, Stream, make_source, prepare, rows
from gan_jax.errors import UserError
from gan_jax.images import to_float


@pytest.fixture
def source():
    """23 images that show their own row number, labeled by it too."""
    numbers = np.arange(23, dtype=np.uint8)
    images = np.broadcast_to(numbers[:, None, None, None], (23, 4, 4, 1))
    return make_source("image", images, numbers.astype(np.int32), tuple(map(str, numbers)))


def take(count, source, **kwargs):
    stream = Stream(source, **{"batch_size": 6, "seed": 1, "resident": True} | kwargs)
    batches = [next(stream) for _ in range(count)]
    stream.close()
    return batches


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.parametrize(("n", "batch"), [(23, 6), (24, 6), (5, 12), (7, 7), (1, 3)])
def test_every_epoch_shows_every_example_once(n, batch):
    sequence = np.concatenate([rows(n, batch, 3, position) for position in range(3 * n)])
    assert sequence.dtype == np.int64
    epochs = sequence[: len(sequence) // n * n].reshape(-1, n)
    np.testing.assert_array_equal(np.sort(epochs), np.broadcast_to(np.arange(n), epochs.shape))
    if n > 5:
        assert (epochs[0] != epochs[1]).any()


def test_rows_depend_on_nothing_but_their_arguments():
    late = rows(1000, 64, 0, 100)
    for position in range(200):
        rows(1000, 64, 0, position)
    np.testing.assert_array_equal(rows(1000, 64, 0, 100), late)
    assert (rows(1000, 64, 1, 100) != late).any()


def test_far_positions():
    assert rows(60_000, 256, 0, 2**40).shape == (256,)


def test_streamed_images_are_those_of_the_resident_rows(source):
    resident = take(10, source, repeats=2)
    streamed = take(10, source, repeats=2, resident=False)
    for by_row, by_image in zip(resident, streamed, strict=True):
        assert by_row["row"].shape == (2, 6) and by_row["row"].dtype == np.int32
        assert by_image["image"].shape == (2, 6, 4, 4, 1) and by_image["image"].dtype == np.uint8
        read = source.read(by_row["row"].ravel())
        np.testing.assert_array_equal(by_image["image"].reshape(-1, 4, 4, 1), read["image"])
        np.testing.assert_array_equal(by_image["label"], by_row["row"])
        np.testing.assert_array_equal(by_image["index"], [range(6)] * 2)
        np.testing.assert_array_equal(by_row["index"], by_image["index"])


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("count", [2, 3])
def test_processes_share_the_batch_of_one(source, resident, count):
    whole = take(5, source, repeats=2, resident=resident)
    shares = [
        take(5, source, repeats=2, resident=resident, process_index=index, process_count=count)
        for index in range(count)
    ]
    for position, batch in enumerate(whole):
        union = {name: np.zeros_like(leaf) for name, leaf in batch.items()}
        for share in shares:
            for name, leaf in share[position].items():
                assert leaf.shape[:2] == (2, 6 // count)
                union[name][:, share[position]["index"][0]] = leaf
        assert_same(union, batch)


@pytest.mark.parametrize("resident", [True, False])
def test_going_on_is_exact(source, resident):
    whole = take(9, source, resident=resident, repeats=3)
    first = Stream(source, batch_size=6, repeats=3, seed=1, resident=resident)
    for _ in range(4):
        next(first)
    assert first.position == 4
    first.close()
    rest = take(5, source, resident=resident, repeats=3, position=first.position)
    for batch, wanted in zip(rest, whole[4:], strict=True):
        assert_same(batch, wanted)


def test_close_ends_the_threads(source):
    before = set(threading.enumerate())
    stream = Stream(source, batch_size=6, seed=0, resident=False, threads=2)
    next(stream)
    readers = set(threading.enumerate()) - before
    assert readers
    stream.close()
    for reader in readers:
        reader.join(5)
        assert not reader.is_alive()


def test_errors_of_reading_reach_the_consumer():
    class Broken(Source):
        def read(self, rows, names=None):
            raise OSError("the disk is gone")

    whole = make_source("points", np.zeros((9, 2)))
    stream = Stream(Broken(whole.fields, whole.columns), batch_size=2, seed=0, resident=False)
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)
    stream.close()


def test_impossible_batches(source, rejected):
    assert "23 examples, fewer than --config.batch_size=24" in rejected(
        Stream, source, batch_size=24, seed=0, resident=True
    )
    assert "--config.batch_size=6" in rejected(Stream, source, batch_size=6, seed=0, resident=True, process_count=4)


@pytest.fixture
def unpaired(source):
    """Those 23, and 9 inputs that show 100 and more."""
    numbers = np.arange(100, 109, dtype=np.uint8)
    return beside(source, np.broadcast_to(numbers[:, None, None, None], (9, 4, 4, 1)))


def beside(source, images):
    inputs = Source({"input": source.fields["image"]}, {"input": images})
    return dataclasses.replace(source, splits={"unpaired": inputs})


def test_inputs_without_pairs_have_epochs_of_their_own(unpaired):
    batches = take(30, unpaired)
    shown = np.concatenate([batch["input_row"].ravel() for batch in batches])
    assert np.bincount(shown).tolist() == [20] * 9
    targets = np.concatenate([batch["row"].ravel() for batch in batches])
    assert len(set(zip(targets.tolist(), shown.tolist(), strict=True))) > 100  # of 180: not always the same ones
    other = np.concatenate([batch["input_row"].ravel() for batch in take(30, unpaired, seed=2)])
    assert (other != shown).any()


def test_as_many_inputs_as_targets_come_in_another_order(source):
    (batch,) = take(1, beside(source, source.columns["image"]), batch_size=23, repeats=1)
    assert sorted(batch["row"].ravel()) == sorted(batch["input_row"].ravel()) == list(range(23))
    assert (batch["row"] != batch["input_row"]).sum() > 15


def test_streamed_inputs_are_those_of_the_resident_rows(unpaired):
    resident, fields = unpaired.everything(), {**unpaired.fields, **unpaired.splits["unpaired"].fields}
    assert set(resident) == set(fields) == {"image", "label", "input"}
    batches = zip(take(5, unpaired), take(5, unpaired, resident=False), strict=True)
    for by_row, by_image in batches:
        picked, read = (jax.device_get(prepare(*given, fields)) for given in ((resident, by_row), ({}, by_image)))
        assert_same(picked, read)
        np.testing.assert_array_equal(read["input"], to_float(by_image["input"]))


def test_processes_share_inputs_without_pairs(unpaired):
    (whole,) = take(1, unpaired)
    for index in range(2):
        (part,) = take(1, unpaired, process_index=index, process_count=2)
        np.testing.assert_array_equal(part["input_row"], whole["input_row"][:, index::2])


def test_a_batch_must_fit_into_the_inputs_too(unpaired):
    with pytest.raises(UserError, match=r"has 9 examples, fewer than --config\.batch_size=10"):
        Stream(unpaired, batch_size=10, seed=0, resident=True)
