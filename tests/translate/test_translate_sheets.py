"""Games that translate, watched while they are trained."""

import numpy as np
from translating import SIDE, assert_alike, opened, sampled

from gan_jax import data, images
from gan_jax.data import pictures
from gan_jax.evaluation.real_sets import open_tests
from gan_jax.run import load


def assert_shows(workdir, exact, made):
    """The last sheet has these columns, in this order; what is `made` may differ in the last digit.

    Args:
        workdir: of the run.
        exact: {title: uint8 [n, H, W, C]}; of what is made None.
        made: {title: the same}.
    """
    sheet, left = opened(sorted((workdir / "samples").glob("*.png"))[-1]), 0
    columns = {title: made.get(title, shown) for title, shown in exact.items()}
    whole = images.titled_sheet(columns)
    assert sheet.shape == whole.shape
    for title, shown in columns.items():
        right = left + images.titled_sheet({title: shown}).shape[1]
        compare = assert_alike if title in made else np.testing.assert_array_equal
        compare(sheet[:, left:right], whole[:, left:right])
        left = right + images.MARGIN
    assert left == sheet.shape[1] + images.MARGIN


def test_a_sheet_of_pairs_shows_input_output_and_target(halves, place):
    pairs = np.stack([opened(place / "halves" / "val" / f"{number}.png") for number in (50, 51, 52)])
    inputs, targets = pairs[:, :, :SIDE], pairs[:, :, SIDE:]
    made = np.stack(sampled(halves, *inputs))
    assert_shows(halves, {"input": inputs, "ab: image": None, "image": targets}, {"ab: image": made})


def test_a_sheet_without_pairs_shows_both_ways(two, place):
    inputs = np.stack([opened(place / "two" / "a" / f"{number % 5}.png") for number in range(8)])
    targets = np.stack([opened(place / "two" / "b" / f"{number}.png") for number in range(20, 28)])
    made = {"ab: image": np.stack(sampled(two, *inputs)), "ba: input": np.stack(sampled(two, *targets, name="ba"))}
    assert_shows(two, {"input": inputs, "ab: image": None, "image": targets, "ba: input": None}, made)


def test_a_sheet_of_halves_that_are_no_pairs_shows_the_target_all_the_same(halves_apart, place):
    pairs = np.stack([opened(place / "halves" / "train" / f"{number}.png") for number in range(6)])
    inputs, targets = pairs[:, :, SIDE:], pairs[:, :, :SIDE]
    ways = sampled(halves_apart, *inputs), sampled(halves_apart, *targets, name="ba")
    made = dict(zip(("ab: image", "ba: input"), map(np.stack, ways), strict=True))
    assert_shows(halves_apart, {"input": inputs, "ab: image": None, "image": targets, "ba: input": None}, made)


def test_a_sheet_of_enlarged_pictures_shows_small_inputs_as_large_ones(superres):
    run = load(superres)
    source = data.open_source(run.config.data)
    tests = open_tests(run.config, source, run.experiment.fields, most=64, seed=0)
    assert len(tests) == 4  # a quarter of 16
    examples = tests.read(np.arange(4))
    assert examples["input"].shape == (4, 4, 4, 1)
    np.testing.assert_array_equal(examples["image"], source.splits["held_out"].read(np.arange(4))["image"])
    large = pictures.like(examples["input"], (8, 8, 1))
    made = np.stack(sampled(superres, *examples["input"]))
    assert_shows(superres, {"input": large, "ab: image": None, "image": examples["image"]}, {"ab: image": made})
