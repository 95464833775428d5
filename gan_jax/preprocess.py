"""What a game sees of a batch: crops and flips of images, noise within their levels, inputs that are made of them.

Pure functions on float32 images [B, H, W, C] in [-1, 1], C = 1 or 3, inside the compiled round; no gradient is taken
through them. Every example draws for itself, see `noise.per_example`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.modalities import Field, Fields, model_shape
from gan_jax.noise import per_example

Batch = dict[str, jax.Array]


class Preprocess(NamedTuple):
    """What becomes of batches of a target, "index" and, unless it is made of the target, "input".

    Attributes:
        shape: (H, W, C) of the targets that are trained on.
        input_shape: (H', W', C') of their inputs.
        apply: `(batch, key) -> batch` with targets [B, *shape] and "input" [B, *input_shape], cropped and flipped as
            drawn for this key.
    """

    shape: tuple[int, int, int]
    input_shape: tuple[int, int, int]
    apply: Callable[[Batch, jax.Array], Batch]


def of_images(config: Any, fields: Fields) -> Callable[[Batch, jax.Array], Batch] | None:
    """`(batch, key) -> batch` of a game that makes images of noise: flipped, dequantized; None: as it is.

    Dequantized, level n of 256 becomes (n + U(0, 1)) / 128 - 1, as in the authors' code of WGAN-GP and SNGAN.

    Args:
        config: `flip` and `dequantize`, and what only games that translate have; of pairs the targets are the images.
        fields: of the data, of which the first are the images.

    Raises:
        UserError: the data say what images are made from, or are no images.
    """
    target, field = next(iter(fields.items()))
    plain = ("none", "", 0)
    if used := [name for name in ("inputs", "task", "jitter", "crop") if getattr(config, name) not in plain]:
        names = ", ".join(f"--config.data.{name}" for name in used)
        raise UserError(f"{names}: for games that translate, such as pix2pix")
    asked = [name for name in ("flip", "dequantize") if getattr(config, name)]
    if asked and field.modality.name != "image":
        raise UserError(f"--config.data.{asked[0]} needs images, these data are {field.modality.name}")

    def apply(batch, key):
        images, index = batch[target], batch["index"]
        if config.flip:
            images = flipped(images, per_example(jax.random.uniform, key, index))
        if config.dequantize:
            noise = per_example(jax.random.uniform, jax.random.fold_in(key, 1), index, images.shape[1:])
            images = ((images + 1) * 127.5 + noise) / 128 - 1
        return {**batch, target: images}

    return apply if asked else None


def make_preprocess(config: Any, fields: Fields) -> Preprocess:
    """The preprocessing that a config's `data` describe.

    Args:
        config: `task` and `factor`; `jitter`, `crop` and `flip`; `paired`: whether crops and flips are the same for an
            input and its target.
        fields: the target first, and "input", see `gan_jax.data.fields_of`.

    Raises:
        UserError: there is nothing to translate, or what the config asks for does not fit the images.
    """
    target, field = next(iter(fields.items()))
    make = make_inputs(config, field)
    if "input" not in fields:
        raise UserError(
            "this game translates images: say what they are made from with --config.data.pair, --config.data.inputs (a "
            "second set) or --config.data.task"
        )
    _check(config, *field.shape)
    height, width, channels = field.shape
    shape = (config.crop or height, config.crop or width, channels)

    def augment(images, names, key, index):
        """Crops and flips of several [B, H, W, C], fields of these names, the same for all of an example."""
        uniform = per_example(jax.random.uniform, key, index, (3,))
        if config.jitter:
            by = [fields[name].modality.interpolation for name in names]
            images = [_enlarge(x, config.jitter, method) for x, method in zip(images, by, strict=True)]
        if config.jitter or config.crop:
            images = [_crops(x, uniform[:, :2], shape[:2]) for x in images]
        if config.flip:
            images = [flipped(x, uniform[:, 2]) for x in images]
        return images

    def apply(batch, key):
        image, index, (key, other) = batch[target], batch["index"], jax.random.split(key)
        if make:
            (image,) = augment([image], [target], key, index)
            given = make(image, other, index)
        elif config.paired:
            given, image = augment([batch["input"], image], ["input", target], key, index)
        else:
            (given,) = augment([batch["input"]], ["input"], other, index)
            (image,) = augment([image], [target], key, index)
        return {**batch, target: image, "input": given}

    if make:
        like = jax.ShapeDtypeStruct((1, *shape), jnp.float32), jax.random.key(0), jnp.arange(1)
        return Preprocess(shape, jax.eval_shape(make, *like).shape[1:], apply)
    return Preprocess(shape, (*shape[:2], model_shape(fields["input"])[-1]), apply)


def make_inputs(config: Any, target: Field) -> Callable | None:
    """`(images, key, index) -> inputs` of a config's `data.task`; None if inputs are not made of images.

    Raises:
        UserError: the target is not an image.
    """
    if target.modality.name != "image":
        raise UserError(f"a game that translates needs images, these data are {target.modality.name}")
    return partial(superres, factor=config.factor) if config.task == "superres" else TASKS.get(config.task)


def _check(config, height: int, width: int, channels: int) -> None:
    """Raises UserError for what does not fit the images."""
    shorter, factor, crop, jitter = min(height, width), config.factor, config.crop, config.jitter
    if config.task == "colorize" and channels != 3:
        raise UserError("--config.data.task=colorize: needs images in color, these are gray")
    if config.dequantize:
        raise UserError("--config.data.dequantize: for games that make images of noise, adversarial, semi_supervised")
    if jitter and crop:
        raise UserError("--config.data.jitter and --config.data.crop each crop images: set one of them")
    if jitter and jitter <= shorter:
        raise UserError(f"--config.data.jitter={jitter}: must be more than the images' shorter side, {shorter} pixels")
    if crop > shorter:
        raise UserError(f"--config.data.crop={crop}: must be at most the images' shorter side, {shorter} pixels")
    if config.task == "superres":
        if factor not in (2, 4, 8):
            raise UserError(f"--config.data.factor={factor}: must be 2, 4 or 8")
        if height % factor or width % factor:
            raise UserError(
                f"--config.data.task=superres: images of {height}x{width} pixels cannot be reduced by "
                f"--config.data.factor={factor}: set --config.data.image_size to a multiple of {factor}"
            )
        if crop % factor:
            raise UserError(f"--config.data.crop={crop}: must be a multiple of --config.data.factor={factor}")


def _enlarge(images: jax.Array, shorter: int, method: str) -> jax.Array:
    """Until the shorter side has so many pixels."""
    b, h, w, c = images.shape
    sides = [round(side * shorter / min(h, w)) for side in (h, w)]
    return jnp.clip(jax.image.resize(images, (b, *sides, c), method), -1, 1)


def _crops(images: jax.Array, uniform: jax.Array, sides: tuple[int, int]) -> jax.Array:
    """A part of each image, anywhere in it, by numbers [B, 2] in [0, 1)."""
    starts = _integers(uniform, 0, jnp.array(images.shape[1:3]) - jnp.array(sides))
    cut = lambda image, start: jax.lax.dynamic_slice(image, (*start, 0), (*sides, images.shape[3]))
    return jax.vmap(cut)(images, starts)


def flipped(images: jax.Array, uniform: jax.Array) -> jax.Array:
    """Left to right where a number [B] in [0, 1) is below 1/2."""
    return jnp.where(uniform[:, None, None, None] < 0.5, images[:, :, ::-1], images)


def _integers(uniform: jax.Array, low: jax.Array | int, high: jax.Array) -> jax.Array:
    """Numbers in [0, 1) -> as likely each of low, ..., high."""
    return low + jnp.floor(uniform * (high - low + 1)).astype(jnp.int32)


# What inputs are made by: `(images, key, index) -> inputs`, on the 256 levels of a file, as later inputs will be.


def colorize(images: jax.Array, key: jax.Array, index: jax.Array) -> jax.Array:
    """What is to be colored: the luma.

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
    mean = jnp.maximum(mean, 0.005)  # which is more than steps between neighboring gray levels make
    return _on_levels(1 - 2 * jnp.clip((steepness / mean - 1) / 3, 0, 1))[..., None]


TASKS = {"colorize": colorize, "superres": superres, "inpaint": inpaint, "edges": edges}


def _on_levels(images: jax.Array) -> jax.Array:
    """Values beyond [-1, 1] clipped, all rounded to what uint8 can hold."""
    return jnp.round((jnp.clip(images, -1, 1) + 1) * 127.5) / 127.5 - 1


def _luma(images: jax.Array) -> jax.Array:
    """[B, H, W, 1] by Rec. 601; gray images as they are."""
    chex.assert_rank(images, 4)
    if images.shape[3] == 1:
        return images
    return jnp.sum(images * jnp.array([0.299, 0.587, 0.114]), axis=-1, keepdims=True)


def _along(x: jax.Array, weights: Sequence[float], axis: int) -> jax.Array:
    """The weighted sum of three neighbors along an axis, which becomes shorter by 2."""
    n = x.shape[axis] - 2
    return sum(weight * jax.lax.slice_in_dim(x, i, i + n, axis=axis) for i, weight in enumerate(weights))
