import numpy as np
import pytest

from gan_jax.data import Stream, open_source


def as_set(source):
    return {image.tobytes() for image in source.read(np.arange(len(source)))["image"]}


def test_the_parts_are_apart_and_make_the_whole(config):
    whole = open_source(config("digits"))
    source = open_source(config("digits", labelled=100, held_out=0.2))
    assert (len(source), len(source.held_out), len(source.labelled)) == (8000, 2000, 100)
    assert source.num_classes == source.held_out.num_classes == source.labelled.num_classes == 10
    assert np.bincount(source.labelled.labels).tolist() == [10] * 10
    assert not as_set(source) & as_set(source.held_out) and as_set(source) | as_set(source.held_out) == as_set(whole)
    assert as_set(source.labelled) <= as_set(source)
    # A random part: the first and the second half of the MNIST test set are not alike.
    half = as_set(whole.select(np.arange(5000)))
    assert len(as_set(source.held_out) & half) == pytest.approx(1000, abs=100)


def test_the_seed_says_which(config):
    first, again, other = (
        open_source(config("digits", labelled=10, held_out=0.01, split_seed=seed)) for seed in (0, 0, 1)
    )
    for part in ("held_out", "labelled"):
        assert as_set(getattr(first, part)) == as_set(getattr(again, part)) != as_set(getattr(other, part))


def test_nothing_is_split_by_default(config):
    source = open_source(config("digits"))
    assert source.held_out is source.labelled is None and set(source[0]) == {"image", "label"}
    assert open_source(config("digits", labelled=10)).held_out is None
    source = open_source(config("moons", held_out=0.5))
    assert source.labelled is None and len(source) == len(source.held_out) == 50_000


def test_a_labelled_example_lies_beside_each(config):
    source = open_source(config("digits", labelled=30, held_out=0.9))
    examples = source.read(np.array([3, 33, 4]))
    assert set(examples) == {"image", "label", "labelled_image", "labelled_label"}
    wanted = source.labelled.read(np.array([3, 3, 4]))
    for name in ("image", "label"):
        np.testing.assert_array_equal(examples[f"labelled_{name}"], wanted[name])
    np.testing.assert_array_equal(examples["image"][1], source[33]["image"])
    epoch = source.read(np.arange(len(source)))["labelled_image"]
    counts = np.unique([image.tobytes() for image in epoch], return_counts=True)[1]
    assert len(counts) == 30 and counts.max() - counts.min() <= 1
    assert source.nbytes == 1000 * 2 * 28 * 28
    assert set(source.select(np.arange(5))[0]) == {"image", "label"}  # any set of examples, no part of a split


def test_labelled_examples_are_streamed_too(config):
    source = open_source(config("digits", labelled=10))
    stream = Stream(source, batch_size=4, repeats=2, seed=0, resident=False)
    batch = next(stream)
    stream.close()
    assert batch["labelled_image"].shape == (2, 4, 28, 28, 1) and batch["labelled_label"].shape == (2, 4)


@pytest.mark.parametrize(
    ("source", "keys", "says"),
    [
        ("npz:{}/p.npz", {"labelled": 10}, "is for sets with labels, and this one has none"),
        ("digits", {"labelled": 20_000}, "is 2000 of each class, but there are 892 of '5' to train on"),
        ("digits", {"labelled": 8000, "held_out": 0.5}, "to train on"),
        ("digits", {"labelled": 64}, "data.labelled=64 is not an equal number of each of 10 classes, 70 is"),
        ("digits", {"held_out": 1.0}, "data.held_out=1.0 is a share"),
        ("digits", {"held_out": -0.1}, "data.held_out=-0.1 is a share"),
    ],
)
def test_splits_that_cannot_be(config, tmp_path, rejected, source, keys, says):
    np.savez(tmp_path / "p.npz", points=np.zeros((7, 2)))
    assert says in rejected(open_source, config(source.format(tmp_path), **keys))
