"""Augmentation of real and generated images alike, on their way to the discriminator.

Pure functions `(images, key, index, ...) -> images` on float32 [B, H, W, C] in [-1, 1], C = 1 or 3, H and W >= 2; a
result may lie beyond [-1, 1]. They are differentiable in the images any number of times, so that a generator learns
and a gradient penalty is taken through them. Every example draws for itself, see `noise.per_example`, and all its
numbers at once: each draw takes its time to compile.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce

import chex
import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from gan_jax.errors import UserError
from gan_jax.noise import per_example
from gan_jax.preprocess import flipped

__all__ = ["diffaugment", "flip_and_shift", "ada"]

# DiffAugment and consistency regularization.


def diffaugment(
    images: jax.Array, key: jax.Array, index: jax.Array, *, policy: str = "color,translation,cutout"
) -> jax.Array:
    """Random changes of every image.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: of this call; another one for every call.
        index: int [B], each example's place in the global batch.
        policy: in order of application, separated by commas: "color" (brightness + U(-.5, .5), saturation * U(0, 2),
            contrast * U(.5, 1.5)), "translation" (by up to 1/8 of the size, padded with 0), "cutout" (0 in a rectangle
            of half the height and width); and, for digits and other drawings, "affine" (turned by up to 15
            degrees, height and width each scaled by up to e^.15, moved by up to 1/10, reflected at the border).

    Returns:
        [B, H, W, C]

    Raises:
        UserError: see `parse_policy`.

    Reference: Zhao et al. 2020 (DiffAugment); "affine" is ours.
    """
    chex.assert_rank(images, 4)
    names = parse_policy(policy)
    uniform = per_example(jax.random.uniform, key, index, (len(names), 5))
    for number, name in enumerate(names):
        images = _POLICIES[name](images, uniform[:, number])
    return images


def parse_policy(policy: str) -> tuple[str, ...]:
    """The names in a policy of `diffaugment`.

    Raises:
        UserError: one is unknown.
    """
    names = tuple(policy.split(","))
    if not set(names) <= set(_POLICIES):
        raise UserError(f"policy={policy!r} of diffaugment must list some of {', '.join(_POLICIES)}, without spaces")
    return names


def flip_and_shift(images: jax.Array, key: jax.Array, index: jax.Array, *, flip: bool = True) -> jax.Array:
    """What consistency regularization wants the discriminator to be blind to: a flip and a shift by a few pixels.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: of this call; another one for every call.
        index: int [B], each example's place in the global batch.
        flip: whether half of the images are mirrored, left to right (digits must not be).

    Returns:
        [B, H, W, C], shifted by up to 1/8 of the size, rounded down, reflected at the border.

    Reference: Zhang et al. 2020 (CR-GAN), as StudioGAN has it.
    """
    chex.assert_rank(images, 4)
    uniform = per_example(jax.random.uniform, key, index, (3,))
    if flip:
        images = flipped(images, uniform[:, 2])
    return _shift(images, uniform, [side // 8 for side in images.shape[1:3]], mode="reflect")


# Each is made of numbers [B, 5] in [0, 1), or some of them.


def _color(images: jax.Array, uniform: jax.Array) -> jax.Array:
    brightness, saturation, contrast = uniform[:, :3].T[..., None, None, None]
    images = images + brightness - 0.5
    images = _spread(images, 2 * saturation, axis=-1)
    return _spread(images, contrast + 0.5, axis=(1, 2, 3))


def _translate(images: jax.Array, uniform: jax.Array) -> jax.Array:
    return _shift(images, uniform, [(side + 4) // 8 for side in images.shape[1:3]])  # an eighth, rounded


def _shift(images: jax.Array, uniform: jax.Array, margin: Sequence[int], mode: str = "constant") -> jax.Array:
    """A window of the images, padded by `margin`; `mode` as in `jnp.pad`."""
    _, h, w, c = images.shape
    padded = jnp.pad(images, [(0, 0), *[(m, m) for m in margin], (0, 0)], mode=mode)
    starts = _integers(uniform[:, :2], 2 * jnp.array(margin) + 1)
    return jax.vmap(lambda image, start: jax.lax.dynamic_slice(image, (*start, 0), (h, w, c)))(padded, starts)


def _cut(images: jax.Array, uniform: jax.Array) -> jax.Array:
    sides = jnp.array(images.shape[1:3])
    holes = (sides + 1) // 2
    even = 1 - holes % 2
    # The center of an odd hole is a pixel, that of an even one lies between two, or on the border.
    return _erase(images, _integers(uniform[:, :2], sides + even) - even / 2, holes)


def _integers(uniform: jax.Array, below: jax.Array) -> jax.Array:
    """Numbers in [0, 1) -> as likely each of 0, ..., below - 1."""
    return jnp.floor(uniform * below).astype(jnp.int32)


def _spread(x: jax.Array, factor: jax.Array, axis: int | tuple[int, ...]) -> jax.Array:
    """Scales the distances from the mean over `axis`."""
    mean = jnp.mean(x, axis, keepdims=True)
    return mean + factor * (x - mean)


def _erase(images: jax.Array, center: jax.Array, sides: jax.Array) -> jax.Array:
    """0 in rectangles; center [B, 2] and sides [2] or [B, 2] in pixels, (rows, columns)."""
    low, high = (center - sides / 2)[..., None], (center + sides / 2)[..., None]
    rows, columns = [(low[:, i] < x) & (x < high[:, i]) for i, x in enumerate(map(jnp.arange, images.shape[1:3]))]
    return jnp.where(rows[:, :, None, None] & columns[:, None, :, None], 0.0, images)


def _affine(images: jax.Array, uniform: jax.Array) -> jax.Array:
    sides = jnp.array(images.shape[1:3])

    def source(u):
        move, turn, scale = _translate(0.1 * sides * u[:2]), _rotate(jnp.deg2rad(15) * u[2]), jnp.exp(0.15 * u[3:])
        return jnp.linalg.multi_dot([move, turn, _scale(*scale)], precision="highest")

    return _resample(images, jax.vmap(source)(2 * uniform - 1))


_POLICIES = {"color": _color, "translation": _translate, "cutout": _cut, "affine": _affine}

# Adaptive discriminator augmentation.


def ada(images: jax.Array, key: jax.Array, index: jax.Array, p: jax.Array, *, pipe: str = "bgc") -> jax.Array:
    """Random changes, each made to each image with probability p; up to p = 0.8 or so a generator does not learn them.

    The paper resamples through a wavelet filter (sym6) at twice the resolution; this is plain bilinear interpolation,
    reflected at the border: faster, a little softer, and exact where whole pixels move. Its filter bank ("f") is left
    out. One channel is changed as gray is among three.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: of this call; another one for every call.
        index: int [B], each example's place in the global batch.
        p: scalar in [0, 1]; at 0 the images come back exactly as they are.
        pipe: which groups: "b" pixel blitting (flip, quarter turns, shift), "g" general geometry (scale, rotation,
            stretch, subpixel shift), "c" color (brightness, contrast, luma flip, hue, saturation), "n" noise, "o"
            cutout. They act in this order. An image that is not square takes half turns only.

    Returns:
        [B, H, W, C]

    Raises:
        UserError: see `parse_pipe`.

    Reference: Karras et al. 2020 (ADA), appendix B.
    """
    chex.assert_rank(images, 4)
    sides, groups = images.shape[1:3], parse_pipe(pipe)
    p_blits, p_geometry, p_colors, p_noise, p_cutout = [p if group in groups else 0.0 for group in _GROUPS]
    moves = _blits(p_blits, sides) + _geometry(p_geometry, sides)
    tints = _colors(p_colors, images.shape[3])
    m, n = len(moves), len(moves) + len(tints)

    uniform_key, normal_key, noise_key = jax.random.split(key, 3)
    uniform = per_example(jax.random.uniform, uniform_key, index, (n + 2, 3))
    normal = per_example(jax.random.normal, normal_key, index, (n + 2, 2))
    if groups & {"b", "g"}:
        images = _resample(images, jax.vmap(partial(_product, moves))(uniform[:, :m], normal[:, :m]))
    if "c" in groups:
        images = _recolor(images, jax.vmap(partial(_product, tints))(uniform[:, m:n], normal[:, m:n]))
    if "n" in groups:
        strength = jnp.where(uniform[:, n, 0] < p_noise, 0.1 * jnp.abs(normal[:, n, 0]), 0)
        grain = per_example(jax.random.normal, noise_key, index, images.shape[1:])
        images = images + strength[:, None, None, None] * grain
    if "o" in groups:
        holes = jnp.where(uniform[:, -1, :1] < p_cutout, jnp.array(sides) / 2, 0)
        images = _erase(images, uniform[:, -1, 1:] * jnp.array(sides) - 0.5, holes)
    return images


def parse_pipe(pipe: str) -> set[str]:
    """The groups in a pipe of `ada`.

    Raises:
        UserError: one is unknown, or there is none.
    """
    if not pipe or not set(pipe) <= set(_GROUPS):
        raise UserError(f"pipe={pipe!r} of ada must be some of the letters {', '.join(_GROUPS)}, such as 'bgc'")
    return set(pipe)


_GROUPS = "bgcno"


def ada_init() -> dict[str, jax.Array]:
    """The state of ADA's control, float32 scalars: p and, since it last moved, the sum of mean signs over turns."""
    return {name: jnp.zeros(()) for name in ("p", "signs", "turns")}


