"""Augmentation of real and generated images alike, on their way to the discriminator.

Pure functions `(images, key, index, ...) -> images` on float32 [B, H, W, C] in [-1, 1], C = 1 or 3, H and W >= 2; a
result may lie beyond [-1, 1]. They are differentiable in the images any number of times, so that a generator learns
and a gradient penalty is taken through them. Every example draws for itself, see `noise.per_example`.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce

import chex
import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from gan_jax.errors import UserError
from gan_jax.noise import per_example

__all__ = ["diffaugment", "flip_and_shift", "ada"]

# DiffAugment and consistency regularisation.


def diffaugment(
    images: jax.Array, key: jax.Array, index: jax.Array, *, policy: str = "color,translation,cutout"
) -> jax.Array:
    """Random changes that a discriminator shall not learn from, always applied.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: of this call; another one for every call.
        index: int [B], each example's place in the global batch.
        policy: in order of application, separated by commas: "color" (brightness + U(-.5, .5), saturation * U(0, 2),
            contrast * U(.5, 1.5)), "translation" (by up to 1/8 of the size, padded with 0), "cutout" (0 in a rectangle
            of half the height and width).

    Returns:
        [B, H, W, C]

    Raises:
        UserError: see `parse_policy`.

    Reference: Zhao et al. 2020 (DiffAugment).
    """
    chex.assert_rank(images, 4)
    for number, name in enumerate(parse_policy(policy)):
        images = _POLICIES[name](images, jax.random.fold_in(key, number), index)
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
    """What consistency regularisation wants the discriminator to be blind to: a flip and a shift by a few pixels.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: of this call; another one for every call.
        index: int [B], each example's place in the global batch.
        flip: whether half of the images are mirrored, left to right (digits must not be).

    Returns:
        [B, H, W, C], shifted by up to 1/8 of the size, reflected at the border.

    Reference: Zhang et al. 2020 (CR-GAN).
    """
    chex.assert_rank(images, 4)
    flip_key, shift_key = jax.random.split(key)
    if flip:
        mirrored = per_example(partial(_happens, 0.5), flip_key, index, (1, 1, 1))
        images = jnp.where(mirrored, images[:, :, ::-1], images)
    return _shift(images, shift_key, index, mode="reflect")


def _happens(p: jax.Array, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return jax.random.bernoulli(key, p, shape)


def _color(images: jax.Array, key: jax.Array, index: jax.Array) -> jax.Array:
    draws = per_example(jax.random.uniform, key, index, (3, 1, 1, 1))
    brightness, saturation, contrast = jnp.unstack(draws, axis=1)
    images = images + brightness - 0.5
    images = _spread(images, 2 * saturation, axis=-1)
    return _spread(images, contrast + 0.5, axis=(1, 2, 3))


def _spread(x: jax.Array, factor: jax.Array, axis: int | tuple[int, ...]) -> jax.Array:
    """Scales the distances from the mean over `axis`."""
    mean = jnp.mean(x, axis, keepdims=True)
    return mean + factor * (x - mean)


def _shift(images: jax.Array, key: jax.Array, index: jax.Array, mode: str = "constant") -> jax.Array:
    """A random window of the padded images; `mode` as in `jnp.pad`."""
    _, h, w, c = images.shape
    margin = ((h + 4) // 8, (w + 4) // 8)  # an eighth, rounded
    padded = jnp.pad(images, [(0, 0), *[(m, m) for m in margin], (0, 0)], mode=mode)
    starts = per_example(partial(jax.random.randint, minval=0, maxval=2 * jnp.array(margin) + 1), key, index, (2,))
    return jax.vmap(lambda image, start: jax.lax.dynamic_slice(image, (*start, 0), (h, w, c)))(padded, starts)


def _cut(images: jax.Array, key: jax.Array, index: jax.Array) -> jax.Array:
    size = (jnp.array(images.shape[1:3]) + 1) // 2
    # An odd size is centred on a pixel, an even one between two, or at the border.
    count = jnp.array(images.shape[1:3]) + 1 - size % 2
    centre = per_example(partial(jax.random.randint, minval=0, maxval=count), key, index, (2,))
    return _erase(images, centre - (1 - size % 2) / 2, size)


def _erase(images: jax.Array, centre: jax.Array, size: jax.Array) -> jax.Array:
    """0 in a rectangle; centre [B, 2] and size [2] or [B, 2] in pixels, rows first."""
    low, high = (centre - size / 2)[..., None], (centre + size / 2)[..., None]
    rows, columns = jnp.arange(images.shape[1]), jnp.arange(images.shape[2])
    rows, columns = [(low[:, i] < x) & (x < high[:, i]) for i, x in enumerate((rows, columns))]
    return jnp.where(rows[:, :, None, None] & columns[:, None, :, None], 0.0, images)


_POLICIES = {"color": _color, "translation": _shift, "cutout": _cut}

# Adaptive discriminator augmentation.


def ada(images: jax.Array, key: jax.Array, index: jax.Array, p: jax.Array, *, pipe: str = "bgc") -> jax.Array:
    """Random changes, each applied to each image with probability p; up to p = 0.8 or so a generator does not learn them.

    The paper resamples through a wavelet filter (sym6) at twice the resolution; this is plain bilinear interpolation,
    reflected at the border: faster, a little softer, and exact where whole pixels move. Its filter bank ("f") is left
    out. One channel is changed as grey is among three.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: of this call; another one for every call.
        index: int [B], each example's place in the global batch.
        p: scalar in [0, 1]; at 0 the images come back exactly as they are.
        pipe: which groups: "b" pixel blitting (flip, quarter turns, shift), "g" general geometry (scale, rotation,
            stretch, subpixel shift), "c" colour (brightness, contrast, luma flip, hue, saturation), "n" noise, "o"
            cutout. They act in this order. An image that is not square takes half turns only.

    Returns:
        [B, H, W, C]

    Raises:
        UserError: see `parse_pipe`.

    Reference: Karras et al. 2020 (ADA), appendix B.
    """
    chex.assert_rank(images, 4)
    groups, size, channels = parse_pipe(pipe), images.shape[1:3], images.shape[3]
    geometry_key, colour_key, noise_key, cutout_key = jax.random.split(key, 4)
    if {"b", "g"} & groups:
        moves = [*(_blits(p, size) if "b" in groups else ()), *(_geometry(p, size) if "g" in groups else ())]
        images = _resample(images, per_example(partial(_product, moves), geometry_key, index))
    if "c" in groups:
        images = _recolour(images, per_example(partial(_product, _colours(p, channels)), colour_key, index))
    if "n" in groups:
        images = images + per_example(partial(_noise, p), noise_key, index, images.shape[1:])
    if "o" in groups:
        happens_key, centre_key = jax.random.split(cutout_key)
        happens = per_example(partial(_happens, p), happens_key, index, (1,))
        centre = per_example(jax.random.uniform, centre_key, index, (2,))
        images = _erase(images, centre * jnp.array(size) - 0.5, happens * jnp.array(size) / 2)
    return images


def parse_pipe(pipe: str) -> set[str]:
    """The groups in a pipe of `ada`.

    Raises:
        UserError: one is unknown, or there is none.
    """
    if not pipe or not set(pipe) <= set("bgcno"):
        raise UserError(f"pipe={pipe!r} of ada must be some of the letters b, g, c, n and o, such as 'bgc'")
    return set(pipe)


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
    """Moves p up where the discriminator is too sure of real images (r_t > target), down where it is not.

    Args:
        state: of `ada_init`; mean states of several devices are a state.
        real_logits: [B] of this turn, or this device's part of it; above 0 the discriminator says "real".
        batch_size: of the turn, over all devices.
        target: for r_t = E[sign(real_logits)], in (-1, 1).
        interval: turns between two moves of p.
        speed_kimg: thousands of images in which p can go from 0 to 1.

    Returns:
        The new state; its p never leaves [0, 1].

    Reference: Karras et al. 2020 (ADA), section 3, eq. 1.
    """
    chex.assert_rank(real_logits, 1)
    # Several devices have their states averaged after each turn, and a mean of signs of r_t would not be the sign of
    # the mean r_t. So p moves one turn later, by sums that have been averaged; what this turn adds is linear.
    full = state["turns"] >= interval
    direction = jnp.sign(state["signs"] - target * state["turns"])
    move = direction * batch_size * interval / (1000 * speed_kimg)
    return {
        "p": jnp.clip(state["p"] + jnp.where(full, move, 0), 0, 1),
        "signs": jnp.where(full, 0, state["signs"]) + jnp.mean(jnp.sign(real_logits.astype(jnp.float32))),
        "turns": jnp.where(full, 0, state["turns"]) + 1,
    }


# A matrix made of two uniform numbers in [0, 1) and two normal ones, and the probability with which it is used.
Move = tuple[Callable[[jax.Array, jax.Array], jax.Array], jax.Array]


def _product(moves: Sequence[Move], key: jax.Array, _) -> jax.Array:
    """The product of the moves' matrices, in order, each replaced by the identity if it does not happen."""
    happens_key, uniform_key, normal_key = jax.random.split(key, 3)
    makers, p = zip(*moves, strict=True)
    happens = jax.random.bernoulli(happens_key, jnp.stack(p))
    uniform = jax.random.uniform(uniform_key, (len(moves), 2))
    normal = jax.random.normal(normal_key, (len(moves), 2))
    matrices = jnp.stack([make(*draws) for make, *draws in zip(makers, uniform, normal, strict=True)])
    matrices = jnp.where(happens[:, None, None], matrices, jnp.eye(matrices.shape[-1]))
    return reduce(partial(jnp.matmul, precision="highest"), matrices)


