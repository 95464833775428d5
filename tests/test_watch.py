"""What is watched of a game's maps, whatever they make."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hand_made import FIELDS, MAPS, experiment, noise, source, state
from ml_collections import ConfigDict

from gan_jax import data, images, keys
from gan_jax.data.source import Source, make_source
from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein
from gan_jax.game import Map
from gan_jax.modalities import Field, lookup, points
from gan_jax.noise import FIXED_LATENTS
from gan_jax.sampling import make_averager, make_sampler
from gan_jax.watch import make_watcher

CONFIG = ConfigDict({"seed": 5, "data": keys.complete(data.KEYS, {}), "evaluation": {"source": ""}})
LATENTS = jax.random.fold_in(jax.random.key(5), FIXED_LATENTS)
SHIFT = 0.25
EXAMPLES = source()


def watched(*names, source=EXAMPLES, **others):
    """What is watched of these maps, after three rounds, and `(name, given, n) -> what the map makes`."""
    played = experiment(*names, **others)
    picture, distance = make_watcher(CONFIG, played, source)(state(SHIFT, step=3))

    def made(name, given, n, key=LATENTS):
        variables = make_averager(played.game)(state(SHIFT))
        return make_sampler(played.game.maps[name], played.fields)(variables, key, given, np.arange(n))

    return picture, distance, made


def distance_of(images, others):
    return sliced_wasserstein(images.astype(np.float32) / 127.5, others.astype(np.float32) / 127.5)


def test_samples_are_a_grid_of_fixed_latents_of_the_average():
    many = source(200)
    picture, distance, made = watched("sample", source=many)
    np.testing.assert_array_equal(picture, images.grid(made("sample", {}, 64)))
    assert distance == pytest.approx(distance_of(made("sample", {}, 200), many.columns["image"]), rel=1e-5)


def test_a_column_of_samples_for_each_class():
    picture, distance, made = watched("conditional")
    in_turn = np.arange(24, dtype=np.int32) % 3
    np.testing.assert_array_equal(picture, images.grid(made("conditional", {"label": in_turn}, 24), columns=3))
    assert picture.shape == (8 * 56, 3 * 56, 1)
    rows = np.random.default_rng(0).choice(20, 20, replace=False)
    real = source().read(rows)
    assert distance == pytest.approx(
        distance_of(made("conditional", {"label": real["label"]}, 20), real["image"]), rel=1e-5
    )


def test_of_many_classes_64_samples():
    fields = {**FIELDS, "label": FIELDS["label"]._replace(names=tuple(map(str, range(17))))}
    picture, _, made = watched("conditional", fields=fields)
    labels = np.arange(64, dtype=np.int32) % 17
    np.testing.assert_array_equal(picture, images.grid(made("conditional", {"label": labels}, 64)))


def plane(n=40, names=()):
    return make_source(
        "points", np.random.default_rng(1).normal(size=(n, 2)).astype(np.float32), np.arange(n) % 2, names
    )


def in_the_plane(variables, key, index, given):
    return noise(variables, key, index, {})[:, 0, :2, 0]


def test_points_over_the_logits_of_an_unconditional_discriminator():
    real = plane()
    discriminate = lambda variables, x: x[:, 0] + variables["generator"]["params"]["shift"]
    picture, distance, made = watched(
        "sample",
        source=real,
        fields=real.fields,
        maps={"sample": Map((), "points", in_the_plane)},
        discriminate=discriminate,
    )
    rows = np.random.default_rng(0).choice(40, 40, replace=False)
    expected = points.sheet(
        made("sample", {}, 40),
        real.fields["points"],
        real=real.columns["points"][rows],
        critic=lambda x: x[:, 0] + SHIFT,
        title="round 3",
    )
    np.testing.assert_array_equal(picture, expected)
    assert distance == pytest.approx(sliced_wasserstein(made("sample", {}, 40), real.columns["points"]), rel=1e-5)


def test_all_points_of_a_conditional_game_and_no_logits():
    real, maps = plane(names=("a", "b")), {"sample": Map(("label",), "points", in_the_plane)}

    def discriminate(variables, x):
        raise AssertionError

    picture, _, made = watched("sample", source=real, fields=real.fields, maps=maps, discriminate=discriminate)
    rows = np.random.default_rng(0).choice(40, 40, replace=False)
    given = {"label": real.columns["label"][rows]}
    expected = points.sheet(
        made("sample", given, 40), real.fields["points"], real=real.columns["points"][rows], title="round 3"
    )
    np.testing.assert_array_equal(picture, expected)


def test_a_row_an_example_given_made_and_wanted():
    pairs = source()
    picture, distance, made = watched("ab", source=pairs)
    given, wanted = pairs.columns["input"], pairs.columns["image"]
    translated = made("ab", {"input": given}, 20)
    columns = {"input": given[:8], "ab: image": translated[:8], "image": wanted[:8]}
    np.testing.assert_array_equal(picture, images.titled_sheet(columns))
    assert distance == pytest.approx(distance_of(translated, wanted), rel=1e-5)


def test_both_ways_without_pairs():
    apart = source(20, unpaired=6)
    picture, distance, made = watched("ab", "ba", source=apart)
    given, target = apart.splits["unpaired"].columns["input"][np.arange(20) % 6], apart.columns["image"]
    there = made("ab", {"input": given}, 20)
    columns = {"input": given[:8], "ab: image": there[:8]}
    columns |= {"image": target[:8], "ba: input": made("ba", {"image": target[:8]}, 8)}
    np.testing.assert_array_equal(picture, images.titled_sheet(columns))
    assert distance == pytest.approx(distance_of(there, target), rel=1e-5)


def test_few_examples_and_the_held_out_ones_if_there_are_any():
    tests = source(3)
    picture, _, made = watched("ba", source=Source(tests.fields, source(9).columns, {"held_out": tests}))
    target = tests.columns["image"]
    columns = {"image": target, "ba: input": made("ba", {"image": target}, 3), "input": tests.columns["input"]}
    np.testing.assert_array_equal(picture, images.titled_sheet(columns))


def test_samples_and_beneath_them_what_other_maps_make():
    picture, distance, made = watched("sample", "ba")
    grid = images.grid(made("sample", {}, 20)).repeat(3, axis=2)
    target, small = source().columns["image"][:8], source().columns["input"][:8]
    columns = {"image": target, "ba: input": made("ba", {"image": target}, 8), "input": small}
    rows = images.titled_sheet(columns)
    height, width = len(grid), max(grid.shape[1], rows.shape[1])
    assert picture.shape == (height + len(rows), width, 3)
    np.testing.assert_array_equal(picture[:height], images.centered(grid, height, width))
    np.testing.assert_array_equal(picture[height:], images.centered(rows, len(rows), width))
    assert distance == watched("sample")[1]


def test_labels_are_drawn_if_there_is_nothing_else():
    alone, _, made = watched("classify")
    target = source().columns["image"][:8]
    names = lambda labels: FIELDS["label"].modality.thumbnails(labels, FIELDS["label"])
    columns = {"image": target, "classify: label": names(made("classify", {"image": target}, 8))}
    columns["label"] = names(source().columns["label"][:8])
    np.testing.assert_array_equal(alone, images.titled_sheet(columns))
    np.testing.assert_array_equal(watched("sample", "classify")[0], watched("sample")[0])


def test_a_game_that_makes_nothing_that_the_data_have_has_no_distance():
    assert watched("classify")[1] is None


def test_samples_that_the_data_have_nothing_of_are_shown_all_the_same():
    maps = {"draft": Map((), "input", lambda v, k, index, given: jnp.zeros((len(index), 4, 4, 3))), **MAPS}
    apart = source(20, unpaired=6)
    picture, distance, made = watched("draft", "sample", source=apart, maps=maps)
    grids = [images.grid(made("draft", {}, 20)), images.grid(made("sample", {}, 20)).repeat(3, axis=2)]
    np.testing.assert_array_equal(picture, np.concatenate(grids))
    assert distance == watched("sample", source=apart)[1]


def test_any_modality_is_watched_by_its_own_sheet():
    """One that is defined here: curves of five numbers."""
    calls = []

    def sheet(stored, field, **options):
        calls.append((stored, options))
        return np.zeros((4, 5, 3), np.uint8)

    curve = lookup("points")._replace(name="curve", sheet=sheet, watched=lambda field: 6)
    fields = {"curve": Field(curve, (5,))}
    curves = np.random.default_rng(0).normal(size=(10, 5)).astype(np.float32)
    maps = {"sample": Map((), "curve", lambda v, key, index, given: jnp.zeros((len(index), 5)))}
    picture, distance, _ = watched("sample", source=Source(fields, {"curve": curves}), fields=fields, maps=maps)
    assert picture.shape == (4, 5, 3) and distance > 0
    ((stored, options),) = calls
    assert stored.shape == (6, 5) and options["real"].shape == (6, 5) and options["title"] == "round 3"
    assert options["labels"] is None and options["critic"] is None
