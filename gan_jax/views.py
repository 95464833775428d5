"""What a game that translates sees of a batch: inputs and targets; inputs that are made of the targets; windows, flips.

Pure functions of float images [B, H, W, C] in [-1, 1], inside the compiled round. All that is drawn is drawn for each
example by itself, see `noise.per_example`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.noise import per_example

Batch = dict[str, jax.Array]


class View(NamedTuple):
    """How a game looks at batches: "image", the targets [B, H, W, C], and "input" beside them, or made of them.

    Attributes:
        shape: (H, W, C) of the targets that are trained on.
        input_shape: of what they are made from.
        train: `(batch, key) -> batch` with windows and flips, as the config wants them.
        test: `batch -> batch` with whole images; what is drawn for the inputs depends on the examples' index alone.
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
        config: `task`, `factor`, `jitter`, `crop`, `flip`, and `paired`: whether windows and flips of inputs and targets
            are the same.
        image_shape: of the targets, and of the inputs unless these are made of them.

    Raises:
        UserError: there is nothing to translate, or it does not fit the images.
    """
    if len(image_shape) != 3:
        raise UserError("a game that translates needs images, these data are points")
    if not translates(config):
        raise UserError(
            "this game translates images: say what they are made from with config.data.pair, config.data.inputs (a "
            "second set) or config.data.task"
        )
    height, width, channels = image_shape
    check(config, height, width, channels)
    shape = (config.crop or height, config.crop or width, channels)

    def made(image, key, index):
        return TASKS[config.task](image, key, index, config.factor)

    def drawn(images, key, index):
        """Windows and flips of several [B, H, W, C], the same ones of each."""
        uniform = per_example(jax.random.uniform, key, index, (3,))
        if config.jitter:
            scale = config.jitter / min(height, width)
            images = [enlarged(x, round(height * scale), round(width * scale)) for x in images]
        if config.jitter or config.crop:
            images = [windows(x, uniform[:, :2], shape[:2]) for x in images]
        if config.flip:
            mirrored = uniform[:, 2, None, None, None] < 0.5
            images = [jnp.where(mirrored, x[:, :, ::-1], x) for x in images]
        return images

    def train(batch, key):
        keys, index = jax.random.split(key, 3), batch["index"]
        if config.task != "none":
            (image,) = drawn([batch["image"]], keys[0], index)
            return {**batch, "image": image, "input": made(image, keys[1], index)}
        if config.paired:
            given, image = drawn([batch["input"], batch["image"]], keys[0], index)
        else:
            (given,), (image,) = (drawn([batch[name]], k, index) for name, k in zip(("input", "image"), keys[:2]))
        return {**batch, "image": image, "input": given}

    def test(batch):
        if config.task == "none":
            return batch
        return {**batch, "input": made(batch["image"], jax.random.key(0), batch["index"])}

    input_shape = shape
    if config.task != "none":
        like = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
        input_shape = jax.eval_shape(partial(made, key=jax.random.key(0), index=jnp.zeros(1, jnp.int32)), like).shape[
            1:
        ]
    return View(shape, tuple(input_shape), train, test)


def check(config, height: int, width: int, channels: int) -> None:
    """Raises UserError for what does not fit the images."""
    if config.task != "none" and config.task not in TASKS:
        raise UserError(f"config.data.task={config.task!r}: must be none, {', '.join(TASKS)}")
    if config.task == "colorize" and channels != 3:
        raise UserError("config.data.task=colorize: these images are grey")
    if config.jitter and config.crop:
        raise UserError("config.data.jitter and config.data.crop each cut out windows: set one of them")
    if config.jitter and config.jitter <= min(height, width):
        raise UserError(
            f"config.data.jitter={config.jitter}: must be more than the images' {min(height, width)} pixels"
        )
    if config.crop > min(height, width):
        raise UserError(f"config.data.crop={config.crop}: the images have only {height}x{width} pixels")
    if config.task == "superres":
        if config.factor not in (2, 4, 8):
            raise UserError(f"config.data.factor={config.factor}: must be 2, 4 or 8")
        if height % config.factor or width % config.factor or config.crop % config.factor:
            raise UserError(
                f"config.data.task=superres: {height}x{width} pixels, and config.data.crop={config.crop}, must be "
                f"multiples of config.data.factor={config.factor}: set config.data.image_size to one"
            )


def enlarged(images: jax.Array, height: int, width: int) -> jax.Array:
    """[B, H, W, C] by bicubic interpolation to [B, height, width, C]."""
    return jnp.clip(jax.image.resize(images, (len(images), height, width, images.shape[3]), "cubic"), -1, 1)


def windows(images: jax.Array, uniform: jax.Array, size: tuple[int, int]) -> jax.Array:
    """A window of that size of each image, anywhere in it, by numbers [B, 2] in [0, 1)."""
    free = jnp.array(images.shape[1:3]) - jnp.array(size) + 1
    starts = jnp.floor(uniform * free).astype(jnp.int32)
    cut = lambda image, start: jax.lax.dynamic_slice(image, (*start, 0), (*size, images.shape[3]))
    return jax.vmap(cut)(images, starts)


# Tasks: `(images [B, H, W, C], key, index, factor) -> inputs`, on the 256 levels of a file, as later inputs will be.


def on_levels(images: jax.Array) -> jax.Array:
    """Images in [-1, 1], values beyond clipped, rounded to what uint8 can hold."""
    return jnp.round((jnp.clip(images, -1, 1) + 1) * 127.5) / 127.5 - 1


def luma(images: jax.Array) -> jax.Array:
    """Brightness [B, H, W, 1] of colours by Rec. 601; of grey images as it is."""
    if images.shape[3] == 1:
        return images
    return jnp.sum(images * jnp.array([0.299, 0.587, 0.114]), axis=-1, keepdims=True)


def colorize(images: jax.Array, key: jax.Array, index: jax.Array, factor: int) -> jax.Array:
    """Grey [B, H, W, 1], to be coloured."""
    return on_levels(luma(images))


def superres(images: jax.Array, key: jax.Array, index: jax.Array, factor: int) -> jax.Array:
    """Bicubic reductions with antialiasing [B, H / factor, W / factor, C], to be enlarged."""
    b, h, w, c = images.shape
    return on_levels(jax.image.resize(images, (b, h // factor, w // factor, c), "cubic"))


def inpaint(images: jax.Array, key: jax.Array, index: jax.Array, factor: int) -> jax.Array:
    """Images without a rectangle, its sides 1/4 to 1/2 of the image's, to be filled in.

    It is white, as are transparent places of a picture that is opened: what is erased in an editor is such a hole.
    """
    sides = jnp.array(images.shape[1:3])
    uniform = per_example(jax.random.uniform, key, index, (4,))
    holes = jnp.floor(sides / 4 + uniform[:, :2] * (sides / 4 + 1)).astype(jnp.int32)
    starts = jnp.floor(uniform[:, 2:] * (sides - holes + 1)).astype(jnp.int32)
    rows, columns = (
        (starts[:, i, None] <= x) & (x < (starts + holes)[:, i, None])
        for i, x in enumerate(map(jnp.arange, images.shape[1:3]))
    )
    return jnp.where(rows[:, :, None, None] & columns[:, None, :, None], 1.0, images)


def edges(images: jax.Array, key: jax.Array, index: jax.Array, factor: int) -> jax.Array:
    """Drawings [B, H, W, 1]: dark lines on white where brightness changes, relative to how it does in the image."""
    grey = jnp.pad(luma(images)[..., 0], ((0, 0), (2, 2), (2, 2)), mode="edge")
    blur, smooth, slope = jnp.array([0.25, 0.5, 0.25]), jnp.array([0.25, 0.5, 0.25]), jnp.array([-0.5, 0.0, 0.5])
    grey = along(along(grey, blur, 1), blur, 2)
    down, right = along(along(grey, slope, 1), smooth, 2), along(along(grey, smooth, 1), slope, 2)
    strength = jnp.sqrt(down**2 + right**2)
    typical = jnp.mean(strength, axis=(1, 2), keepdims=True)
    lines = jnp.clip(strength / (3 * typical + 0.02) - 0.3, 0, 1)
    return on_levels(1 - 2 * lines)[..., None]


def along(x: jax.Array, weights: jax.Array, axis: int) -> jax.Array:
    """The weighted sum of three neighbours along an axis of [B, H, W], which becomes shorter by 2."""
    n = x.shape[axis]
    return sum(weights[i] * jax.lax.slice_in_dim(x, i, n - 2 + i, axis=axis) for i in range(3))


TASKS = {"colorize": colorize, "superres": superres, "inpaint": inpaint, "edges": edges}
