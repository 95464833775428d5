"""A small U-Net that tells the class of each pixel of a photograph: a judge of what generated pictures contain.

Reference: Ronneberger et al. 2015 (U-Net). What differs: groups are normalized, borders are padded, and it is narrower.
"""

import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.data import Source, rows
from gan_jax.data.label_maps import FOUND, VOID
from gan_jax.errors import UserError
from gan_jax.evaluation import trained
from gan_jax.modalities import to_model
from gan_jax.noise import per_example
from gan_jax.preprocess import make_preprocess

CHUNK = 16  # pictures of a forward pass
DEPTH = 4  # how often height and width are halved
LARGER = 1.12  # what training enlarges pictures by, to crop them
COUNTED = 1000  # maps, at most, that the shares of classes are counted in
LIGHT = 0.25  # by how much brightness and contrast change at most


class Network(nn.Module):
    """Images [B, H, W, C] in [-1, 1] to (features [B, F], logits [B, H, W, num_classes]), any H and W.

    The features are those of the coarsest resolution, their means over all places.
    """

    num_classes: int
    width: int = 16

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        def block(x, width):
            for _ in range(2):
                x = nn.relu(nn.GroupNorm(num_groups=8)(nn.Conv(width, (3, 3), use_bias=False)(x)))
            return x

        x, maps = block(images, self.width), []
        for level in range(1, DEPTH + 1):
            maps.append(x)
            x = block(nn.max_pool(x, (2, 2), (2, 2), "SAME"), self.width * min(2**level, 8))
        features = x.mean(axis=(1, 2))
        for finer in reversed(maps):
            up = x.repeat(2, axis=1).repeat(2, axis=2)[:, : finer.shape[1], : finer.shape[2]]
            x = block(jnp.concatenate([up, finer], axis=-1), finer.shape[-1])
        return features, nn.Conv(self.num_classes, (1, 1))(x)


class Segmenter(NamedTuple):
    """A trained network.

    Attributes:
        params: of `Network`.
        image_shape: (H, W, C) of the photographs that it was trained on.
        names: of the classes.
        about: what it was trained and tested on, and how good it was there.
        sha256: of its parameters.
    """

    params: dict
    image_shape: tuple[int, int, int]
    names: tuple[str, ...]
    about: dict
    sha256: str


class Score(NamedTuple):
    """How maps agree with what they should be; pixels that should be void are left out.

    Attributes:
        accuracy: the share of pixels that are of the right class.
        iou: of each class float [K], pixels of both by pixels of either; nan of a class that neither has.
    """

    accuracy: float
    iou: np.ndarray

    @property
    def mean_iou(self) -> float:
        """Over the classes that there are."""
        return float(np.nanmean(self.iou))


