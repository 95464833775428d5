"""Preprocessing against NumPy and Pillow: crops and flips drawn as they should be, inputs made as documented."""

import types
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax import preprocess
from gan_jax.data import KEYS
from gan_jax.errors import UserError
from gan_jax.images import to_float, to_uint8
from gan_jax.modalities import Field, lookup

KEY = jax.random.key(0)
SHAPES = pytest.mark.parametrize("shape", [(8, 8, 3), (8, 12, 1)], ids=str)
EVERY = pytest.mark.parametrize("task", ["none", *preprocess.TASKS])
compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def config_of(**changes):
    given = {"pair": "none" if "task" in changes else "left_right", **changes}
    return types.SimpleNamespace(**{name: key.default for name, key in KEYS.items()} | given)


def preprocess_of(shape=(8, 8, 3), **changes):
    config = config_of(**changes)
    fields = {"image": Field(lookup("image"), shape)}
    if config.pair != "none" or config.task != "none":
        fields["input"] = fields["image"]
    return preprocess.make_preprocess(config, fields)


def images_of(shape, n=6, seed=0):
    return np.asarray(to_float(jnp.asarray(np.random.default_rng(seed).integers(0, 256, (n, *shape), np.uint8))))


def batch_of(shape, n=6, paired=True):
    """An input is its target's negative."""
    image = images_of(shape, n)
    return {"image": image, "index": jnp.arange(n)} | ({"input": -image} if paired else {})


def many(image, n, **changes):
    """One image [H, W, C] as its own input, in n ways."""
    image = np.repeat(image[None], n, axis=0)
    batch = compiled(preprocess_of(image.shape[1:], **changes).apply)(
        {"image": image, "input": image, "index": jnp.arange(n)}, KEY
    )
    return np.asarray(batch["image"]), np.asarray(batch["input"])


def numbered(h, w):
    """Every pixel is different, so a crop shows where it lay."""
    return np.linspace(-1, 1, h * w, dtype=np.float32).reshape(h, w, 1)


def assert_even(values, kinds):
    _, counts = np.unique(values, return_counts=True, axis=0)
    assert len(counts) == kinds
    expected = len(values) / kinds
    assert np.sum((counts - expected) ** 2 / expected) < 2 * kinds + 8  # chi squared


# What holds for all.


