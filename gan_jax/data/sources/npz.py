"""A person's own arrays, from a file written by `np.savez`."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.data import pictures
from gan_jax.data.kinds.voxels import reduced
from gan_jax.data.source import Source, make_source
from gan_jax.errors import UserError

FORM = "npz:FILE"


def open_source(path: str, config: Any) -> Source:
    """Images, which are resized as `image_size` and `fit` say, points, sounds, or solids.

    Args:
        path: the file; ~ is expanded. It holds "images", uint8 [N, H, W, C] with C 1 or 3, or uint8 [N, H, W];
            "points", float [N, 2]; "sounds", int16 [N, L, C], and "rate", in Hz; or "voxels", bool, or uint8 of 0 and
            1, [N, D, H, W]. And "labels", int [N] from 0 up, and the "names" of their classes, if there are any.
        config: the config's `data`.

    Returns:
        A source; classes without names are named "0" to the highest label's number.

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

    found = [name for name in READERS if name in arrays]
    if len(found) != 1:
        *most, last = (f'"{name}"' for name in READERS)
        known, names = f"{', '.join(most)} or {last}", ", ".join(arrays) or "nothing"
        raise UserError(f'{path} must hold either {known} (and "labels", if any), but holds {names}')
    modality, read = READERS[found[0]]
    examples, fitted = read(path, arrays, config)
    return make_source(modality, examples, *_labels(path, arrays, len(examples)), fitted)


def _labels(path: str, arrays: dict[str, np.ndarray], count: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The labels, int32 [N], and the names of their classes; None and () if there are none."""
    labels = arrays.get("labels", np.full(count, -1))  # as samples of unconditional models once had them
    if np.array_equal(labels, np.full(count, -1)):
        return None, ()
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        found = f"{labels.dtype} {list(labels.shape)}"
        raise UserError(f'{path}: "labels" must be int [{count}] and not negative, not {found}')
    names = tuple(map(str, arrays.get("names", range(labels.max() + 1))))
    if labels.max() >= max(count, 10_000):
        raise UserError(
            f'{path}: "labels" go up to {labels.max()}, more than there are examples: number the classes from 0'
        )
    if len(names) <= labels.max() or len(set(names)) < len(names):
        raise UserError(f'{path}: "names" must be one of each class, {labels.max() + 1} different ones')
    return labels.astype(np.int32), names


def _points(path: str, arrays: dict[str, np.ndarray], config: Any) -> tuple[np.ndarray, dict]:
    points = arrays["points"]
    if points.shape[1:] != (2,) or not np.issubdtype(points.dtype, np.floating):
        raise UserError(f'{path}: "points" must be float [N, 2], not {points.dtype} {list(points.shape)}')
    return _some(path, points).astype(np.float32), {}


def _images(path: str, arrays: dict[str, np.ndarray], config: Any) -> tuple[np.ndarray, dict]:
    images = arrays["images"]
    if images.dtype != np.uint8 or images.ndim < 3 or images.shape[3:] not in ((), (1,), (3,)):
        wanted = "uint8 [N, H, W, C] with C 1 or 3, or uint8 [N, H, W]"
        raise UserError(f'{path}: "images" must be {wanted}, not {images.dtype} {list(images.shape)}')
    images = _some(path, images.reshape(*images.shape[:3], -1) if images.size else images)
    return pictures.resize(images, pictures.parse_size(config.image_size), config.fit), {}


def _sounds(path: str, arrays: dict[str, np.ndarray], config: Any) -> tuple[np.ndarray, dict]:
    sounds, rate = arrays["sounds"], arrays.get("rate", np.array(0.5))
    if sounds.dtype != np.int16 or sounds.ndim != 3:
        raise UserError(f'{path}: "sounds" must be int16 [N, L, C], not {sounds.dtype} {list(sounds.shape)}')
    if rate.shape or not np.issubdtype(rate.dtype, np.integer) or rate < 1:
        raise UserError(f'{path}: "rate" must be the samples a second, an integer')
    return _some(path, sounds), {"rate": int(rate)}


def _voxels(path: str, arrays: dict[str, np.ndarray], config: Any) -> tuple[np.ndarray, dict]:
    voxels = arrays["voxels"]
    if voxels.ndim != 4 or voxels.dtype not in (np.bool_, np.uint8) or (voxels.size and voxels.max() > 1):
        found = f"{voxels.dtype} {list(voxels.shape)}"
        raise UserError(f'{path}: "voxels" must be bool, or uint8 of 0 and 1, [N, D, H, W], not {found}')
    voxels = _some(path, voxels).astype(np.uint8)
    try:
        return reduced(voxels, config.resolution) if config.resolution else voxels, {}
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _some(path: str, examples: np.ndarray) -> np.ndarray:
    if not examples.size:
        raise UserError(f"{path} holds no examples")
    return examples


# {the name of the array: (the modality, what reads and checks it: (examples, what is known of them))}
READERS = {
    "images": ("image", _images),
    "points": ("points", _points),
    "sounds": ("audio", _sounds),
    "voxels": ("voxels", _voxels),
}
