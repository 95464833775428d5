"""Image sets of TensorFlow Datasets; once prepared, they are read without TensorFlow."""

import dataclasses
import difflib
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
from gan_jax.data.source import Source, make_source
from gan_jax.data.sources import digits
from gan_jax.errors import UserError

FORM = "tfds:NAME[:SPLIT]"
CACHED_BYTES = 4 * 2**30  # larger sets are decoded again and again rather than copied to the disk
CHUNK = 16  # examples that a thread decodes at a time
RECORDS = 1024  # of which the labels are read at a time


def open_source(name_and_split: str, config: Any) -> Source:
    """Opens a set of TensorFlow Datasets, preparing it first where that wasn't done; TFDS_DATA_DIR says where.

    The images are the feature "image", or the only feature that is one; the labels are the feature "label".

    Args:
        name_and_split: as TFDS writes them, "mnist", "mnist:test" or "mnist:3.0.1:train[:1000]"; the split is "train"
            unless given.
        config: the config's `data`: `image_size`, which may be "native" if the set's images have one size, and `fit`.

    Returns:
        A source: decoded once, into the cache, up to 4 GiB, and a larger one as it is read.

    Raises:
        UserError: there is no such set, split or image, or it must be prepared first and can't be.
    """
    name, split = re.fullmatch(r"([^:]*(?::\d+\.\d+\.\d+)?):?(.*)", name_and_split).groups()
    size, fit, split = pictures.parse_size(config.image_size), config.fit, split or "train"
    builder = _prepared(name)
    features = dict(builder.info.features.items())
    image_name = _image_feature(name, features)
    *native, channels = features[image_name].shape
    if size is None and None in native:
        raise UserError(f"the images of tfds:{name} differ in size: set --config.data.image_size=N")
    examples, undecoded = _examples(builder, name, split)
    class_names = tuple(getattr(features.get("label"), "names", ()))  # only a ClassLabel has names

    images = Images(examples, image_name, (len(examples), *(size or native), 1 if channels == 1 else 3), fit)
    labels = Labels(undecoded, (len(undecoded),)) if class_names else np.zeros(len(examples), np.int32)
    if math.prod(images.shape) <= CACHED_BYTES:
        key = (str(builder.data_path), split, len(examples), size, fit)
        images, labels = cached(key, len(examples), lambda: _chunks(images, labels))
    fitted = digits.fitted(images.shape) if name.partition(":")[0] == "mnist" else {}
    return make_source("image", images, labels, class_names, fitted)


@dataclasses.dataclass(frozen=True)
class Images:
    """Images that are decoded whenever they are read.

    Attributes:
        examples: TFDS's sequence of dicts of features.
        feature: the one that is the image.
        shape: (N, H, W, C) to give the images, C 1 or 3.
        fit: how to, see `pictures.fitted`.
    """

    examples: Sequence[dict[str, Any]]
    feature: str
    shape: tuple[int, int, int, int]
    fit: str

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        examples = self.examples.__getitems__(rows.tolist())
        return np.stack([self._shaped(example[self.feature]) for example in examples])

    def _shaped(self, image: np.ndarray) -> np.ndarray:
        from PIL import Image

        if image.shape == self.shape[1:]:
            return image
        _, *size, channels = self.shape
        picture = pictures.plain(Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image))
        mode = "L" if channels == 1 else "RGB"
        return np.asarray(pictures.fitted(picture, tuple(size), self.fit).convert(mode)).reshape(self.shape[1:])


@dataclasses.dataclass(frozen=True)
class Labels:
    """The labels, int32 [N], of examples whose images are not decoded for them."""

    examples: Sequence[dict[str, Any]]
    shape: tuple[int]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        parts = (self.examples.__getitems__(rows[i : i + RECORDS].tolist()) for i in range(0, len(rows), RECORDS))
        return np.array([example["label"] for part in parts for example in part], np.int32)


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
            raise UserError(f"tfds:{name} needs TensorFlow once, to prepare it: pip install -e '.[tfds]'")
        try:
            builder.download_and_prepare()
        except Exception as error:
            raise UserError(f"TensorFlow Datasets can't prepare {name} ({_brief(error)})") from error
    return builder


def _examples(builder: Any, name: str, split: str) -> tuple[Sequence, Sequence]:
    """TFDS's sequence of the examples of a split, and the same without their images being decoded."""
    import tensorflow_datasets as tfds

    images = [key for key, feature in builder.info.features.items() if isinstance(feature, tfds.features.Image)]
    try:
        undecoded = builder.as_data_source(split, decoders={key: tfds.decode.SkipDecoding() for key in images})
        return builder.as_data_source(split), undecoded
    except Exception as error:
        splits = ", ".join(builder.info.splits)
        raise UserError(f"tfds:{name} can't be read as {split} ({_brief(error)}): its splits are {splits}") from error


def _image_feature(name: str, features: dict[str, Any]) -> str:
    import tensorflow_datasets as tfds

    found = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    if "image" not in found and len(found) != 1:
        raise UserError(f'tfds:{name} must have one image a row, or one named "image", but has {found or "none"}')
    image_name = "image" if "image" in found else found[0]
    if features[image_name].np_dtype != np.uint8:
        raise UserError(f"the images of tfds:{name} must be uint8, not {features[image_name].np_dtype}")
    return image_name


def _chunks(images: Images, labels: Any) -> Iterator[tuple[np.ndarray, list[int]]]:
    count, threads = len(images.examples), os.cpu_count() or 1
    chunks = [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    read = lambda rows: (images[rows], labels[rows].tolist())
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(chunks), threads):
            yield from pool.map(read, chunks[start : start + threads])


def _brief(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")
