"""Directions in latent space that change one thing in a picture: found, measured, applied, kept in a file.

Reference: Harkonen et al. 2020 (GANSpace); Shen and Zhou 2021 (SeFa); Shen et al. 2020 (InterFaceGAN); Larsen et al.
2016 (VAE/GAN).
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.attributes import Attributes
from gan_jax.errors import UserError
from gan_jax.keys import closest
from gan_jax.latent.model import Latents, Model
from gan_jax.latent.readers import readers_of
from gan_jax.modalities import to_model

HELD_OUT = 0.3  # the share of samples by which a prediction is judged
NEGLIGIBLE = 1e-6  # of the largest variance, what the latents do not reach; of a slope, what is left by rounding


@dataclasses.dataclass(frozen=True, eq=False)
class Directions:
    """Some directions.

    Attributes:
        space: the name of theirs.
        names: of K of them.
        vectors: float32 [K, L, f], by layer; a step of 1 is one deviation of the latents.
        about: {name: number or text}, how they were found.
    """

    space: str
    names: tuple[str, ...]
    vectors: np.ndarray
    about: dict

    def __getitem__(self, name: str) -> np.ndarray:
        """[L, f]

        Raises:
            UserError: none has the name.
        """
        if name not in self.names:
            raise UserError(f"--move={name}: there is no such direction; {closest(name, self.names)}")
        return self.vectors[self.names.index(name)]

    def save(self, path: Path, model: Model) -> None:
        """Writes directions in a space of this model as an .npz file."""
        about = {"space": self.space, "about": self.about}
        model.write(path, about, {"names": np.array(self.names), "vectors": self.vectors})


def load_directions(path: Path, model: Model) -> Directions:
    """Reads directions in a space of this model.

    Raises:
        UserError: there is no such file, or it is of another model.
    """
    about, arrays = model.read(path, "--directions", ("names", "vectors"))
    return Directions(about["space"], tuple(map(str, arrays["names"])), arrays["vectors"], about["about"])


class Coordinates(NamedTuple):
    """The numbers that make up a latent, F, whatever its layers get of them; all arrays are float64.

    Attributes:
        basis: [F, L, f], what each number is to the layers.
        whiten: [F, D], to coordinates in which the latents vary by 1 in all D directions.
        color: [D, F], back.
        centered: [n, F], some latents, around the mean of each one's class, and of all.
    """

    basis: np.ndarray
    whiten: np.ndarray
    color: np.ndarray
    centered: np.ndarray

    @property
    def white(self) -> np.ndarray:
        """[n, D]"""
        return self.centered @ self.whiten

    def directions(self, space: str, names: Sequence[str], vectors: np.ndarray, layers: np.ndarray, about: dict):
        """Directions [K, F] that move the chosen layers alone, a step a deviation of the latents along them."""
        deviation = np.linalg.norm(vectors @ self.whiten, axis=1)
        by_layer = np.einsum("kf,fli->kli", vectors / deviation[:, None], self.basis)
        return Directions(space, tuple(names), np.float32(np.where(layers[:, None], by_layer, 0)), about)


def coordinates(model: Model, latents: Latents) -> Coordinates:
    """The coordinates of a space, as some latents show them.

    Args:
        model: whose latents they are.
        latents: [n], as they are drawn.

    Raises:
        UserError: they are too few.
    """
    own, given = model.space(latents.space)[1], {name: column[:1] for name, column in latents.given.items()}
    size = own.mean(model.variables, 1, to_model(given, model.fields)).shape[1]
    if len(latents) < 2 * size:
        raise UserError(f"--num={len(latents)}: latents of {size} numbers need at least {2 * size}")
    basis = np.asarray(own.by_layer(np.eye(size)), np.float64)
    moved = latents.values - model.mean(latents.given, len(latents), latents.space)
    centered = moved.reshape(len(moved), -1) @ np.linalg.pinv(basis.reshape(size, -1))
    centered -= centered.mean(axis=0)
    variances, vectors = np.linalg.eigh(centered.T @ centered / len(centered))
    kept = variances > NEGLIGIBLE * variances.max()
    deviations, vectors = np.sqrt(variances[kept])[::-1], vectors[:, kept][:, ::-1]  # from the largest on
    return Coordinates(basis, vectors / deviations, deviations[:, None] * vectors.T, centered)


def pca(model: Model, latents: Latents, layers: np.ndarray, most: int) -> Directions:
    """The directions in which latents vary most, around the mean of each class (GANSpace).

    Where no network makes the latents, as z, they are those in which what the first layers make of them varies most:
    the left singular vectors of their weights, to which GANSpace's regression from activations comes where a layer is
    linear and latents vary alike in all directions.

    Args:
        model: whose latents they are.
        latents: [n], as they are drawn.
        layers: bool [L], that are moved.
        most: directions.

    Raises:
        UserError: there are too few latents, or no linear layer reads those of a prior.
    """
    found = coordinates(model, latents)
    if model.space(latents.space)[1].prior:
        vectors = np.linalg.svd(outputs(model, latents.space, found.basis, layers), full_matrices=False)[0].T
    else:
        vectors = found.color
    return found.directions(latents.space, *numbered("pca", vectors, most), layers, {"method": "pca"})


def sefa(model: Model, latents: Latents, layers: np.ndarray, most: int) -> Directions:
    """The directions that change most what the layers read of the latents: eigenvectors of their weights (SeFa).

    Args:
        model, latents, layers, most: see `pca`; the latents say how far a deviation is.

    Raises:
        UserError: there are too few latents, or no linear layer reads them.
    """
    found = coordinates(model, latents)
    weights = outputs(model, latents.space, found.basis, layers)
    weights /= np.maximum(np.linalg.norm(weights, axis=0), 1e-12)
    values, vectors = np.linalg.eigh(weights @ weights.T)
    vectors = vectors[:, values > NEGLIGIBLE * values.max()].T[::-1]
    return found.directions(latents.space, *numbered("sefa", vectors, most), layers, {"method": "sefa"})


def outputs(model: Model, space: str, basis: np.ndarray, layers: np.ndarray) -> np.ndarray:
    """[F, O]: what the linear layers that read the latents make of each number, those of the chosen layers.

    Raises:
        UserError: there is none.
    """
    chosen = [basis[:, layer] @ weights for layer, weights in readers_of(model, space) if layers[layer]]
    if not chosen:
        raise UserError(f"--layers: no linear layer reads the latents of these layers in the space {space}")
    return np.concatenate(chosen, axis=1)


def numbered(name: str, vectors: np.ndarray, most: int) -> tuple[list[str], np.ndarray]:
    """Names of the first directions, and they themselves."""
    return [f"{name}{number}" for number in range(len(vectors[:most]))], vectors[:most]


def means(
    model: Model, latents: Latents, attributes: Attributes, layers: np.ndarray, conditional: bool = True
) -> Directions:
    """From the mean of the latents whose pictures have less of an attribute than most to that of those that have more.

    They are VAE/GAN's attribute vectors, there of encoded photographs with an attribute and without.

    Args and returns: see `labels`.

    Reference: Larsen et al. 2016, section 4.1.1.
    """

    def fit(x, y):
        ways = np.stack([x[above].mean(axis=0) - x[~above].mean(axis=0) for above in (y > 0).T])
        along = x @ ways.T
        return ways * (np.sum(along * y, axis=0) / np.sum(along**2, axis=0))[:, None]  # as long as predicts best

    return _of_attributes("means", fit, model, latents, attributes, layers, conditional)


def labels(
    model: Model, latents: Latents, attributes: Attributes, layers: np.ndarray, conditional: bool = True
) -> Directions:
    """The direction in which each attribute of the pictures rises most (InterFaceGAN).

    InterFaceGAN takes the normal of the hyperplane between pictures of two sorts. Here it is the gradient of the
    attribute's best linear prediction, as most attributes are numbers; and a step has the length of a deviation of the
    latents, so that in a space which is stretched, such as w, a direction leads to where latents are.

    Args:
        model: whose latents they are.
        latents: [n], as they are drawn.
        attributes: that are measured of their pictures.
        layers: bool [L], that are moved.
        conditional: whether each direction leaves the predictions of all other attributes as they are.

    Returns:
        Directions whose `about` has, for each attribute, of samples that the prediction was not made from, "r2", the
        explained share of the variance, and "accuracy", how often it is right about what is above the mean.

    Raises:
        UserError: there are too few latents, or an attribute does not vary, or depends on the others alone.
    """
    fit = lambda x, y: np.linalg.lstsq(x, y)[0].T
    return _of_attributes("labels", fit, model, latents, attributes, layers, conditional)


def _of_attributes(
    method: str,
    fit: Callable[[np.ndarray, np.ndarray], np.ndarray],
    model: Model,
    latents: Latents,
    attributes: Attributes,
    layers: np.ndarray,
    conditional: bool,
) -> Directions:
    """See `labels`. `fit` makes slopes [K, D] of latents [n, D] and attributes [n, K], all of which vary by 1."""
    found = coordinates(model, latents)
    values = attributes.measure(model.decode(latents))
    mean, spread = values.mean(axis=0), values.std(axis=0)
    if (constant := spread == 0).any():
        raise UserError(f"--attributes: {attributes.names[constant.argmax()]} is the same in all samples")
    x, y = found.white, (values - mean) / spread
    split = round(len(x) * (1 - HELD_OUT))
    slopes = fit(x[:split], y[:split])
    predicted, real = x[split:] @ slopes.T, y[split:]
    r2 = 1 - np.sum((real - predicted) ** 2, axis=0) / np.sum((real - real.mean(axis=0)) ** 2, axis=0)
    accuracy = np.mean((predicted > 0) == (real > 0), axis=0)
    moved = np.any(found.basis[:, layers] != 0, axis=(1, 2))  # numbers that the chosen layers read
    slopes = slopes @ found.color * moved @ found.whiten
    if conditional:
        left = np.stack([without(slopes[k], np.delete(slopes, k, axis=0)) for k in range(len(slopes))])
        if (dependent := np.linalg.norm(left, axis=1) < NEGLIGIBLE * np.linalg.norm(slopes, axis=1)).any():
            name = attributes.names[dependent.argmax()]
            raise UserError(f"--attributes: {name} cannot change without the others: use --noconditional, or fewer")
        slopes = left
    about = {"method": method, "conditional": conditional}
    about |= {
        f"{name} {what}": float(score[k])
        for k, name in enumerate(attributes.names)
        for what, score in (("r2", r2), ("accuracy", accuracy))
    }
    return found.directions(latents.space, attributes.names, slopes @ found.color, layers, about)


def without(vector: np.ndarray, others: np.ndarray) -> np.ndarray:
    """A vector [D] less its projection onto the span of others [K, D]."""
    return vector - others.T @ np.linalg.lstsq(others.T, vector)[0]


def effects(model: Model, directions: Directions, latents: Latents, attributes: Attributes) -> np.ndarray:
    """How much each attribute changes with a step along each direction.

    Args:
        model: whose directions they are.
        directions: K of them.
        latents: [n], of other samples than those by which they were found.
        attributes: A of them.

    Returns:
        [K, A], half the change from a step back to a step forth, in deviations of the attribute over the samples.
    """
    spread = attributes.measure(model.decode(latents)).std(axis=0)
    rows = []
    for vector in directions.vectors:
        before, after = (attributes.measure(model.decode(moved(latents, sign * vector))) for sign in (-1, 1))
        rows.append((after - before).mean(axis=0) / 2 / np.maximum(spread, 1e-12))
    return np.stack(rows)


def moved(latents: Latents, vector: np.ndarray) -> Latents:
    """Latents, each moved by a vector [L, f]."""
    return dataclasses.replace(latents, values=latents.values + np.float32(vector))