def ada_update(
    state: dict[str, jax.Array],
    real_logits: jax.Array,
    *,
    batch_size: int,
    target: float = 0.6,
    interval: int = 4,
    speed_kimg: float = 500.0,
) -> dict[str, jax.Array]:
    """Moves p up where the discriminator is too confident about real images (r_t > target), down where it is not.

    Args:
        state: of `ada_init`; the mean of several devices' states is a state.
        real_logits: [B] of this turn, or this device's part of it; above 0 the discriminator says "real".
        batch_size: of the turn, over all devices.
        target: for r_t = E[sign(real_logits)], in (-1, 1).
        interval: turns between two moves of p.
        speed_kimg: thousands of images in which p can go from 0 to 1.

    Returns:
        The new state; its p never leaves [0, 1].

    Reference: Karras et al. 2020 (ADA), section 3, eq. 1. In the authors' code p moves a turn earlier, and may exceed
    1.
    """
    chex.assert_rank(real_logits, 1)
    # Several devices have their states averaged after each turn, and a mean of their directions would not be the
    # direction of the mean. So p moves at the next turn, by averaged sums; what a turn adds to the sums is linear.
    full = state["turns"] >= interval
    direction = jnp.sign(state["signs"] - target * state["turns"])
    move = direction * batch_size * interval / (1000 * speed_kimg)
    return {
        "p": jnp.clip(state["p"] + jnp.where(full, move, 0), 0, 1),
        "signs": jnp.where(full, 0, state["signs"]) + jnp.mean(jnp.sign(real_logits.astype(jnp.float32))),
        "turns": jnp.where(full, 0, state["turns"]) + 1,
    }


