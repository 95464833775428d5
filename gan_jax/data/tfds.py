"""Image sets of TensorFlow Datasets; once prepared, they are read without TensorFlow."""

import dataclasses
import difflib
import functools
import importlib.util
import math
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from gan_jax.data import pictures
from gan_jax.data.cache import cached
from gan_jax.data.source import Source
from gan_jax.errors import UserError

CACHED_BYTES = 4 * 2**30  # larger sets are decoded again and again rather than copied to the disk
CHUNK = 16  # examples that a thread decodes at a time


def dataset(name_and_split: str, size: tuple[int, int] | None, fit: str) -> "Source | Records":
    """Opens a set of TensorFlow Datasets, preparing it first where that wasn't done; TFDS_DATA_DIR says where.

    The images are the feature "image", or the only feature that is one; the labels are the feature "label".

    Args:
        name_and_split: as TFDS writes them, "mnist", "mnist:test" or "mnist:3.0.1:train[:1000]"; the split is "train"
            unless given.
        size: (H, W) to resize to, or None if the set's images have one size.
        fit: how to, see `pictures.fitted`.

    Returns:
        A source: decoded once, into the cache, up to 4 GiB, and a larger one as it is read.

    Raises:
        UserError: there is no such set, split or image, or it must be prepared first and can't be.
    """
    name, split = re.fullmatch(r"([^:]*(?::\d+\.\d+\.\d+)?):?(.*)", name_and_split).groups()
    split = split or "train"
    builder = _prepared(name)
    try:
        examples = builder.as_data_source(split)
    except Exception as error:
        splits = ", ".join(builder.info.splits)
        raise UserError(f"tfds:{name} can't be read as {split} ({_brief(error)}): its splits are {splits}") from error

    features = dict(builder.info.features.items())
    image_name = _image_feature(name, features)
    *native, channels = features[image_name].shape
    if size is None and None in native:
        raise UserError(f"the images of tfds:{name} differ in size: set data.image_size=N")
    class_names = tuple(getattr(features.get("label"), "names", ()))  # only a ClassLabel has names
    records = Records(examples, image_name, (*(size or native), 1 if channels == 1 else 3), fit, class_names)
    if records.nbytes > CACHED_BYTES:
        return records
    key = (str(builder.data_path), split, len(records), size, fit)
    return cached(key, class_names, len(records), lambda: _chunks(records))


class Records:
    """A source, as `Source` is one, that decodes its images whenever they are read.

    Args:
        examples: TFDS's sequence of dicts of features.
        image_name: the feature that is the image.
        image_shape: (H, W, C) to give the images, C 1 or 3.
        fit: how to, see `pictures.fitted`.
        class_names: of the feature "label"; empty if there are no labels.
    """

    modes = held_out = labelled = inputs = unpaired = None
    everything, select = Source.everything, Source.select

    def __init__(
        self,
        examples: Sequence[dict[str, Any]],
        image_name: str,
        image_shape: tuple[int, int, int],
        fit: str,
        class_names: tuple[str, ...],
    ):
        self.image_shape = image_shape
        self.class_names = class_names
        self.num_classes = len(class_names)
        self.nbytes = len(examples) * math.prod(image_shape)
        self._examples = examples
        self._image_name = image_name
        self._fit = fit

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        return {name: leaf[0] for name, leaf in self.read(np.array([row])).items()}

    @property
    def images(self) -> "Images":
        return Images(self)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Reads many examples at once, see `Source.read`."""
        examples = self._examples.__getitems__(rows.tolist())
        images = [self._shaped(example[self._image_name]) for example in examples]
        labels = [example["label"] if self.class_names else 0 for example in examples]
        return {"image": np.stack(images), "label": np.array(labels, np.int32)}

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """int32 [N]. It takes a pass over the whole set; only evaluations ask for it."""
        starts = range(0, len(self), CHUNK)
        return np.concatenate([self.read(np.arange(i, min(i + CHUNK, len(self))))["label"] for i in starts])

    def _shaped(self, image: np.ndarray) -> np.ndarray:
        from PIL import Image

        if image.shape == self.image_shape:
            return image
        *size, channels = self.image_shape
        picture = pictures.plain(Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image))
        mode = "L" if channels == 1 else "RGB"
        return np.asarray(pictures.fitted(picture, tuple(size), self._fit).convert(mode)).reshape(self.image_shape)


def _prepared(name: str) -> Any:
    """TFDS's builder of a set that is ready to read."""
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, file_format="array_record")
    except Exception as error:
        # TFDS raises errors of many kinds, some a thousand lines long, for a set, config or version that it can't open.
        base = re.split("[:/]", name)[0]
        known = tfds.list_builders(with_community_datasets=False)
        hint = f"its closest sets are {', '.join(difflib.get_close_matches(base, known)) or 'none'}"
        if base in known:
            hint = "check its config and version, and that TFDS_DATA_DIR holds it as array_record, if at all"
        raise UserError(f"TensorFlow Datasets can't open {name} ({_brief(error)}): {hint}") from error
    if not builder.is_prepared():
        if importlib.util.find_spec("tensorflow") is None:
            raise UserError(f"tfds:{name} needs TensorFlow once, to prepare it: pip install 'gan_jax[tfds]'")
        try:
            builder.download_and_prepare()
        except Exception as error:
            raise UserError(f"TensorFlow Datasets can't prepare {name} ({_brief(error)})") from error
    return builder


def _image_feature(name: str, features: dict[str, Any]) -> str:
    import tensorflow_datasets as tfds

    found = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    if "image" not in found and len(found) != 1:
        raise UserError(f'tfds:{name} must have one image a row, or one named "image", but has {found or "none"}')
    image_name = "image" if "image" in found else found[0]
    if features[image_name].np_dtype != np.uint8:
        raise UserError(f"the images of tfds:{name} must be uint8, not {features[image_name].np_dtype}")
    return image_name


@dataclasses.dataclass(frozen=True)
class Images:
    """The images of records, as an array."""

    records: Records

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.records), *self.records.image_shape)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.records.read(rows)["image"]


def _chunks(records: Records) -> Iterator[tuple[np.ndarray, list[int]]]:
    count, threads = len(records), os.cpu_count() or 1
    chunks = [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(chunks), threads):
            for batch in pool.map(records.read, chunks[start : start + threads]):
                yield batch["image"], batch["label"].tolist()


def _brief(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")
