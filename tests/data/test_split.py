import jax
import numpy as np
import pytest

from gan_jax.data import Stream, make_source, open_source, prepare
from gan_jax.data.split import of_classes


def as_set(source):
    return {image.tobytes() for image in source.read(np.arange(len(source)))["image"]}


def test_the_parts_are_apart_and_make_the_whole(config):
    whole = open_source(config("digits"))
    source = open_source(config("digits", labeled=100, held_out=0.2))
    held_out, labeled = source.splits["held_out"], source.splits["labeled"]
    assert (len(source), len(held_out), len(labeled)) == (8000, 2000, 100)
    assert source.class_names == held_out.class_names == labeled.class_names == tuple("0123456789")
    assert np.bincount(labeled.labels).tolist() == [10] * 10
    assert not as_set(source) & as_set(held_out) and as_set(source) | as_set(held_out) == as_set(whole)
    assert as_set(labeled) <= as_set(source)
    # A random part: the first and the second half of the MNIST test set are not alike.
    half = as_set(whole.select(np.arange(5000)))
    assert len(as_set(held_out) & half) == pytest.approx(1000, abs=100)


def test_the_seed_says_which(config):
    first, again, other = (
        open_source(config("digits", labeled=10, held_out=0.01, split_seed=seed)) for seed in (0, 0, 1)
    )
    for part in ("held_out", "labeled"):
        assert as_set(first.splits[part]) == as_set(again.splits[part]) != as_set(other.splits[part])


def test_nothing_is_split_by_default(config):
    source = open_source(config("digits"))
    assert not source.splits and set(source[0]) == {"image", "label"}
    assert set(open_source(config("digits", labeled=10)).splits) == {"labeled"}
    source = open_source(config("moons", held_out=0.5))
    assert set(source.splits) == {"held_out"} and len(source) == len(source.splits["held_out"]) == 50_000


def test_a_labeled_example_lies_beside_each(config):
    source = open_source(config("digits", labeled=30, held_out=0.9))
    examples = source.read(np.array([3, 33, 4]))
    assert set(examples) == {"image", "label", "labeled"} and set(examples["labeled"]) == {"image", "label"}
    wanted = source.splits["labeled"].read(np.array([3, 3, 4]))
    for name in ("image", "label"):
        np.testing.assert_array_equal(examples["labeled"][name], wanted[name])
    np.testing.assert_array_equal(examples["image"][1], source[33]["image"])
    epoch = source.read(np.arange(len(source)))["labeled"]["image"]
    counts = np.unique([image.tobytes() for image in epoch], return_counts=True)[1]
    assert len(counts) == 30 and counts.max() - counts.min() <= 1
    assert source.nbytes == 1000 * 2 * (28 * 28 + 4)
    assert set(source.select(np.arange(5))[0]) == {"image", "label"}  # any set of examples, no part of a split


def test_labeled_examples_are_streamed_too(config):
    source = open_source(config("digits", labeled=10))
    stream = Stream(source, batch_size=4, repeats=2, seed=0, resident=False)
    batch = next(stream)
    stream.close()
    assert batch["labeled"]["image"].shape == (2, 4, 28, 28, 1) and batch["labeled"]["label"].shape == (2, 4)
    resident = Stream(source, batch_size=4, repeats=2, seed=0, resident=True)
    picked = prepare(source.everything(), next(resident), source.fields)
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(picked), prepare({}, batch, source.fields))


@pytest.mark.parametrize(
    ("source", "keys", "says"),
    [
        ("npz:{}/p.npz", {"labeled": 10}, "is for sets with labels, and this one has none"),
        ("digits", {"labeled": 20_000}, "is 2000 of each class, but there are 892 of '5' to train on"),
        ("digits", {"labeled": 8000, "held_out": 0.5}, "to train on"),
        ("digits", {"labeled": 64}, "--config.data.labeled=64 is not an equal number of each of 10 classes, 70 is"),
    ],
)
def test_splits_that_cannot_be(config, tmp_path, rejected, source, keys, says):
    np.savez(tmp_path / "p.npz", points=np.zeros((7, 2)))
    assert says in rejected(open_source, config(source.format(tmp_path), **keys))


def test_some_examples_of_some_classes(config, rejected):
    few = open_source(config("digits", classes="7, 2", each=30))
    assert few.class_names == ("7", "2") and np.bincount(few.labels).tolist() == [30, 30]
    whole = open_source(config("digits", classes="7,2"))
    digits = open_source(config("digits"))
    assert as_set(whole) == as_set(digits.select(np.flatnonzero(np.isin(digits.labels, (7, 2)))))
    assert as_set(few) < as_set(whole) and len(few) == 60
    sevens = few.select(np.flatnonzero(few.labels == 0))
    assert as_set(sevens) <= as_set(digits.select(np.flatnonzero(digits.labels == 7)))
    assert as_set(open_source(config("digits", classes="7,2", each=30, split_seed=1))) != as_set(few)
    assert np.bincount(open_source(config("digits", each=5)).labels).tolist() == [5] * 10
    assert "'x' is none" in rejected(open_source, config("digits", classes="x"))
    unlabeled = make_source("points", np.zeros((4, 2), np.float32))
    assert "this one has none" in rejected(of_classes, unlabeled, "", 5, 0)
