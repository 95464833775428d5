"""A small classifier of a labeled data set: features for domains that Inception knows nothing of: digits, sounds, ...

The one for digits comes with the library: `digits.npz` beside this file says how it was made and how good it is.
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
from gan_jax.errors import UserError
from gan_jax.evaluation import trained
from gan_jax.modalities import Field, lookup
from gan_jax.networks import volumes
from gan_jax.networks.layers import Conv

DIGITS = Path(__file__).parent / "digits.npz"
CHUNK = 256  # examples of a forward pass
SHIFT = 2  # places, the most that training moves an example in each direction


class Network(nn.Module):
    """Images [B, H, W, C], spectrograms [B, T, F, C] or solids [B, D, H, W, C], in [-1, 1], to (features [B, 128],
    logits [B, K])."""

    num_classes: int

    @nn.compact
    def __call__(self, examples: jax.Array) -> tuple[jax.Array, jax.Array]:
        conv = Conv if examples.ndim == 4 else volumes.Conv
        x, width = examples, 32
        while min(x.shape[1:-1]) > 4:
            x, width = nn.relu(conv(width, kernel_init=nn.initializers.he_normal())(x)), 64
        x = nn.Dense(128, kernel_init=nn.initializers.he_normal(), name="features")(x.reshape(len(x), -1))
        x = nn.relu(x)
        return x, nn.Dense(self.num_classes, name="logits")(x)


class Classifier(NamedTuple):
    """A trained network.

    Attributes:
        params: of `Network`.
        image_shape: (H, W, C) of the images that it takes, or the shape of other stored examples.
        num_classes: K.
        about: what it was trained and tested on, and its accuracy there, for the protocol.
        sha256: of its parameters.
    """

    params: dict
    image_shape: tuple[int, int, int]
    num_classes: int
    about: dict
    sha256: str

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes; older files have their numbers alone."""
        return tuple(self.about.get("classes") or map(str, range(self.num_classes)))

    @property
    def field(self) -> Field:
        """What it takes; older files are of images."""
        return _field(self.about)


def _field(about: dict) -> Field:
    modality = lookup(about.get("modality", "image"))
    return Field(modality, tuple(about["image_shape"]), (), about.get("fitted", {}))


def seen(stored: jax.Array, field: Field) -> jax.Array:
    """Stored examples as a classifier sees them."""
    return (field.modality.to_classifier or field.modality.to_model)(stored, field)


def _seen_shape(field: Field) -> tuple[int, ...]:
    like = jax.ShapeDtypeStruct((1, *field.shape), np.uint8)  # of which only the shape counts
    return jax.eval_shape(partial(seen, field=field), like).shape


