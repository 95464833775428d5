"""Augmentations against NumPy, their distributions, their gradients."""

from collections import Counter
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation

from gan_jax import augment
from gan_jax.errors import UserError

SQUARE, WIDE = (8, 8, 3), (5, 9, 1)
SHAPES = pytest.mark.parametrize("shape", [SQUARE, WIDE], ids=str)
KEY, INDEX = jax.random.key(0), jnp.arange(6)
compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})  # three times as fast to compile
ADA = {pipe: compiled(partial(augment.ada, pipe=pipe)) for pipe in ("b", "g", "c", "n", "o", "bgcno")}
CHANGES = {
    "diffaugment": augment.diffaugment,
    "affine": partial(augment.diffaugment, policy="affine"),
    "flip_and_shift": augment.flip_and_shift,
    "ada": partial(augment.ada, p=0.7, pipe="bgcno"),
}
COMPILED = {name: compiled(change) for name, change in CHANGES.items()}
resample = compiled(augment._resample)
EVERY = pytest.mark.parametrize("name", CHANGES)


def images_of(shape, n=6, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, *shape)).astype(np.float32)


def many(shape, n, change):
    """One image, changed in n ways."""
    image = images_of(shape, 1)
    return image[0], np.asarray(change(np.repeat(image, n, axis=0), KEY, jnp.arange(n)))


def window(image, y, x, mode):
    padded = np.pad(image, [(1, 1), (1, 1), (0, 0)], mode)
    return padded[1 + y : 1 + y + image.shape[0], 1 + x : 1 + x + image.shape[1]]


def shifts(image, mode, up=(-1, 0, 1)):
    return [window(image, y, x, mode) for y in up for x in (-1, 0, 1)]


def count(changed, candidates):
    """How often each candidate occurs; nothing else does."""
    found = Counter()
    for image in changed:
        same = [i for i, candidate in enumerate(candidates) if np.array_equal(image, candidate)]
        assert len(same) == 1
        found[same[0]] += 1
    return np.array([found[i] for i in range(len(candidates))])


def assert_even(counts):
    expected = counts.sum() / len(counts)
    assert np.sum((counts - expected) ** 2 / expected) < 2 * len(counts)  # chi squared


# What holds for all.


@EVERY
def test_draws_do_not_depend_on_how_the_batch_is_split(name):
    images = images_of(SQUARE)
    change = COMPILED[name]
    whole = change(images, KEY, INDEX)
    parts = [change(images[i : i + 3], KEY, INDEX[i : i + 3]) for i in (0, 3)]
    np.testing.assert_allclose(whole, jnp.concatenate(parts), atol=1e-5)


@EVERY
def test_every_image_and_every_key_has_its_own_change(name):
    images = np.repeat(images_of(SQUARE, 1), 6, axis=0)
    changed = np.concatenate([COMPILED[name](images, jax.random.key(i), INDEX) for i in (1, 2)])
    assert len(np.unique(changed, axis=0)) > 6


@SHAPES
@EVERY
def test_gradient(name, shape):
    """All are affine in the images, so a difference of any size is a derivative."""
    images, step, cotangent = images_of(shape), images_of(shape, seed=1), images_of(shape, seed=2)

    @compiled
    def both(x):
        y, transpose = jax.vjp(lambda x: CHANGES[name](x, KEY, INDEX), x)
        return y, transpose(cotangent)[0]

    changed, gradient = both(images)
    expected = np.sum(cotangent * (both(images + step)[0] - changed), axis=(1, 2, 3))
    np.testing.assert_allclose(np.sum(gradient * step, axis=(1, 2, 3)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["diffaugment", "ada"])
def test_gradient_penalty_through_it(name):
    """Of A x + b under the critic |.|^2 / 2, r1 is |A'(A x + b)|^2 / 2 and its own gradient A' A A'(A x + b)."""
    change = {"diffaugment": augment.diffaugment, "ada": partial(augment.ada, p=0.9, pipe="g")}[name]
    apply = lambda x: change(x, KEY, INDEX)
    r1 = lambda x: jnp.sum(jax.grad(lambda x: jnp.sum(apply(x) ** 2) / 2)(x) ** 2) / 2

    @compiled
    def both(x):
        y, transpose = jax.vjp(apply, x)
        (first,) = transpose(y)
        (second,) = transpose(apply(first) - apply(jnp.zeros_like(first)))
        return (jnp.sum(first**2) / 2, second), jax.value_and_grad(r1)(x)

    expected, actual = both(images_of(SQUARE))
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-4, atol=1e-4)