# A matrix made of two numbers u in [0, 1) and two normal ones n, and the probability with which it is used.
Move = tuple[Callable[[jax.Array, jax.Array], jax.Array], jax.Array]


def _product(moves: Sequence[Move], uniform: jax.Array, normal: jax.Array) -> jax.Array:
    """The product of the moves' matrices, in order, those left out that do not happen.

    Args:
        moves: M of them.
        uniform: [M, 3] in [0, 1); the first decides whether the move happens.
        normal: [M, 2].
    """
    factors = []
    for (matrix, p), u, n in zip(moves, uniform, normal, strict=True):
        matrix = matrix(u[1:], n)
        factors.append(jnp.where(u[0] < p, matrix, jnp.eye(len(matrix))))
    return reduce(partial(jnp.matmul, precision="highest"), factors)


# Geometry: a matrix takes a place (row, column, 1) in the result, in pixels from the center, to its source. That is the
# inverse of the paper's move, and as likely as the move itself; in a product the first move stands on the left.


def _blits(p: jax.Array, sides: tuple[int, int]) -> list[Move]:
    step = jnp.pi / 2 if sides[0] == sides[1] else jnp.pi
    return [
        (lambda u, n: _scale(1, jnp.where(u[0] < 0.5, -1, 1)), p),
        (lambda u, n: jnp.round(_rotate(step * _integers(u[0], 4))), p),
        (lambda u, n: _translate(jnp.round(jnp.array(sides) * (u - 0.5) / 4)), p),
    ]