# Geometry: a matrix takes a place (row, column, 1) in the result, in pixels from the centre, to its source. That is the
# inverse of the paper's move, and as likely as the move itself. So the first move to be applied stands on the left.


def _blits(p: jax.Array, size: tuple[int, int]) -> list[Move]:
    step = jnp.pi / 2 if size[0] == size[1] else jnp.pi
    return [
        (lambda u, n: _scale(1, jnp.where(u[0] < 0.5, -1, 1)), p),
        (lambda u, n: jnp.round(_rotate(step * jnp.floor(4 * u[0]))), p),
        (lambda u, n: _translate(jnp.round(jnp.array(size) * (u - 0.5) / 4)), p),
    ]


def _geometry(p: jax.Array, size: tuple[int, int]) -> list[Move]:
    turn = (lambda u, n: _rotate(2 * jnp.pi * u[0]), 1 - jnp.sqrt(1 - p))  # at least one of two with probability p
    return [
        (lambda u, n: _scale(jnp.exp2(0.2 * n[0]), jnp.exp2(0.2 * n[0])), p),
        turn,
        (lambda u, n: _scale(jnp.exp2(-0.2 * n[0]), jnp.exp2(0.2 * n[0])), p),
        turn,
        (lambda u, n: _translate(0.125 * jnp.array(size) * n), p),
    ]


