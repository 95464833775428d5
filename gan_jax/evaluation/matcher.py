"""A pair encoder: which caption belongs to which image, and, where a data set says it, what is in an image.

It judges images that are made of captions, and so is trained apart from what makes them. The one for captioned digits
comes with the library: `captioned_digits.npz` beside this file says how it was made and how good it is.

Reference: Xu et al. 2018 (AttnGAN), who judge by such an encoder (R-precision); the loss is that of Radford et al. 2021
(CLIP), in which equal captions are no others.
"""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import regularizers
from gan_jax.data import Source, captions, rows
from gan_jax.errors import UserError
from gan_jax.evaluation import trained
from gan_jax.modalities.text import drawn
from gan_jax.networks import gru
from gan_jax.networks.layers import Conv
from gan_jax.noise import per_example
from gan_jax.sampling import in_parts

CAPTIONED_DIGITS = Path(__file__).parent / "captioned_digits.npz"
FEATURES, EMBEDDING, WORD = 128, 64, 64  # numbers of an image's features, of embeddings, of a word
WIDTHS = (32, 64, 64)  # of convolutions, each of which halves the image
CHUNK = 256  # images of a forward pass
SCALED_BY = 2000  # images, at most, by which features are scaled
AMONG = 100  # captions, of which one is the image's own
SHIFT = 1  # pixels, the most that training moves an image in each direction


class Network(nn.Module):
    """Images [B, H, W, C] in [-1, 1] to their features, those to embeddings and logits, captions to embeddings.

    Attributes:
        num_words: of the vocabulary, with 0, no word.
        classes: {what: how many} that are told of an image.
    """

    num_words: int
    classes: dict[str, int]

    def setup(self):
        init = nn.initializers.he_normal()
        self.convolutions = [Conv(width, kernel_init=init) for width in WIDTHS]
        self.dense = nn.Dense(FEATURES, kernel_init=init)
        self.embedding = nn.Dense(EMBEDDING)
        self.heads = {name: nn.Dense(count) for name, count in self.classes.items()}
        self.text = gru.TextEncoder(self.num_words, EMBEDDING, WORD)
        self.scale = self.param("scale", nn.initializers.constant(np.log(1 / 0.07)), ())

    def features(self, images: jax.Array) -> jax.Array:
        """[B, FEATURES]"""
        for conv in self.convolutions:
            images = nn.relu(conv(images))
        return nn.relu(self.dense(images.reshape(len(images), -1)))

    def embed(self, features: jax.Array) -> jax.Array:
        """[B, EMBEDDING], of length 1."""
        return unit(self.embedding(features))

    def tell(self, features: jax.Array) -> dict[str, jax.Array]:
        """{what: logits [B, K]}"""
        return {name: head(features) for name, head in self.heads.items()}

    def read(self, words: jax.Array) -> jax.Array:
        """Captions int [B, L] to [B, EMBEDDING], of length 1."""
        return unit(self.text(words))

    def __call__(self, images: jax.Array, words: jax.Array) -> tuple[jax.Array, jax.Array, dict[str, jax.Array]]:
        """How well each image and each caption go together, [B, B], how sharply that is told, and what is in it."""
        features = self.features(images)
        return self.embed(features) @ self.read(words).T, jnp.exp(self.scale), self.tell(features)


def unit(x: jax.Array) -> jax.Array:
    """Vectors [..., E] at length 1."""
    return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-6)


class Matcher(NamedTuple):
    """A trained network.

    Attributes:
        params: of `Network`.
        image_shape: (H, W, C) that it takes.
        words: its vocabulary.
        classes: {what: names of classes}.
        about: what it was trained and tested on, and how good it was there.
        sha256: of its parameters.
    """

    params: dict
    image_shape: tuple[int, int, int]
    words: tuple[str, ...]
    classes: dict[str, tuple[str, ...]]
    about: dict
    sha256: str

    def call(self, params: dict, *args, method: str) -> Any:
        """What a method of the network gives."""
        return _network(self.words, self.classes).apply(params, *args, method=method)


def _network(words: Sequence[str], classes: Mapping[str, Sequence[str]]) -> Network:
    return Network(len(words), {name: len(names) for name, names in classes.items()})


