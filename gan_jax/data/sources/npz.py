"""A person's own arrays, from a file written by `np.savez`."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.data import pictures
from gan_jax.data.source import Source, make_source
from gan_jax.errors import UserError

FORM = "npz:FILE"


def open_source(path: str, config: Any) -> Source:
    """Images, which are resized as `image_size` and `fit` say, or points.

    Args:
        path: the file; ~ is expanded. It holds "images", uint8 [N, H, W, C] with C 1 or 3, or uint8 [N, H, W]; or
            "points", float [N, 2]; and "labels", int [N] from 0 up, if there are any.
        config: the config's `data`.

    Returns:
        A source; its classes are named "0" to the highest label's number.

    Raises:
        UserError: there is no such file, or it holds something else.
    """
    try:
        with np.load(Path(path).expanduser()) as file:
            arrays = dict(file)
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except (OSError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        raise UserError(f"{path} is not an .npz file of plain arrays: write it with np.savez") from None

    if ("images" in arrays) == ("points" in arrays):
        found = ", ".join(arrays) or "nothing"
        raise UserError(f'{path} must hold either "images" or "points" (and "labels", if any), but holds {found}')
    if "points" in arrays:
        name, examples = "points", _points(path, arrays["points"])
    else:
        images = _images(path, arrays["images"])
        name, examples = "image", pictures.resize(images, pictures.parse_size(config.image_size), config.fit)
    labels = arrays.get("labels", np.full(len(examples), -1))  # as samples of unconditional models once had them
    if np.array_equal(labels, np.full(len(examples), -1)):
        return make_source(name, examples)
    if labels.shape != (len(examples),) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        found = f"{labels.dtype} {list(labels.shape)}"
        raise UserError(f'{path}: "labels" must be int [{len(examples)}] and not negative, not {found}')
    if labels.max() >= max(len(examples), 10_000):
        raise UserError(
            f'{path}: "labels" go up to {labels.max()}, more than there are examples: number the classes from 0'
        )
    return make_source(name, examples, labels.astype(np.int32), tuple(map(str, range(labels.max() + 1))))


def _points(path: str, points: np.ndarray) -> np.ndarray:
    if points.shape[1:] != (2,) or not np.issubdtype(points.dtype, np.floating):
        raise UserError(f'{path}: "points" must be float [N, 2], not {points.dtype} {list(points.shape)}')
    return _some(path, points).astype(np.float32)


def _images(path: str, images: np.ndarray) -> np.ndarray:
    if images.dtype != np.uint8 or images.ndim < 3 or images.shape[3:] not in ((), (1,), (3,)):
        wanted = "uint8 [N, H, W, C] with C 1 or 3, or uint8 [N, H, W]"
        raise UserError(f'{path}: "images" must be {wanted}, not {images.dtype} {list(images.shape)}')
    return _some(path, images.reshape(*images.shape[:3], -1) if images.size else images)


def _some(path: str, examples: np.ndarray) -> np.ndarray:
    if not examples.size:
        raise UserError(f"{path} holds no examples")
    return examples
