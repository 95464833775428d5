"""Directions of a linear generator, which have closed forms; and in networks, which layers read the latents."""

import dataclasses

import numpy as np
import pytest
from linear import SIZE, STRETCH, linear_model, matrix_of

from gan_jax.attributes import Attributes
from gan_jax.errors import UserError
from gan_jax.latent import directions
from gan_jax.latent.readers import readers_of

BOTH = np.array([True, True])
PIXELS = Attributes(("first", "second"), lambda stored: stored[:, 0, :2, 0].astype(np.float64))


def drawn(model, space, n=2_000):
    return model.draw(range(n), np.zeros(n, int), space)


def same_axes(a, b):
    """Whether rows are equal up to their signs."""
    signs = np.sign(np.sum(a * b, axis=1, keepdims=True))
    np.testing.assert_allclose(a, signs * b, atol=0.05 * np.abs(b).max())


def test_the_layers_that_read_latents():
    model = linear_model()
    kernels = np.split(matrix_of(model), 2, axis=1)
    for space, layers in (("w", [0, 1]), ("z", [0, 0])):
        readers = readers_of(model, space)
        assert [reader.layer for reader in readers] == layers
        for reader, kernel in zip(readers, kernels, strict=True):
            np.testing.assert_allclose(reader.weights, kernel, rtol=1e-4)


def test_principal_components():
    """Of w its axes, a deviation long; of z, which is alike in all directions, those of what is made of it."""
    model = linear_model()
    found = directions.pca(model, drawn(model, "w", 10_000), BOTH, 3)
    same_axes(found.vectors[:, 0], np.diag(STRETCH))
    np.testing.assert_array_equal(found.vectors[:, 0], found.vectors[:, 1])
    assert found.names == ("pca0", "pca1", "pca2")
    found = directions.pca(model, drawn(model, "z", 10_000), BOTH[:1], 2)
    same_axes(found.vectors[:, 0], np.linalg.svd(matrix_of(model))[0].T[:2])


@pytest.mark.parametrize("layers", [[True, True], [False, True]])
def test_eigenvectors_of_the_weights(layers):
    """Up to their length, which is a deviation of w, the left singular vectors of weights with columns of length 1."""
    model, layers = linear_model(), np.array(layers)
    found = directions.sefa(model, drawn(model, "w", 10_000), layers, SIZE)
    weights = matrix_of(model)[:, np.repeat(layers, 3)]
    wanted = np.linalg.svd(weights / np.linalg.norm(weights, axis=0))[0].T
    moved = found.vectors[:, 1]
    same_axes(moved / np.linalg.norm(moved, axis=1, keepdims=True), wanted)
    # The deviation of latents of covariance C along a direction d: 1 / |C^-1/2 d|.
    np.testing.assert_allclose(np.linalg.norm(moved / STRETCH, axis=1), 1, rtol=0.05)
    assert np.all(found.vectors[:, 0] == 0) == (not layers[0])


@pytest.mark.parametrize("space", ["z", "w"])
def test_attributes_rise_along_their_directions(space):
    """Each without the other, where that is asked for."""
    model = linear_model()
    latents, layers = drawn(model, space, 3_000), BOTH[: 2 if space == "w" else 1]
    used, fresh = latents.take(slice(2_000)), latents.take(slice(2_000, None))
    for conditional in (True, False):
        found = directions.labels(model, used, PIXELS, layers, conditional)
        assert found.about["first r2"] > 0.99 and found.about["second accuracy"] > 0.95
        effects = directions.effects(model, found, fresh, PIXELS)
        assert (np.diag(effects) > 0.3).all()
        cross = np.abs(effects[~np.eye(2, dtype=bool)])
        assert (cross < 0.02).all() if conditional else (cross > 0.1).any()
    # Without a condition it is the steepest way for latents of covariance C: C b / |C^1/2 b|, b the gradient.
    covariance = np.cov(used.values[:, 0].T)
    gradient = matrix_of(model)[:, :2].T
    steepest = gradient @ covariance / np.sqrt(np.sum(gradient @ covariance * gradient, axis=1, keepdims=True))
    np.testing.assert_allclose(found.vectors[:, 0], steepest, atol=0.05 * np.abs(steepest).max())


def test_the_way_between_means():
    """Of latents of covariance C, on either side of the mean of an attribute of gradient b: along C b, a step long."""
    model = linear_model()
    latents = drawn(model, "w", 10_000)
    found = directions.means(model, latents, PIXELS, BOTH, conditional=False)
    gradient = matrix_of(model)[:, :2].T
    way = gradient @ np.diag(STRETCH**2)
    wanted = way / np.linalg.norm(way / STRETCH, axis=1, keepdims=True)
    np.testing.assert_allclose(found.vectors[:, 0], wanted, atol=0.08 * np.abs(wanted).max())
    assert found.about["method"] == "means" and found.about["first r2"] > 0.9
    found = directions.means(model, latents, PIXELS, BOTH)
    effects = directions.effects(model, found, drawn(model, "w", 500), PIXELS)
    assert (np.diag(effects) > 0.3).all() and (np.abs(effects[~np.eye(2, dtype=bool)]) < 0.1).all()


def test_layers_that_do_not_move():
    """Then a direction of the second row's pixels does nothing to the first row."""
    model = linear_model()
    attributes = Attributes(("below",), lambda stored: stored[:, 1, :1, 0].astype(np.float64))
    found = directions.labels(model, drawn(model, "w"), attributes, np.array([False, True]))
    latents = drawn(model, "w", 5)
    before, after = (model.decode(each) for each in (latents, directions.moved(latents, found["below"])))
    np.testing.assert_array_equal(before[:, 0], after[:, 0])
    assert (before[:, 1, 0] < after[:, 1, 0]).all()


def test_a_file_of_directions(tmp_path):
    model = linear_model()
    found = directions.pca(model, drawn(model, "w"), BOTH, 2)
    found.save(tmp_path / "a.npz", model)
    read = directions.load_directions(tmp_path / "a.npz", model)
    assert (read.space, read.names, read.about) == ("w", found.names, found.about)
    np.testing.assert_array_equal(read["pca1"], found.vectors[1])
    with pytest.raises(UserError, match="--move=pca: there is no such direction"):
        read["pca"]
    other = {"generator": {"params": {"first": np.ones(3)}}}
    with pytest.raises(UserError, match="is of another run"):
        directions.load_directions(tmp_path / "a.npz", dataclasses.replace(model, variables=other))
    with pytest.raises(UserError, match="there is no such file"):
        directions.load_directions(tmp_path / "b.npz", model)


def test_mistakes():
    model = linear_model()
    with pytest.raises(UserError, match="--num=5: latents of 3 numbers need at least 6"):
        directions.pca(model, drawn(model, "w", 5), BOTH, 2)
    assert len(directions.sefa(model, drawn(model, "w", 50), BOTH, 4).names) == SIZE
    four = Attributes(tuple("abcd"), lambda stored: stored.reshape(len(stored), -1)[:, :4].astype(np.float64))
    with pytest.raises(UserError, match="--attributes: a cannot change without the others: use --noconditional"):
        directions.labels(model, drawn(model, "w", 500), four, BOTH)
    constant = Attributes(("one",), lambda stored: np.ones((len(stored), 1)))
    with pytest.raises(UserError, match="--attributes: one is the same in all samples"):
        directions.labels(model, drawn(model, "w", 50), constant, BOTH)