def train(source: Source, *, images: int, batch_size: int = 64, learning_rate: float = 2e-3, seed: int = 0) -> dict:
    """The parameters of a `Network`, by Adam with a rate that falls to zero, on randomly shifted examples.

    Args:
        source: labeled images, or other examples that have two or three dimensions, as a classifier sees them.
        images: examples shown in all, over all epochs.
        batch_size: at most as many as the source has.
        learning_rate: at the start.
        seed: of the start, the order and the shifts.

    Raises:
        UserError: the source has no labels, or no images.
    """
    field, num_classes = source.fields[source.target], len(source.class_names)
    if num_classes < 2 or len(_seen_shape(field)) < 4:
        raise UserError("a classifier needs labeled images of at least two classes: folders in the folder are classes")
    batch_size = min(batch_size, len(source))
    steps = max(images // batch_size, 1)
    network, key = Network(num_classes), jax.random.key(seed)

    def shifted(example, key):
        dimensions = example.ndim - 1
        start = jax.random.randint(key, (dimensions,), 0, 2 * SHIFT + 1)
        padded = jnp.pad(example, (*[(SHIFT, SHIFT)] * dimensions, (0, 0)), mode="edge")
        return jax.lax.dynamic_slice(padded, (*start, 0), example.shape)

    def loss(params, key, stored, labels):
        batch = jax.vmap(shifted)(seen(stored, field), jax.random.split(key, len(stored)))
        _, logits = network.apply(params, batch)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def read(number):
        batch = source.read(rows(len(source), batch_size, seed, number), (source.target, "label"))
        return batch[source.target], batch["label"]

    params = jax.jit(network.init)(key, jnp.zeros(_seen_shape(field)))
    return trained.fit("classifier", loss, params, read, steps=steps, learning_rate=learning_rate, seed=seed)


def features(classifier: Classifier, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The classifier's last features of images, or other examples, and its logits.

    A classifier of gray images is given each channel of color ones by itself: the features lie side by side, and the
    K^C joint classes, the first channel's being the most significant digit, have the sums of the log-probabilities as
    logits. So it counts the 1,000 modes of stacked digits.

    Args:
        classifier: see there.
        images: uint8 (or float in [0, 255]) [B, H, W, C]; or other examples as they are stored.

    Returns:
        (features [B, F], logits [B, K])

    Raises:
        UserError: images of another shape than it was trained on.
    """
    apply, field = partial(Network(classifier.num_classes).apply, classifier.params), classifier.field
    if field.modality.to_classifier:
        return apply(seen(images, field))
    height, width, channels = classifier.image_shape
    if images.shape[1:3] != (height, width) or channels not in (1, images.shape[3]):
        wanted, given = ("x".join(map(str, shape)) for shape in (classifier.image_shape, images.shape[1:]))
        raise UserError(f"the classifier takes images {wanted}, not {given}: set data.image_size or train another one")
    images = images.astype(jnp.float32) / 127.5 - 1
    if channels == images.shape[3]:
        return apply(images)
    by_channel = [apply(images[..., c : c + 1]) for c in range(images.shape[3])]
    joint = jnp.zeros((len(images), 1))
    for _, logits in by_channel:
        joint = (joint[:, :, None] + jax.nn.log_softmax(logits)[:, None, :]).reshape(len(images), -1)
    return jnp.concatenate([own for own, _ in by_channel], axis=-1), joint


def apply_to_all(params: dict, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """The features [N, F] and logits [N, K] of a whole set."""
    target, network = source.target, Network(len(source.class_names))
    field, parts = source.fields[target], []
    apply = jax.jit(lambda stored: network.apply(params, seen(stored, field)))
    for start in range(0, len(source), CHUNK):
        parts.append(apply(source.read(np.arange(start, start + CHUNK) % len(source), (target,))[target]))
    return tuple(np.concatenate(part)[: len(source)] for part in zip(*parts, strict=True))


def accuracy(params: dict, source: Source) -> float:
    """The share of a labeled source's examples that are classified right."""
    return float(np.mean(apply_to_all(params, source)[1].argmax(axis=1) == source.labels))


def with_unit_features(params: dict, source: Source) -> dict:
    """Parameters of the same classifier whose features have a mean square of 1 over the set.

    So distances of different classifiers are of one magnitude, and the cubes in the kernel distance's kernel are not
    ruled by the largest features. ReLU lets a positive factor through: what is taken from one layer, the next one gets.
    """
    scale = float(np.sqrt(np.mean(apply_to_all(params, source)[0] ** 2)))
    own = dict(params["params"])
    own["features"] = jax.tree.map(lambda leaf: leaf / scale, own["features"])
    own["logits"] = {**own["logits"], "kernel": own["logits"]["kernel"] * scale}
    return {"params": own}


def accuracy_score(fake: Source, real: Source, *, images: int, seed: int = 0) -> float:
    """The classification accuracy score: how well real images are classified by what was trained on generated ones.

    It falls with every class that is generated badly, wrongly or without variety, which a grid of images may not show.

    Args:
        fake: generated images, with the labels that they were generated for.
        real: of the same classes.
        images: that the classifier is trained on, over all epochs.
        seed: of the training.

    Returns:
        The accuracy on the real images, [0, 1].

    Reference: Ravuri and Vinyals 2019, section 3.
    """
    return accuracy(train(fake, images=images, seed=seed), real)


def train_to_file(config, out: Path, *, test: str | None, images: int, seed: int, overwrite: bool = False) -> None:
    """Trains a classifier, tests it on images that it was not trained on, and writes both.

    Args:
        config: the data, see `gan_jax.data.open_source`.
        out: the .npz file.
        test: another `config.source` with the same classes to test on; None: a tenth of the set is held out.
        images: see `train`.
        seed: see `train`.
        overwrite: whether a classifier that is there already may be replaced.

    Raises:
        UserError: data without labels, a test set that does not fit, or something else is there.
    """
    source, tests, tested_on = trained.open_sets(config, out, test=test, seed=seed, overwrite=overwrite)
    print(f"classifier: training on {images:,} images of {config.source}", file=sys.stderr)
    params = trained.halved(with_unit_features(train(source, images=images, seed=seed), source))
    right = accuracy(params, tests)
    about = {
        "trained_on": config.source,
        "classes": source.class_names,
        "images": images,
        "seed": seed,
        "tested_on": tested_on,
    }
    field, num_classes = source.fields[source.target], len(source.class_names)
    about |= {"modality": field.modality.name, "fitted": dict(field.fitted)}
    save(out, params, field.shape, num_classes, {**about, "accuracy": right})
    print(f"{right:.2%} of {len(tests):,} images of {tested_on} are classified right -> {out}")


def save(path: Path, params: dict, image_shape: tuple[int, int, int], num_classes: int, about: dict) -> Classifier:
    """Writes an .npz of the parameters, in half precision, and of what is known about them; returns what it holds."""
    trained.save(path, params, {**about, "image_shape": image_shape, "num_classes": num_classes})
    return load(path)


def load(path: Path = DIGITS) -> Classifier:
    """Reads what `save` wrote.

    Raises:
        UserError: there is no such file, or it is no classifier.
    """
    init = lambda about: Network(about["num_classes"]).init(jax.random.key(0), jnp.zeros(_seen_shape(_field(about))))
    params, about, sha256 = trained.load(path, init, "classifier")
    return Classifier(params, tuple(about["image_shape"]), about["num_classes"], about, sha256)
