"""What maps make, for any number of examples, as arrays and as data sets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hand_made import FIELDS, MAPS, NAMES, SHAPE, experiment, noise, source, state

from gan_jax.errors import Diverged, UserError
from gan_jax.game import Map
from gan_jax.images import to_float, to_uint8
from gan_jax.noise import per_example
from gan_jax.sampling import (
    CALIBRATED_ON,
    from_noise,
    generated,
    given_for,
    labels_for,
    make_averager,
    make_sampler,
    wanted,
)

VARIABLES = {"generator": {"params": {"shift": jnp.float32(0)}}}
KEY = jax.random.key(3)


def by_hand(index):
    return to_uint8(per_example(jax.random.uniform, KEY, jnp.array(index), SHAPE) * 2 - 1)


def test_samples_are_as_files_have_them_and_depend_on_their_index_alone():
    sample = make_sampler(MAPS["sample"], FIELDS, at_once=2)
    few, many = sample(VARIABLES, KEY, {}, np.arange(3)), sample(VARIABLES, KEY, {}, np.arange(21))
    assert few.dtype == np.uint8 and few.shape == (3, *SHAPE)
    np.testing.assert_array_equal(few, by_hand(range(3)))
    np.testing.assert_array_equal(many, by_hand(range(21)))
    np.testing.assert_array_equal(sample(VARIABLES, KEY, {}, np.array([20, 4])), many[[20, 4]])
    assert (sample(VARIABLES, jax.random.key(4), {}, np.arange(3)) != few).any()


def test_what_is_given_is_converted_and_belongs_to_its_example():
    sample = make_sampler(MAPS["ab"], FIELDS)
    given = source().read(np.arange(20), ("input",))
    made = sample(VARIABLES, KEY, given, np.arange(20))
    gray = -to_float(jnp.array(given["input"])).mean(axis=-1)
    np.testing.assert_array_equal(made[:, ::2, ::2, 0], to_uint8(gray))
    backwards = sample(VARIABLES, KEY, {"input": given["input"][::-1]}, np.arange(20)[::-1])
    np.testing.assert_array_equal(backwards, made[::-1])


def test_classes_are_made_of_logits():
    shades = np.array([10, 127, 250], np.uint8)[:, None, None, None] * np.ones((1, *SHAPE), np.uint8)
    classes = make_sampler(MAPS["classify"], FIELDS)(VARIABLES, KEY, {"image": shades}, np.arange(3))
    assert classes.dtype == np.int32 and classes.tolist() == [0, 1, 2]


@pytest.mark.parametrize("side, expected", [(8, 128), (128, 128), (256, 32), (2048, 1)])
def test_a_chunk_is_compiled_once_and_smaller_for_large_examples(side, expected):
    shapes = []

    def apply(variables, key, index, given):
        shapes.append(given["image"].shape)
        return given["image"][:, :1, :1]

    sample = make_sampler(Map(("image",), "image", apply), FIELDS)
    sizes = (1, 5) if side > 256 else (1, 5, 200)
    for n in sizes:
        made = sample({}, KEY, {"image": np.full((n, side, side, 1), 7, np.uint8)}, np.arange(n))
        np.testing.assert_array_equal(made, np.full((n, 1, 1, 1), 7))
    assert shapes == [(expected * jax.local_device_count(), side, side, 1)]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_results_that_are_not_finite(value):
    broken = {"generator": {"params": {"shift": jnp.float32(value)}}}
    with pytest.raises(Diverged, match=r"generated examples \(image\) are not finite"):
        make_sampler(MAPS["sample"], FIELDS)(broken, KEY, {}, np.arange(2))


def test_samples_as_a_data_set():
    calls = []

    def apply(*arguments):
        jax.debug.callback(lambda: calls.append(1))
        return noise(*arguments)

    labels = np.array([2, 0, 1, 2, 2], np.int32)
    made = generated(Map(("label",), "image", apply), FIELDS, VARIABLES, {"label": labels}, 5, seed=3)
    assert (len(made), made.target, made.class_names) == (5, "image", NAMES) and made.fields["image"].shape == SHAPE
    assert not calls  # until it is read
    every = made.read(np.arange(5))
    np.testing.assert_array_equal(every["label"], labels)
    np.testing.assert_array_equal(every["image"][:, 0, 0, 0], to_uint8(labels / 10))
    np.testing.assert_array_equal(every["image"][:, 1:], by_hand(range(5))[:, 1:])
    np.testing.assert_array_equal(made.read(np.array([4, 1]))["image"], every["image"][[4, 1]])
    np.testing.assert_array_equal(made.labels, labels)


def test_a_map_that_makes_what_it_is_given():
    images = source().columns["image"]
    made = generated(
        Map(("image",), "image", lambda v, k, i, given: -given["image"]), FIELDS, {}, {"image": images}, 20, 0
    )
    np.testing.assert_array_equal(made.read(np.arange(20))["image"], 255 - images)


def test_what_a_map_is_given_is_a_rows_own():
    data = source()
    assert given_for(data, MAPS["sample"]) == {}
    for name, field in (("conditional", "label"), ("ab", "input"), ("ba", "image")):
        given = given_for(data, MAPS[name])
        assert given.keys() == {field}
        np.testing.assert_array_equal(given[field][np.array([7, 3])], data.columns[field][[7, 3]])


def test_or_one_of_the_unpaired_set_in_turn():
    data = source(20, unpaired=6)
    given = given_for(data, MAPS["ab"])["input"]
    assert given.shape == (20, 4, 4, 3)
    np.testing.assert_array_equal(given[np.arange(20)], data.splits["unpaired"].columns["input"][np.arange(20) % 6])
    np.testing.assert_array_equal(given_for(data, MAPS["ba"])["image"][np.arange(20)], data.columns["image"])
    with pytest.raises(UserError, match="makes 'image' of 'sound', which the data set does not have"):
        given_for(data, Map(("sound",), "image", noise))


def test_a_target_is_known_where_the_rows_hold_it():
    assert [wanted(source(), MAPS[name]) for name in ("ab", "ba", "classify")] == [True] * 3
    assert [wanted(source(20, 6), MAPS[name]) for name in ("ab", "ba", "classify")] == [False, False, True]
    assert not wanted(source(), MAPS["sample"]) and not wanted(source(), MAPS["conditional"])
    assert [from_noise(each) for each in MAPS.values()] == [True, True, False, False, False]


def test_labels_are_each_class_in_turn_or_all_the_same():
    assert labels_for(5, NAMES).tolist() == [0, 1, 2, 0, 1] and labels_for(5, NAMES).dtype == np.int32
    assert labels_for(3, ()).tolist() == [-1, -1, -1]
    for label in ("dog", "1", 1):
        assert labels_for(2, NAMES, label).tolist() == [1, 1]


def test_a_name_comes_before_a_number():
    assert labels_for(1, ("7", "1", "0"), "0").tolist() == [2]
    assert labels_for(1, ("7", "1", "0"), 0).tolist() == [0]


@pytest.mark.parametrize(
    "names, label, message",
    [
        ((), "1", "--label=1: this model is unconditional"),
        (NAMES, "3", "--label=3: the labels of this model are 0 to 2, or their names; there are: cat, dog, bird"),
        (NAMES, "birb", "--label=birb: the labels of this model are 0 to 2, or their names; did you mean bird?"),
        (tuple("0123456789"), 10, "--label=10: the labels of this model are 0 to 9"),
        (tuple("0123456789"), "-1", "--label=-1: the labels of this model are 0 to 9"),
    ],
)
def test_labels_that_there_are_not(names, label, message):
    with pytest.raises(UserError) as caught:
        labels_for(3, names, label)
    assert str(caught.value).startswith(message) and len(str(caught.value).splitlines()) == 1


def test_averaged_parameters_get_statistics_of_their_own():
    seen = []

    def calibrate(variables, key, index):
        jax.debug.callback(lambda index: seen.append(np.asarray(index)), index)
        player = variables["generator"]
        return {**variables, "generator": {**player, "batch_stats": player["batch_stats"] + player["params"]["shift"]}}

    game = experiment("sample", calibrate=calibrate).game
    trained = state(shift=0.5)
    player = {**trained.variables["generator"], "batch_stats": jnp.float32(100)}
    trained = trained.replace(variables={"generator": player, "critic": {"params": jnp.float32(7)}})
    variables = make_averager(game)(trained)
    jax.effects_barrier()
    assert float(variables["generator"]["params"]["shift"]) == 0.5 and float(variables["critic"]["params"]) == 7
    assert float(variables["generator"]["batch_stats"]) == 100 + 32 * 0.5
    assert sorted(np.concatenate(seen).tolist()) == list(range(CALIBRATED_ON))


def test_without_running_statistics_nothing_is_estimated():
    def calibrate(*arguments):
        raise AssertionError

    variables = make_averager(experiment("sample", calibrate=calibrate).game)(state(shift=0.5))
    assert float(variables["generator"]["params"]["shift"]) == 0.5