def _scale(rows: jax.Array, columns: jax.Array) -> jax.Array:
    return jnp.diag(jnp.array([rows, columns, 1], jnp.float32))


def _rotate(angle: jax.Array) -> jax.Array:
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    return jnp.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def _translate(by: jax.Array) -> jax.Array:
    return jnp.eye(3).at[:2, 2].set(by)


def _resample(images: jax.Array, sources: jax.Array) -> jax.Array:
    """Bilinear interpolation where the matrices [B, 3, 3] say, the images reflected at the centres of border pixels."""
    size = images.shape[1:3]
    centre = (jnp.array(size)[:, None, None] - 1) / 2
    places = jnp.indices(size) - centre
    places = jnp.einsum("bij,jhw->bihw", sources[:, :2, :2], places, precision="highest")
    places = places + sources[:, :2, 2, None, None] + centre
    sample = lambda image, place: map_coordinates(image, list(place), order=1, mode="mirror")
    return jax.vmap(jax.vmap(sample, (-1, None), -1))(images, places)


# Colour: a matrix multiplies a pixel (channels, 1), a row, from the right.


def _colours(p: jax.Array, channels: int) -> list[Move]:
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


def _recolour(images: jax.Array, matrices: jax.Array) -> jax.Array:
    turned = jnp.einsum("bhwc,bcd->bhwd", images, matrices[:, :-1, :-1], precision="highest")
    return turned + matrices[:, None, None, -1, :-1]


def _noise(p: jax.Array, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Normal noise of strength |N(0, 0.1^2)|, or 0."""
    happens_key, strength_key, noise_key = jax.random.split(key, 3)
    strength = 0.1 * jnp.abs(jax.random.normal(strength_key)) * jax.random.bernoulli(happens_key, p)
    return strength * jax.random.normal(noise_key, shape)