# DiffAugment and consistency regularization.


def test_color():
    x, uniform = images_of((4, 6, 3)), np.random.default_rng(1).uniform(size=(6, 3)).astype(np.float32)
    for image, (u, v, w), result in zip(x, uniform, augment._color(x, uniform), strict=True):
        bright = image + (u - 0.5)
        gray = bright.mean(axis=2, keepdims=True)
        saturated = gray + 2 * v * (bright - gray)
        expected = saturated.mean() + (w + 0.5) * (saturated - saturated.mean())
        np.testing.assert_allclose(result, expected, atol=1e-5)


def test_ranges_of_color():
    image, changed = many((4, 6, 3), 900, compiled(partial(augment.diffaugment, policy="color")))
    gray = lambda x: x.mean(axis=-1, keepdims=True)
    slope = lambda y, x: np.sum(y * x, axis=(1, 2, 3)) / np.sum(x**2)
    brightness = changed.mean(axis=(1, 2, 3)) - image.mean()
    contrast = slope(gray(changed), gray(image) - image.mean())
    saturation = slope(changed, image - gray(image)) / contrast
    for values, low, high in ((brightness, -0.5, 0.5), (saturation, 0, 2), (contrast, 0.5, 1.5)):
        np.testing.assert_allclose(np.quantile(values, [0, 0.5, 1]), [low, (low + high) / 2, high], atol=0.1)
    assert np.all(np.abs(np.corrcoef([brightness, saturation, contrast])[np.triu_indices(3, 1)]) < 0.1)


@SHAPES
def test_translation(shape):
    image, changed = many(shape, 900, compiled(partial(augment.diffaugment, policy="translation")))
    assert_even(count(changed, shifts(image, "constant")))