def confusion(found: np.ndarray, wanted: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """How many pixels of each class, a row, were found to be of each, a column: int [K, K]; none that should be void.

    Args:
        found, wanted: int [...], of K classes.
        names: of the classes.
    """
    count = len(names)
    pairs = np.bincount(wanted.ravel().astype(int) * count + found.ravel(), minlength=count**2).reshape(count, count)
    return pairs * np.array([name != VOID for name in names])[:, None]


def score(pairs: np.ndarray) -> Score:
    """The score of a `confusion`."""
    both = np.diag(pairs)
    either = pairs.sum(axis=0) + pairs.sum(axis=1) - both
    return Score(float(both.sum() / pairs.sum()), both / np.where(either > 0, either, np.nan))


def photo_and_map(source: Source) -> tuple[str, str]:
    """The names of the fields of photographs and of their label maps.

    Raises:
        UserError: there are no such pairs.
    """
    kinds = {source.fields[name].modality.name: name for name in ("input", source.target) if name in source.fields}
    if kinds.keys() != {"image", "segmentation"}:
        raise UserError(
            "a segmenter needs photographs and their label maps: set --config.data.pair, or --config.data.inputs to a "
            "set of maps, and --config.data.palette"
        )
    return kinds["image"], kinds["segmentation"]


def train(
    source: Source, config, *, images: int, batch_size: int = 8, learning_rate: float = 2e-3, seed: int = 0
) -> dict:
    """The parameters of a `Network`, by Adam with a rate that falls to zero.

    Photographs and maps are flipped and cropped alike, at random; brightness and contrast change. Void does not count,
    and a class that is rare counts more, see `class_weights`.

    Args:
        source: of photographs and label maps.
        config: the config's `data`.
        images: shown in all, over all epochs.
        batch_size: at most as many as the source has.
        learning_rate: at the start.
        seed: of the start, the order and what is drawn.

    Raises:
        UserError: there are no such pairs.
    """
    photo, drawn = photo_and_map(source)
    own = {"image": source.fields[photo], "input": source.fields[drawn]}
    names, shorter = own["input"].names, min(own["image"].shape[:2])
    config = config.copy_and_resolve_references().unlock()
    config.update(jitter=max(round(shorter * LARGER), shorter + 1), crop=0, flip=True, paired=True)
    crop = make_preprocess(config, own).apply
    batch_size = min(batch_size, len(source))
    steps, key, network = max(images // batch_size, 1), jax.random.key(seed), Network(len(names))
    weights = class_weights(source, drawn)

    def loss(params, key, photos, maps):
        keys, index = jax.random.split(key), jnp.arange(len(photos))
        pair = crop(to_model({"image": photos, "input": maps, "index": index}, own), keys[0])
        light = LIGHT * (2 * per_example(jax.random.uniform, keys[1], index, (2, 1, 1, 1)) - 1)
        _, logits = network.apply(params, (1 + light[:, 0]) * pair["image"] + light[:, 1])
        weight = pair["input"] @ weights
        return jnp.sum(weight * optax.softmax_cross_entropy(logits, pair["input"])) / jnp.maximum(jnp.sum(weight), 1)

    def read(number):
        batch = source.read(rows(len(source), batch_size, seed, number), (photo, drawn))
        return batch[photo], batch[drawn]

    params = jax.jit(network.init)(key, jnp.zeros((1, *own["image"].shape)))
    return trained.fit("segmenter", loss, params, read, steps=steps, learning_rate=learning_rate, seed=seed)


def class_weights(source: Source, drawn: str) -> np.ndarray:
    """What a pixel of each class counts in training: the root of how rare it is, float32 [K]; 0 for void.

    Of equal weights nothing is learned of classes that few pixels are of, such as doors; of weights that even them out,
    too much is.
    """
    names, counts = source.fields[drawn].names, 0
    for start in range(0, min(len(source), COUNTED), CHUNK):
        maps = source.read(np.arange(start, min(start + CHUNK, len(source))), (drawn,))[drawn]
        counts += np.bincount(maps.ravel(), minlength=len(names))
    shares = np.where([name != VOID for name in names], counts / max(counts.sum(), 1), 0)
    return np.float32(np.where(shares > 0, 1 / np.sqrt(np.where(shares > 0, shares, 1)), 0))


def segment(segmenter: Segmenter, images: jax.Array) -> jax.Array:
    """The class of each pixel, but never void: int [B, H, W] of images [B, H, W, C] in [-1, 1]."""
    _, logits = Network(len(segmenter.names)).apply(segmenter.params, images)
    return jnp.argmax(jnp.where(np.array([name == VOID for name in segmenter.names]), -jnp.inf, logits), axis=-1)


def measure(segmenter: Segmenter, photos: Source, photo: str, maps: Source, drawn: str) -> Score:
    """How the classes that it tells agree with label maps.

    Args:
        segmenter: which tells them.
        photos, photo: a set of photographs, or of what is like them, and the name of that field.
        maps, drawn: a set with the label map of each, and the name of that field.
    """
    field, apply, pairs = photos.fields[photo], jax.jit(partial(segment, segmenter)), 0
    for start in range(0, len(photos), CHUNK):
        rows, there = np.arange(start, start + CHUNK) % len(photos), min(CHUNK, len(photos) - start)
        images, wanted = photos.read(rows, (photo,))[photo], maps.read(rows, (drawn,))[drawn]
        found = np.asarray(apply(field.modality.to_model(images, field)))
        pairs += confusion(found[:there], wanted[:there], segmenter.names)
    return score(pairs)


def train_to_file(config, out: Path, *, test: str | None, images: int, seed: int, overwrite: bool = False) -> None:
    """Trains a segmenter, measures it on pictures that it was not trained on, and writes both.

    Args:
        config: the data, see `gan_jax.data.open_source`; without a palette, that of the pictures.
        out: the .npz file.
        test: another `config.source` to measure it on; None: a tenth of the set is held out.
        images: see `train`.
        seed: see `train`.
        overwrite: whether a segmenter that is there already may be replaced.

    Raises:
        UserError: no pairs of photographs and maps, a test set that does not fit, or something else is there.
    """
    config = config.copy_and_resolve_references().unlock()
    config.palette = config.palette or FOUND
    source, tests, tested_on = trained.open_sets(config, out, test=test, seed=seed, overwrite=overwrite)
    photo, drawn = photo_and_map(source)
    field = source.fields[drawn]
    print(f"segmenter: training on {images:,} images of {config.source}", file=sys.stderr)
    params = trained.halved(train(source, config, images=images, seed=seed))
    about = {
        "image_shape": source.fields[photo].shape,
        "classes": field.names,
        "palette": field.fitted["palette"],
        "trained_on": config.source,
        "images": images,
        "seed": seed,
        "tested_on": tested_on,
    }
    found = measure(_segmenter(params, about, ""), tests, photo, tests, drawn)
    own = {
        name: None if np.isnan(iou) else round(float(iou), 4) for name, iou in zip(field.names, found.iou, strict=True)
    }
    trained.save(out, params, {**about, "mean_iou": found.mean_iou, "accuracy": found.accuracy, "iou": own})
    for name, iou in own.items():
        print(f"{name:>20} IoU {'none there' if iou is None else f'{iou:.3f}'}")
    print(
        f"mean IoU {found.mean_iou:.3f}, {found.accuracy:.1%} of the pixels of {len(tests):,} pictures of {tested_on} "
        f"are right{', void left out' if VOID in field.names else ''} -> {out}"
    )


def load(path: Path) -> Segmenter:
    """Reads what `train_to_file` wrote.

    Raises:
        UserError: there is no such file, or it is no segmenter.
    """
    init = lambda about: Network(len(about["classes"])).init(jax.random.key(0), jnp.zeros((1, *about["image_shape"])))
    return _segmenter(*trained.load(path, init, "segmenter"))


def _segmenter(params: dict, about: dict, sha256: str) -> Segmenter:
    return Segmenter(params, tuple(about["image_shape"]), tuple(about["classes"]), about, sha256)