@SHAPES
@EVERY
@pytest.mark.parametrize("crop", [0, 4])
def test_shapes(task, shape, crop):
    if task == "colorize" and shape[2] == 1:
        return
    made = preprocess_of(shape, task=task, factor=2, crop=crop, pair="left_right")
    h, w = (crop, crop) if crop else shape[:2]
    assert made.shape == (h, w, shape[2])
    expected = {"superres": (h // 2, w // 2, shape[2]), "colorize": (h, w, 1), "edges": (h, w, 1)}
    assert made.input_shape == expected.get(task, made.shape)
    batch = jax.eval_shape(made.apply, batch_of(shape), KEY)
    assert batch["image"].shape == (6, *made.shape)
    assert batch["input"].shape == (6, *made.input_shape)


@pytest.mark.parametrize(
    "changes",
    [{"crop": 5, "paired": False}, {"jitter": 11}, {"task": "inpaint", "crop": 6}, {"task": "edges"}],
    ids=str,
)
def test_nothing_depends_on_how_the_batch_is_sharded(changes):
    apply, batch = compiled(preprocess_of((8, 12, 3), flip=True, **changes).apply), batch_of((8, 12, 3))
    parts = [{name: leaf[i : i + 3] for name, leaf in batch.items()} for i in (0, 3)]
    whole, halves = apply(batch, KEY), [apply(part, KEY) for part in parts]
    for name in ("image", "input"):
        together = jnp.concatenate([half[name] for half in halves])
        np.testing.assert_allclose(whole[name], together, atol=1.01 / 127.5 if name == "input" else 1e-5)


@pytest.mark.parametrize("task", preprocess.TASKS)
def test_made_inputs_depend_on_the_key_and_the_index_alone(task):
    make = compiled(preprocess.make_inputs(config_of(task=task, factor=2), Field(lookup("image"), (8, 12, 3))))
    images = images_of((8, 12, 3))
    np.testing.assert_array_equal(make(images, KEY, jnp.arange(6)), make(images, KEY, jnp.arange(6)))
    same = np.repeat(images[:1], 6, axis=0)
    assert len(np.unique(make(same, KEY, jnp.zeros(6, int)), axis=0)) == 1
    assert (len(np.unique(make(same, KEY, jnp.arange(6)), axis=0)) > 1) == (task == "inpaint")


@pytest.mark.parametrize("task", preprocess.TASKS)
def test_made_inputs_are_on_the_levels_of_a_file(task):
    smooth = np.random.default_rng(0).uniform(-1, 1, (6, 8, 12, 3)).astype(np.float32)
    made = compiled(preprocess.TASKS[task])(smooth, KEY, jnp.arange(6))
    np.testing.assert_allclose(made, to_float(jnp.asarray(to_uint8(made))), atol=1e-6)
    assert len(np.unique(made)) > 2


# Crops and flips.


@pytest.mark.parametrize("changes", [{"crop": 4}, {"jitter": 11}, {"flip": True}, {"crop": 4, "flip": True}], ids=str)
def test_inputs_and_targets_move_together_if_they_are_pairs(changes):
    image, given = many(images_of((8, 12, 3))[0], 8, **changes)
    np.testing.assert_array_equal(image, given)
    assert len(np.unique(image, axis=0)) > 1


@pytest.mark.parametrize("changes", [{"crop": 4}, {"jitter": 11}, {"flip": True}], ids=str)
def test_inputs_and_targets_move_on_their_own_if_not(changes):
    image, given = many(images_of((8, 12, 3))[0], 32, paired=False, **changes)
    same = np.mean(np.all(image == given, axis=(1, 2, 3)))
    assert 0.2 < same < 0.8 if "flip" in changes else same < 0.5
    assert len(np.unique(given, axis=0)) > 1


def test_an_input_stays_its_target_s():
    batch = batch_of((8, 12, 3))
    seen = compiled(preprocess_of((8, 12, 3), crop=5, flip=True).apply)(batch, KEY)
    np.testing.assert_array_equal(seen["input"], -seen["image"])
    for image, crop in zip(batch["image"], np.asarray(seen["image"]), strict=True):
        cuts = [image[y : y + 5, x : x + 5] for y in range(4) for x in range(8)]
        assert sum(np.array_equal(cut, crop) or np.array_equal(cut[:, ::-1], crop) for cut in cuts) == 1


@SHAPES
def test_every_key_has_its_own_crops(shape):
    apply = compiled(preprocess_of(shape, crop=4).apply)
    one, two = [apply(batch_of(shape), jax.random.key(i))["image"] for i in (1, 2)]
    assert np.any(one != two)


def test_without_crops_and_flips_nothing_changes():
    batch = batch_of((8, 12, 3))
    seen = preprocess_of((8, 12, 3)).apply(batch, KEY)
    for name, leaf in batch.items():
        np.testing.assert_array_equal(seen[name], leaf)


def test_crops_lie_anywhere():
    h, w = 5, 7
    image = numbered(h, w)
    seen, _ = many(image, 1500, crop=3)
    starts = np.rint((seen[:, 0, 0, 0] + 1) / 2 * (h * w - 1)).astype(int)
    for crop, start in zip(seen[:50], starts, strict=False):
        y, x = divmod(start, w)
        np.testing.assert_array_equal(crop, image[y : y + 3, x : x + 3])
    assert_even(starts, 3 * 5)


@SHAPES
def test_half_are_flipped(shape):
    image = images_of(shape)[0]
    seen, _ = many(image, 1000, flip=True)
    kept, flipped = (np.all(seen == x, axis=(1, 2, 3)) for x in (image, image[:, ::-1]))
    assert np.all(kept ^ flipped)
    assert np.mean(flipped) == pytest.approx(0.5, abs=0.06)


@SHAPES
def test_jitter_of_constant_images(shape):
    seen, _ = many(np.full(shape, 0.5, np.float32), 6, jitter=11)
    np.testing.assert_allclose(seen, 0.5, atol=1e-6)


@pytest.mark.parametrize("sides", [(8, 8), (8, 12)], ids=str)
def test_jitter_against_pillow(sides):
    """A crop of the image, enlarged so that its shorter side has 10 pixels."""
    h, w = sides
    image = images_of((h, w, 1))[0] / 2
    enlarged = np.asarray(Image.fromarray(image[..., 0]).resize((w * 10 // 8, 10), Image.Resampling.BICUBIC))
    places = np.lib.stride_tricks.sliding_window_view(enlarged, sides).reshape(-1, h, w)
    seen, _ = many(image, 400, jitter=10)
    distances = np.abs(seen[:, None, 1:-1, 1:-1, 0] - places[None, :, 1:-1, 1:-1]).max(axis=(2, 3))
    assert np.all(distances.min(axis=1) < 1e-4)
    assert_even(distances.argmin(axis=1), len(places))


def test_jitter_stays_in_range():
    stripes = np.where(np.arange(8) // 2 % 2, 1.0, -1.0).astype(np.float32)[None, :, None].repeat(8, axis=0)
    seen, _ = many(stripes, 6, jitter=12)
    assert (seen.min(), seen.max()) == (-1, 1)


# Tasks.


def test_colorize():
    """Pillow's luma, in integers, is that of Rec. 601."""
    images = images_of((8, 12, 3))
    expected = [np.asarray(Image.fromarray(image).convert("L"), int) for image in to_uint8(images)]
    made = compiled(preprocess.colorize)(images, KEY, jnp.arange(6))
    assert np.abs(to_uint8(made)[..., 0] - np.stack(expected)).max() <= 1


@SHAPES
@pytest.mark.parametrize("factor", [2, 4])
def test_superres_against_pillow(shape, factor):
    h, w, c = shape
    images = images_of((4 * h, 4 * w, c))
    size = (4 * w // factor, 4 * h // factor)
    made = compiled(partial(preprocess.superres, factor=factor))(images, KEY, jnp.arange(6))
    for image, small in zip(to_uint8(images), to_uint8(made), strict=True):
        for channel in range(c):
            reduced = Image.fromarray(image[..., channel]).resize(size, Image.Resampling.BICUBIC)
            assert np.abs(np.asarray(reduced, int) - small[..., channel]).max() <= 1


def test_the_input_of_a_crop_is_the_crop_s_reduction():
    made = preprocess_of((16, 24, 3), task="superres", factor=2, crop=8, flip=True)
    seen = compiled(made.apply)(batch_of((16, 24, 3), paired=False), KEY)
    expected = compiled(partial(preprocess.superres, factor=2))(seen["image"], KEY, seen["index"])
    np.testing.assert_allclose(seen["input"], expected, atol=1.01 / 127.5)
    assert np.mean(np.abs(seen["input"] - expected) > 1e-5) < 0.01


@pytest.mark.parametrize(("h", "w"), [(8, 8), (9, 18)])
def test_holes(h, w):
    image = np.full((h, w, 3), -0.2, np.float32)
    images = np.repeat(image[None], 2000, axis=0)
    made = np.asarray(compiled(preprocess.inpaint)(images, KEY, jnp.arange(2000)))
    hole = np.all(made == 1, axis=-1)
    np.testing.assert_allclose(made[~hole], image[0, 0, 0], atol=0.5001 / 127.5)
    for axis, side in ((1, h), (2, w)):
        line = hole.any(axis=3 - axis)
        lengths, starts = line.sum(axis=1), line.argmax(axis=1)
        assert_even(lengths, side // 2 + 1 - -(-side // 4))
        assert (lengths.min(), lengths.max()) == (-(-side // 4), side // 2)
        for length in np.unique(lengths):
            assert_even(starts[lengths == length], side - length + 1)
    np.testing.assert_array_equal(hole.sum(axis=(1, 2)), hole.any(axis=2).sum(axis=1) * hole.any(axis=1).sum(axis=1))


def test_what_is_around_a_hole_stays():
    images = images_of((8, 12, 3))
    made = compiled(preprocess.inpaint)(images, KEY, jnp.arange(6))
    hole = np.all(made == 1, axis=-1)
    np.testing.assert_allclose(made[~hole], images[~hole], atol=1e-6)


def test_edges_are_lines_around_a_shape():
    """The same in gray as in color, and as dark in a picture of little contrast."""
    scene = np.full((1, 24, 32, 3), 0.5, np.float32)
    scene[:, 8:16, 8:24] = -0.5
    draw = compiled(lambda images: preprocess.edges(images, KEY, jnp.arange(1)))
    made = np.asarray(draw(scene))[0, ..., 0]
    border = np.zeros((24, 32), bool)
    border[7:17, 7:25], inside = True, np.zeros((24, 32), bool)
    border[9:15, 9:23], inside[10:14, 10:22] = False, True
    assert np.all(made[7:9, 12:20] == -1) and np.all(made[10:14, 7:9] == -1)
    assert np.all(made[inside] == 1) and np.all(made[:5] == 1) and np.all(made[:, -5:] == 1)
    assert made[border].mean() < -0.9 and np.mean(made == 1) > 0.6
    np.testing.assert_allclose(draw(scene[..., :1])[0, ..., 0], made, atol=1.01 / 127.5)
    np.testing.assert_allclose(draw(-scene)[0, ..., 0], made, atol=1.01 / 127.5)
    np.testing.assert_allclose(draw(0.2 * scene - 0.4)[0, ..., 0], made, atol=1.01 / 127.5)


@pytest.mark.parametrize("value", [-1.0, 0.1, 1.0])
def test_an_image_without_contrast_has_no_edges(value):
    images = np.full((2, 8, 12, 3), value, np.float32)
    assert np.all(compiled(preprocess.edges)(images, KEY, jnp.arange(2)) == 1)
    faint = images[..., :1] + (np.random.default_rng(0).integers(0, 2, (2, 8, 12, 1)) / 127.5).astype(np.float32)
    assert np.mean(compiled(preprocess.edges)(faint, KEY, jnp.arange(2)) == 1) > 0.9


# Mistakes.


@pytest.mark.parametrize(
    ("changes", "shape", "message"),
    [
        ({"task": "colorize"}, (8, 8, 1), "task=colorize: needs images in color"),
        ({"pair": "none"}, (8, 8, 3), "--config.data.pair, --config.data.inputs .* or --config.data.task"),
        ({"jitter": 9, "crop": 4}, (8, 8, 3), "jitter and --config.data.crop"),
        ({"jitter": 8}, (8, 12, 3), "jitter=8: must be more than the images' shorter side, 8"),
        ({"crop": 9}, (12, 8, 3), "crop=9: must be at most the images' shorter side, 8"),
        ({"task": "superres", "factor": 3}, (9, 9, 3), "factor=3: must be 2, 4 or 8"),
        (
            {"task": "superres", "factor": 4},
            (8, 10, 3),
            "8x10 pixels .*: set --config.data.image_size to a multiple of 4",
        ),
        (
            {"task": "superres", "factor": 4},
            (10, 8, 3),
            "10x8 pixels .*: set --config.data.image_size to a multiple of 4",
        ),
        (
            {"task": "superres", "factor": 4, "crop": 6},
            (8, 8, 3),
            "crop=6: must be a multiple of --config.data.factor=4",
        ),
    ],
    ids=str,
)
def test_mistakes(changes, shape, message):
    with pytest.raises(UserError, match=message) as error:
        preprocess_of(shape, **changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("changes", [{"task": "edges"}, {"pair": "left_right"}, {"inputs": "ring"}])
def test_points_are_not_translated(changes):
    with pytest.raises(UserError, match="needs images, these data are points"):
        preprocess.make_preprocess(config_of(**changes), {"points": Field(lookup("points"), (2,))})


def test_the_largest_crop_and_the_smallest_jitter_are_allowed():
    assert preprocess_of((8, 12, 3), crop=8).shape == (8, 8, 3)
    assert preprocess_of((8, 12, 3), jitter=9).shape == (8, 12, 3)