@SHAPES
def test_cutout(shape):
    image, changed = many(shape, 900, compiled(partial(augment.diffaugment, policy="cutout")))

    def holes(side):
        size = (side + 1) // 2
        return [slice(max(0, o - size // 2), o - size // 2 + size) for o in range(side + 1 - size % 2)]

    candidates = []
    for rows in holes(shape[0]):
        for columns in holes(shape[1]):
            candidates.append(image.copy())
            candidates[-1][rows, columns] = 0
    assert_even(count(changed, candidates))


@SHAPES
def test_affine(shape):
    """A place in the result, from the center, is scaled, turned and moved to its source, and nothing at all by 1/2."""
    image, u = images_of(shape, 1)[0], np.random.default_rng(3).uniform(size=(3, 5)).astype(np.float32)
    u[2] = 0.5
    result = compiled(augment._affine)(np.stack([image] * 3), u)
    for changed, (y, x, turn, height, width) in zip(result, 2 * u - 1, strict=True):
        sine, cosine = np.sin(turn * np.pi / 12), np.cos(turn * np.pi / 12)
        matrix = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag(np.exp([0.15 * height, 0.15 * width]))
        center, sides = (np.array(shape[:2]) - 1) / 2, np.array(shape[:2])
        offset = center + 0.1 * sides * [y, x] - matrix @ center
        channels = [affine_transform(c, matrix, offset, order=1, mode="mirror") for c in image.transpose(2, 0, 1)]
        np.testing.assert_allclose(changed, np.stack(channels, axis=-1), atol=1e-4)
    np.testing.assert_allclose(result[2], image, atol=1e-5)


@SHAPES
@pytest.mark.parametrize("flip", [True, False])
def test_flip_and_shift(shape, flip):
    image, changed = many(shape, 900, compiled(partial(augment.flip_and_shift, flip=flip)))
    images = image, image[:, ::-1]
    up = (-1, 0, 1) if shape[0] >= 8 else (0,)  # an eighth, rounded down
    assert_even(count(changed, [x for flipped in images[: 1 + flip] for x in shifts(flipped, "reflect", up)]))


def test_policies_are_applied_in_order():
    change = lambda policy: compiled(partial(augment.diffaugment, policy=policy))(images_of(SQUARE), KEY, INDEX)
    blank = lambda policy: np.sum(change(policy) == 0)
    assert blank("color,cutout") > 0
    assert blank("cutout,color") == 0


@pytest.mark.parametrize("policy", ["", "colors", "color, cutout", "color,"])
def test_unknown_policy(policy):
    with pytest.raises(UserError, match="must list some of color, translation, cutout"):
        augment.parse_policy(policy)


# ADA's images.


@SHAPES
def test_ada_at_0_is_the_identity(shape):
    images = images_of(shape)
    np.testing.assert_array_equal(ADA["bgcno"](images, KEY, INDEX, jnp.float32(0)), images)
    assert np.all(np.any(ADA["bgcno"](images, KEY, INDEX, jnp.float32(1)) != images, axis=(1, 2, 3)))


def test_p_is_traced():
    traces = []

    @jax.jit
    def apply(p):
        traces.append(p)
        return augment.ada(images_of(SQUARE), KEY, INDEX, p, pipe="o")

    assert np.any(apply(0.0) != apply(1.0))
    assert len(traces) == 1


@SHAPES
def test_blits_move_whole_pixels(shape):
    image, changed = many(shape, 1000, partial(ADA["b"], p=jnp.float32(1)))
    flips = [image, image[:, ::-1]]
    turns = [np.rot90(flip, k) for flip in flips for k in ((0, 1, 2, 3) if shape == SQUARE else (0, 2))]
    counts = count(changed, [shift for turn in turns for shift in shifts(turn, "reflect")])
    assert_even(counts.reshape(len(turns), 9).sum(axis=1))


def test_identity_turn_and_symmetry():
    images = images_of(SQUARE)
    tiled = lambda matrix: np.tile(matrix, (6, 1, 1))
    np.testing.assert_array_equal(resample(images, tiled(np.eye(3, dtype=np.float32))), images)
    quarter = resample(images, tiled(augment._rotate(np.pi / 2)))
    np.testing.assert_allclose(quarter, np.rot90(images, -1, axes=(1, 2)), atol=1e-5)
    symmetric = images + images[:, :, ::-1]
    np.testing.assert_array_equal(resample(symmetric, tiled(augment._scale(1, -1))), symmetric)


def draws_of(n, moves, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(size=(n, moves, 3)).astype(np.float32), rng.normal(size=(n, moves, 2)).astype(np.float32)


@SHAPES
def test_geometry_against_scipy(shape):
    images, center = images_of(shape), (np.array(shape[:2]) - 1) / 2
    product = partial(augment._product, augment._geometry(0.9, shape[:2]))
    matrices = np.asarray(compiled(jax.vmap(product))(*draws_of(6, 5)))
    for image, matrix, result in zip(images, matrices, resample(images, matrices), strict=True):
        offset = center + matrix[:2, 2] - matrix[:2, :2] @ center
        for c in range(shape[2]):
            expected = affine_transform(image[..., c], matrix[:2, :2], offset, order=1, mode="mirror")
            np.testing.assert_allclose(result[..., c], expected, atol=2e-5)


def test_geometry_draws():
    u, n = draws_of(4000, 2)
    moves = augment._geometry(0.5, (10, 20))
    scale, rotation, stretch, _, shift = [np.asarray(jax.vmap(make)(u[:, 0], n[:, 0])) for make, _ in moves]
    np.testing.assert_allclose(np.linalg.det(scale), scale[:, 0, 0] ** 2, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.det(stretch), 1, rtol=1e-5)
    angle = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    np.testing.assert_allclose(np.quantile(angle, [0, 0.5, 1]), [-np.pi, 0, np.pi], atol=0.1)
    assert np.std(np.log2(scale[:, 0, 0])) == pytest.approx(0.2, rel=0.05)
    assert np.std(np.log2(stretch[:, 0, 0])) == pytest.approx(0.2, rel=0.05)
    np.testing.assert_allclose(np.std(shift[:, :2, 2], axis=0), [1.25, 2.5], rtol=0.05)


def test_colors_against_the_paper():
    """Its 4x4 matrices act on columns, ours on rows."""
    v = np.array([1, 1, 1, 0]) / np.sqrt(3)
    luma, one = np.outer(v, v), np.eye(4)
    tints = compiled(lambda u, n: [make(u, n) for make, _ in augment._colors(0.5, 3)])
    for u, n in zip([0.1, 0.3, 0.6, 0.9], [-1.5, -0.2, 0.4, 2.0], strict=True):
        brightness, hue = one.copy(), one.copy()
        brightness[:3, 3] = 0.2 * n
        contrast = np.diag([2 ** (0.5 * n)] * 3 + [1])
        flip = one - 2 * luma * (u < 0.5)
        hue[:3, :3] = Rotation.from_rotvec(2 * np.pi * u * v[:3]).as_matrix()
        saturation = luma + (one - luma) * 2**n
        saturation[3, 3] = 1  # the last row is not used
        matrices = tints(np.full(2, u, np.float32), np.full(2, n, np.float32))
        for matrix, expected in zip(matrices, (brightness, contrast, flip, hue, saturation), strict=True):
            np.testing.assert_allclose(matrix.T, expected, atol=1e-5)


def test_colors_of_one_channel_are_those_of_gray():
    gray = images_of((8, 8, 1))
    three = ADA["c"](np.repeat(gray, 3, axis=-1), KEY, INDEX, jnp.float32(0.8))
    one = ADA["c"](gray, KEY, INDEX, jnp.float32(0.8))
    np.testing.assert_allclose(three, np.repeat(one, 3, axis=-1), atol=1e-5)


def test_each_move_happens_with_its_probability():
    """Each is replaced by a shift of its own size, so that the product tells which ones happened."""
    p = 0.3
    moves = augment._blits(p, (8, 8)) + augment._geometry(p, (8, 8)) + augment._colors(p, 3)
    rates = np.array([rate for _, rate in moves])
    np.testing.assert_allclose(rates, [p] * 4 + [1 - 0.7**0.5, p, 1 - 0.7**0.5] + [p] * 6, rtol=1e-5)
    marks = [(lambda u, n, i=i: augment._translate(jnp.array([2.0**i, 0])), rate) for i, rate in enumerate(rates)]
    product = compiled(jax.vmap(partial(augment._product, marks)))(*draws_of(4000, len(moves)))
    happened = np.asarray(product[:, 0, 2], int)[:, None] >> np.arange(len(moves)) & 1
    np.testing.assert_allclose(happened.mean(axis=0), rates, atol=0.03)
    assert np.all(np.abs(np.corrcoef(happened.T)[np.triu_indices(len(moves), 1)]) < 0.07)


@pytest.mark.parametrize(("pipe", "rate"), [("b", 1 - 0.8 * 0.7 * 0.7), ("g", 1 - 0.6**4), ("n", 0.4), ("o", 0.4)])
def test_share_of_changed_images(pipe, rate):
    """A flip is none half the time, a turn and a shift of 8x8 pixels a quarter of the time; of "g" four can happen."""
    image, changed = many(SQUARE, 1000, partial(ADA[pipe], p=jnp.float32(0.4)))
    assert np.mean(np.any(changed != image, axis=(1, 2, 3))) == pytest.approx(rate, abs=0.05)


def test_noise():
    image, changed = many(SQUARE, 1000, partial(ADA["n"], p=jnp.float32(1)))
    assert np.std(changed - image) == pytest.approx(0.1, rel=0.05)


def test_hole():
    _, changed = many(SQUARE, 1000, partial(ADA["o"], p=jnp.float32(1)))
    hole = np.all(changed == 0, axis=-1)
    assert set(hole.any(axis=2).sum(axis=1)) == {2, 3, 4}
    assert np.mean(hole[:, 3:5, 3:5]) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("pipe", ["", "bgcf", "blit", "b,g"])
def test_unknown_pipe(pipe):
    with pytest.raises(UserError, match="must be some of the letters b, g, c, n, o"):
        augment.parse_pipe(pipe)