def _geometry(p: jax.Array, sides: tuple[int, int]) -> list[Move]:
    once = 1 - jnp.sqrt(1 - p)  # at least one of two rotations happens with probability p
    rotation = (lambda u, n: _rotate(2 * jnp.pi * u[0]), once)
    return [
        (lambda u, n: _scale(jnp.exp2(0.2 * n[0]), jnp.exp2(0.2 * n[0])), p),
        rotation,
        (lambda u, n: _scale(jnp.exp2(-0.2 * n[0]), jnp.exp2(0.2 * n[0])), p),
        rotation,
        (lambda u, n: _translate(0.125 * jnp.array(sides) * n), p),
    ]


def _scale(rows: jax.Array, columns: jax.Array) -> jax.Array:
    return jnp.diag(jnp.array([rows, columns, 1], jnp.float32))


def _rotate(angle: jax.Array) -> jax.Array:
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    return jnp.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def _translate(by: jax.Array) -> jax.Array:
    return jnp.eye(3).at[:2, 2].set(by)


def _resample(images: jax.Array, sources: jax.Array) -> jax.Array:
    """Bilinear interpolation where the matrices [B, 3, 3] say, the images reflected at the centers of border pixels."""
    sides = images.shape[1:3]
    center = (jnp.array(sides)[:, None, None] - 1) / 2
    places = jnp.einsum("bij,jhw->bihw", sources[:, :2, :2], jnp.indices(sides) - center, precision="highest")
    places = places + sources[:, :2, 2, None, None] + center
    sample = lambda image, place: map_coordinates(image, list(place), order=1, mode="mirror")
    return jax.vmap(jax.vmap(sample, (-1, None), -1))(images, places)


# Color: a matrix multiplies a pixel (channels, 1), a row, from the right.


def _colors(p: jax.Array, channels: int) -> list[Move]:
    one = jnp.eye(channels + 1)
    pixel = one.at[-1, -1].set(0)
    luma = jnp.pad(jnp.full((channels, channels), 1 / channels), (0, 1))
    chroma = pixel - luma
    cycle = jnp.roll(jnp.eye(channels), 1, axis=1)
    quarter = jnp.pad((cycle - cycle.T) / jnp.sqrt(3), (0, 1))  # turns chroma by 90 degrees

    def hue(u, n):
        angle = 2 * jnp.pi * u[0]
        return one + (jnp.cos(angle) - 1) * chroma + jnp.sin(angle) * quarter

    return [
        (lambda u, n: one.at[-1, :-1].set(0.2 * n[0]), p),
        (lambda u, n: one + (jnp.exp2(0.5 * n[0]) - 1) * pixel, p),
        (lambda u, n: one - jnp.where(u[0] < 0.5, 2, 0) * luma, p),
        (hue, p),
        (lambda u, n: one + (jnp.exp2(n[0]) - 1) * chroma, p),
    ]


def _recolor(images: jax.Array, matrices: jax.Array) -> jax.Array:
    colors = jnp.einsum("bhwc,bcd->bhwd", images, matrices[:, :-1, :-1], precision="highest")
    return colors + matrices[:, None, None, -1, :-1]