def train(source: Source, *, images: int, batch_size: int = 128, learning_rate: float = 2e-3, seed: int = 0) -> dict:
    """The parameters of a `Network`, by Adam with a rate that falls to zero, on randomly shifted images.

    Args:
        source: images with captions, and perhaps what they say, see `told_of`.
        images: shown in all, over all epochs.
        batch_size: at most as many as the source has.
        learning_rate: at the start.
        seed: of the start, the order, the shifts and which of several captions.

    Raises:
        UserError: the source has no captions, or no images.
    """
    _check(source)
    field, batch_size, classes = source.fields[source.target], min(batch_size, len(source)), told_of(source)
    network = _network(source.fields[captions.NAME].names, classes)

    def shifted(image, start):
        padded = jnp.pad(image, ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
        return jax.lax.dynamic_slice(padded, (*start, 0), image.shape)

    def total(params, key, images, words, *said):
        index = jnp.arange(len(images))
        places = per_example(partial(jax.random.randint, minval=0, maxval=2 * SHIFT + 1), key, index, (2,))
        words = drawn(words, jax.random.fold_in(key, 1), index)
        moved = jax.vmap(shifted)(field.modality.to_model(images, field), places)
        similar, scale, told = network.apply(params, moved, words)
        value = regularizers.contrastive(scale * similar, words)
        for name, own in zip(classes, said, strict=True):
            each = optax.softmax_cross_entropy_with_integer_labels(told[name], jnp.maximum(own, 0))
            value += jnp.mean(each * (own >= 0))
        return value

    def read(number):
        batch = source.read(rows(len(source), batch_size, seed, number), (source.target, captions.NAME, *classes))
        return tuple(batch.values())

    params = jax.jit(network.init)(jax.random.key(seed), jnp.zeros((1, *field.shape)), jnp.ones((1, 1), jnp.int32))
    steps = max(images // batch_size, 1)
    return trained.fit("matcher", total, params, read, steps=steps, learning_rate=learning_rate, seed=seed)


def with_unit_features(params: dict, source: Source) -> dict:
    """Parameters of the same matcher whose features have a mean square of 1 over the set, as a classifier's.

    ReLU lets a positive factor through: what is taken from one layer, the next ones get.
    """
    own, some = dict(params["params"]), np.arange(0, len(source), max(len(source) // SCALED_BY, 1))
    found = _features_of(told_of(source), params, source.read(some, (source.target,))[source.target])
    scale = np.sqrt(np.mean(found**2))
    own["dense"] = jax.tree.map(lambda leaf: leaf / scale, own["dense"])
    for name in own:
        if name == "embedding" or name.startswith("heads"):
            own[name] = {**own[name], "kernel": own[name]["kernel"] * scale}
    return {"params": own}


def _check(source: Source) -> None:
    """Raises UserError if a set has no images with captions."""
    if captions.NAME not in source.fields or source.fields[source.target].modality.name != "image":
        raise UserError("a matcher needs images with captions: set --config.data.caption")


def told_of(source: Source) -> dict[str, tuple[str, ...]]:
    """{field: names of classes} of what captions say of their images, and the data set knows: labels but "label"."""
    return {
        name: field.names for name, field in source.fields.items() if field.modality.name == "label" and name != "label"
    }


def features(matcher: Matcher, params: dict, images: jax.Array) -> jax.Array:
    """[B, FEATURES] of images in [0, 255], uint8 or float."""
    return matcher.call(params, images.astype(jnp.float32) / 127.5 - 1, method="features")


def _features_of(classes: Mapping[str, Sequence[str]], params: dict, stored: np.ndarray) -> np.ndarray:
    """Those of any number of images, [N, FEATURES]."""
    own = Matcher(params, stored.shape[1:], (), classes, {}, "")
    return in_parts(jax.jit(partial(features, own)), params, (stored,), CHUNK)


def words_right(matcher: Matcher, features: np.ndarray, said: dict[str, np.ndarray]) -> dict[str, float]:
    """{what: the share of images of which what is said of it is also seen in it}

    Args:
        matcher: the judge.
        features: of images, [N, FEATURES].
        said: {what: int [N]}, -1 where nothing is.
    """
    told = matcher.call(matcher.params, features, method="tell")
    return {
        name: float(np.mean(np.argmax(told[name], axis=1)[own >= 0] == own[own >= 0])) for name, own in said.items()
    }


def r_precision(matcher: Matcher, features: np.ndarray, words: np.ndarray, seed: int = 0) -> float:
    """How often an image's own caption is nearest to it among 100, of which 99 are others' and differ from it.

    Of an image with several captions the nearest counts, its own ones and those of others.

    Args:
        matcher: the judge.
        features: of images, [N, FEATURES].
        words: int [N, K, L], their captions in the matcher's words.
        seed: of the other captions.

    Raises:
        UserError: there are not as many different captions.

    Reference: Xu et al. 2018 (AttnGAN), section 4.
    """
    n, most = words.shape[:2]
    which = _different(words)
    read = jax.jit(partial(matcher.call, matcher.params, method="read"))
    read_all = np.concatenate([np.asarray(read(words[:, each])) for each in range(most)]).reshape(most, n, -1)
    there = (words[:, :, 0] > 0).T
    seen = np.asarray(matcher.call(matcher.params, features, method="embed"))
    rng, right = np.random.default_rng(seed), 0
    for number in range(n):
        others = rng.permutation(np.flatnonzero(which != which[number]))[: AMONG - 1]
        chosen = np.concatenate([[number], others])
        near = np.where(there[:, chosen], read_all[:, chosen] @ seen[number], -np.inf).max(axis=0)
        right += int(near.argmax() == 0)
    return right / n


def _different(words: np.ndarray) -> np.ndarray:
    """Numbers of captions [N, K, L], int [N], equal for equal ones.

    Raises:
        UserError: there are fewer than R-precision needs.
    """
    found, which = np.unique(words.reshape(len(words), -1), axis=0, return_inverse=True)
    if len(found) < AMONG:
        raise UserError(f"R-precision needs {AMONG} different captions, and there are {len(found)}")
    return which.reshape(-1)


def train_to_file(config, out: Path, *, test: str | None, images: int, seed: int, overwrite: bool = False) -> None:
    """Trains a matcher, tests it on images that it was not trained on, and writes both; see the classifier's.

    Raises:
        UserError: data without captions, a test set that does not fit, or something else is there.
    """
    source, tests, tested_on = trained.open_sets(config, out, test=test, seed=seed, overwrite=overwrite)
    _check(source)
    batch = tests.read(np.arange(len(tests)), (tests.target, captions.NAME, *told_of(source)))
    tested, words = batch.pop(tests.target), batch.pop(captions.NAME)
    _different(words)
    print(f"matcher: training on {images:,} images of {config.source}", file=sys.stderr)
    params = trained.halved(with_unit_features(train(source, images=images, seed=seed), source))
    about = {
        "image_shape": source.fields[source.target].shape,
        "words": source.fields[captions.NAME].names,
        "classes": told_of(source),
        "trained_on": config.source,
        "images": images,
        "seed": seed,
        "tested_on": tested_on,
    }
    own = Matcher(params, about["image_shape"], about["words"], about["classes"], about, "")
    found = _features_of(about["classes"], params, tested)
    about["right"] = words_right(own, found, batch)
    about["r_precision"] = r_precision(own, found, words)
    trained.save(out, params, about)
    right = "".join(f", {name} {share:.2%}" for name, share in about["right"].items())
    print(f"of {len(tests):,} images of {tested_on}: R-precision {about['r_precision']:.2%}{right} -> {out}")


def load(path: Path = CAPTIONED_DIGITS) -> Matcher:
    """Reads what `train_to_file` wrote.

    Raises:
        UserError: there is no such file, or it is no matcher.
    """

    def init(about):
        network = _network(about["words"], about["classes"])
        return network.init(jax.random.key(0), jnp.zeros((1, *about["image_shape"])), jnp.ones((1, 1), jnp.int32))

    params, about, sha256 = trained.load(path, init, "matcher")
    classes = {name: tuple(names) for name, names in about["classes"].items()}
    return Matcher(params, tuple(about["image_shape"]), tuple(about["words"]), classes, about, sha256)
