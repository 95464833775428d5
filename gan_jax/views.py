"""What a game that translates sees of a batch: targets and inputs in windows, flipped; inputs made of the targets.

Pure functions on float32 images [B, H, W, C] in [-1, 1], C = 1 or 3, inside the compiled round; no gradient is taken
through them. Every example draws for itself, see `noise.per_example`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.noise import per_example

Batch = dict[str, jax.Array]


class View(NamedTuple):
    """How a game looks at batches of "image", the target, "index" and, unless it is made of the image, "input".

    Attributes:
        shape: (H, W, C) of the targets that are trained on.
        input_shape: (H', W', C') of their inputs.
        train: `(batch, key) -> batch` with "image" [B, *shape] and "input" [B, *input_shape] in windows and flips drawn
            for this key.
        test: `batch -> batch` with whole images; what inputs take to be made is drawn for the example's index alone.
    """

    shape: tuple[int, int, int]
    input_shape: tuple[int, int, int]
    train: Callable[[Batch, jax.Array], Batch]
    test: Callable[[Batch], Batch]


def translates(config) -> bool:
    """Whether a config's `data` say what images are made from."""
    return config.pair != "none" or bool(config.inputs) or config.task != "none"


def refuse_inputs(config) -> None:
    """Raises UserError in a game that makes images of noise, if the data say what they are made from."""
    if translates(config.data):
        raise UserError("config.data.pair, .inputs and .task are for games that translate: pix2pix, cyclegan, srgan")


def make_view(config, image_shape: tuple[int, ...]) -> View:
    """The view that a config's `data` describe.

    Args:
        config: `task` and `factor`; `jitter`, `crop` and `flip`; `paired`: whether windows and flips are the same for
            an input and its target; `pair` and `inputs`, one of which is set if `task` is none.
        image_shape: (H, W, C) of the targets, and of inputs that are not made of them.

    Raises:
        UserError: there is nothing to translate, or what the config asks for does not fit the images.
    """
    if len(image_shape) != 3:
        raise UserError("a game that translates needs images, these data are points")
    if not translates(config):
        raise UserError(
            "this game translates images: say what they are made from with config.data.pair, config.data.inputs (a "
            "second set) or config.data.task"
        )
    _check(config, *image_shape)
    height, width, channels = image_shape
    shape = (config.crop or height, config.crop or width, channels)
    make = TASKS.get(config.task)
    if config.task == "superres":
        make = partial(superres, factor=config.factor)

    def look(images, key, index):
        """Windows and flips of several [B, H, W, C], the same for all of an example."""
        uniform = per_example(jax.random.uniform, key, index, (3,))
        if config.jitter:
            images = [_enlarge(x, config.jitter) for x in images]
        if config.jitter or config.crop:
            images = [_windows(x, uniform[:, :2], shape[:2]) for x in images]
        if config.flip:
            mirrored = uniform[:, 2, None, None, None] < 0.5
            images = [jnp.where(mirrored, x[:, :, ::-1], x) for x in images]
        return images

    def train(batch, key):
        image, index, (key, other) = batch["image"], batch["index"], jax.random.split(key)
        if make:
            (image,) = look([image], key, index)
            given = make(image, other, index)
        elif config.paired:
            given, image = look([batch["input"], image], key, index)
        else:
            (given,), (image,) = look([batch["input"]], other, index), look([image], key, index)
        return {**batch, "image": image, "input": given}

    def test(batch):
        given = make(batch["image"], jax.random.key(0), batch["index"]) if make else batch["input"]
        return {**batch, "input": given}

    input_shape = shape
    if make:
        like = jax.ShapeDtypeStruct((1, *shape), jnp.float32), jax.random.key(0), jnp.arange(1)
        input_shape = jax.eval_shape(make, *like).shape[1:]
    return View(shape, input_shape, train, test)


def _check(config, height: int, width: int, channels: int) -> None:
    """Raises UserError for what does not fit the images."""
    shorter, factor, crop, jitter = min(height, width), config.factor, config.crop, config.jitter
    if config.task != "none" and config.task not in TASKS:
        raise UserError(f"config.data.task={config.task!r}: must be none, {', '.join(TASKS)}")
    if config.task == "colorize" and channels != 3:
        raise UserError("config.data.task=colorize: needs images in colour, these are grey")
    if jitter and crop:
        raise UserError("config.data.jitter and config.data.crop each cut out windows: set one of them")
    if jitter and jitter <= shorter:
        raise UserError(f"config.data.jitter={jitter}: must be more than the images' shorter side, {shorter} pixels")
    if crop > shorter:
        raise UserError(f"config.data.crop={crop}: must be at most the images' shorter side, {shorter} pixels")
    if config.task == "superres":
        if factor not in (2, 4, 8):
            raise UserError(f"config.data.factor={factor}: must be 2, 4 or 8")
        if height % factor or width % factor:
            raise UserError(
                f"config.data.task=superres: images of {height}x{width} pixels cannot be reduced by "
                f"config.data.factor={factor}: set data.image_size to a multiple of {factor}"
            )
        if crop % factor:
            raise UserError(f"config.data.crop={crop}: must be a multiple of config.data.factor={factor}")


def _enlarge(images: jax.Array, shorter: int) -> jax.Array:
    """By bicubic interpolation, until the shorter side has so many pixels."""
    b, h, w, c = images.shape
    sides = [round(side * shorter / min(h, w)) for side in (h, w)]
    return jnp.clip(jax.image.resize(images, (b, *sides, c), "cubic"), -1, 1)


def _windows(images: jax.Array, uniform: jax.Array, sides: tuple[int, int]) -> jax.Array:
    """A window of each image, anywhere in it, by numbers [B, 2] in [0, 1)."""
    starts = _integers(uniform, 0, jnp.array(images.shape[1:3]) - jnp.array(sides))
    cut = lambda image, start: jax.lax.dynamic_slice(image, (*start, 0), (*sides, images.shape[3]))
    return jax.vmap(cut)(images, starts)


def _integers(uniform: jax.Array, low: jax.Array | int, high: jax.Array) -> jax.Array:
    """Numbers in [0, 1) -> as likely each of low, ..., high."""
    return low + jnp.floor(uniform * (high - low + 1)).astype(jnp.int32)


# What inputs are made by: `(images, key, index) -> inputs`, on the 256 levels of a file, as later inputs will be.


def colorize(images: jax.Array, key: jax.Array, index: jax.Array) -> jax.Array:
    """What is to be coloured: the luma.

    Args:
        images: [B, H, W, 3] in [-1, 1].
        key: not used.
        index: not used.

    Returns:
        [B, H, W, 1]

    Reference: ITU-R BT.601.
    """
    return _on_levels(_luma(images))


def superres(images: jax.Array, key: jax.Array, index: jax.Array, *, factor: int = 4) -> jax.Array:
    """What is to be enlarged: bicubic reductions with antialiasing.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: not used.
        index: not used.
        factor: by which H and W can be divided.

    Returns:
        [B, H / factor, W / factor, C]
    """
    chex.assert_rank(images, 4)
    b, h, w, c = images.shape
    return _on_levels(jax.image.resize(images, (b, h // factor, w // factor, c), "cubic", antialias=True))


def inpaint(images: jax.Array, key: jax.Array, index: jax.Array) -> jax.Array:
    """What is to be filled in: images with a hole, a rectangle anywhere, its sides 1/4 to 1/2 of the image's.

    It is white, which is what transparent places of a picture become when it is opened: so one can erase in an editor.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: of this call; another one for every call.
        index: int [B], each example's place in the global batch.

    Returns:
        [B, H, W, C]
    """
    chex.assert_rank(images, 4)
    sides = jnp.array(images.shape[1:3])
    uniform = per_example(jax.random.uniform, key, index, (4,))
    smallest = (sides + 3) // 4
    holes = _integers(uniform[:, :2], smallest, jnp.maximum(sides // 2, smallest))
    starts = _integers(uniform[:, 2:], 0, sides - holes)
    low, high = starts[..., None], (starts + holes)[..., None]
    rows, columns = [(low[:, i] <= x) & (x < high[:, i]) for i, x in enumerate(map(jnp.arange, images.shape[1:3]))]
    return _on_levels(jnp.where(rows[:, :, None, None] & columns[:, None, :, None], 1.0, images))


def edges(images: jax.Array, key: jax.Array, index: jax.Array) -> jax.Array:
    """What is to be painted: a drawing, dark lines on white, by Sobel's operator on the smoothed luma.

    A line begins where the slope is the image's mean and is black at four times that, so contrast does not matter.

    Args:
        images: [B, H, W, C] in [-1, 1].
        key: not used.
        index: not used.

    Returns:
        [B, H, W, 1]; an image without contrast is all white.
    """
    luma = jnp.pad(_luma(images)[..., 0], ((0, 0), (2, 2), (2, 2)), mode="edge")
    smooth, slope = (0.25, 0.5, 0.25), (-0.5, 0, 0.5)
    luma = _along(_along(luma, smooth, 1), smooth, 2)
    down, right = _along(_along(luma, slope, 1), smooth, 2), _along(_along(luma, smooth, 1), slope, 2)
    steepness = jnp.sqrt(down**2 + right**2)
    mean = jnp.mean(steepness, axis=(1, 2), keepdims=True)
    mean = jnp.maximum(mean, 0.005)  # which is more than steps between neighbouring grey levels make
    return _on_levels(1 - 2 * jnp.clip((steepness / mean - 1) / 3, 0, 1))[..., None]


TASKS = {"colorize": colorize, "superres": superres, "inpaint": inpaint, "edges": edges}


def _on_levels(images: jax.Array) -> jax.Array:
    """Values beyond [-1, 1] clipped, all rounded to what uint8 can hold."""
    return jnp.round((jnp.clip(images, -1, 1) + 1) * 127.5) / 127.5 - 1


def _luma(images: jax.Array) -> jax.Array:
    """[B, H, W, 1] by Rec. 601; grey images as they are."""
    chex.assert_rank(images, 4)
    if images.shape[3] == 1:
        return images
    return jnp.sum(images * jnp.array([0.299, 0.587, 0.114]), axis=-1, keepdims=True)


def _along(x: jax.Array, weights: Sequence[float], axis: int) -> jax.Array:
    """The weighted sum of three neighbours along an axis, which becomes shorter by 2."""
    n = x.shape[axis] - 2
    return sum(weight * jax.lax.slice_in_dim(x, i, i + n, axis=axis) for i, weight in enumerate(weights))
