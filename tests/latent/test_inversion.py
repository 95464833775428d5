"""Searching for latents: a linear generator's are least squares."""

import dataclasses

import numpy as np
from linear import SIZE, linear_model, matrix_of

from gan_jax.latent.inversion import NO_NOISE, Search, deviation, make_inverter
from gan_jax.latent.pivotal import tune


def targets(n=5):
    return np.random.default_rng(0).integers(90, 166, (n, 2, 3, 1), np.uint8)


def least_squares(stored, matrix, offset=0.0):
    flat = stored.reshape(len(stored), -1) / 127.5 - 1 - offset
    return np.linalg.lstsq(matrix.T, flat.T)[0].T


def test_the_nearest_picture():
    """Without a prior it is the projection onto what the generator can make."""
    model, stored = linear_model(), targets()
    found = make_inverter(model, Search(prior=0.0, steps=400), 5)(stored, None)
    wanted = least_squares(stored, matrix_of(model))
    np.testing.assert_allclose(found.latents.values[:, 0], wanted, atol=2e-3)
    made = wanted @ matrix_of(model)
    error = np.mean((made - (stored.reshape(5, -1) / 127.5 - 1)) ** 2, axis=1)
    np.testing.assert_allclose(found.error, error, rtol=1e-3)
    np.testing.assert_allclose(found.distance, np.sqrt(np.mean(wanted**2, axis=1)) / deviation(model, "z"), rtol=1e-2)
    assert (found.latents.noise == NO_NOISE).all() and found.latents.space == "z"


def test_latents_of_each_layer():
    """Here each layer makes three pixels of three numbers: any picture."""
    model, stored = linear_model(), targets(3)
    one, each = (make_inverter(model, Search("w", own, 400, prior=0.0), 3)(stored, None) for own in (False, True))
    assert one.latents.values.shape == each.latents.values.shape == (3, 2, SIZE)
    np.testing.assert_array_equal(one.latents.values[:, 0], one.latents.values[:, 1])
    assert (each.error < 1e-2 * one.error).all()
    assert np.abs(model.decode(each.latents).astype(int) - stored).max() <= 4  # the steps end before it does


def test_the_prior_keeps_latents_near():
    model, far = linear_model(), np.array([[0, 255, 0, 255, 0, 255]], np.uint8).reshape(1, 2, 3, 1)
    free, kept = (make_inverter(model, Search(prior=prior))(far, None) for prior in (0.0, 10.0))
    assert free.distance[0] > 1.5 > 1.1 > kept.distance[0] and kept.error[0] > free.error[0]


def test_a_picture_is_found_alone_as_among_others():
    invert, stored = make_inverter(linear_model(), Search(steps=50, restarts=3), 6), targets(6)
    together, alone = invert(stored, None), invert(stored[4:5], None)
    np.testing.assert_allclose(together.latents.values[4:5], alone.latents.values, atol=1e-5)


def test_the_class_is_found():
    model = linear_model(("a", "b"))
    latents = model.draw(range(8), np.arange(8) % 2)
    found = make_inverter(model, Search(prior=0.0), 8)(model.decode(latents), None)
    np.testing.assert_array_equal(found.latents.given["label"], latents.given["label"])
    np.testing.assert_allclose(found.latents.values, latents.values, atol=0.1)  # colors are rounded
    wrong = make_inverter(model, Search(prior=0.0), 8)(model.decode(latents), 1 - np.arange(8) % 2)
    np.testing.assert_array_equal(wrong.latents.given["label"], 1 - np.arange(8) % 2)
    assert (wrong.error > found.error).all()


def test_restarts_keep_the_best_start():
    """Without steps, it is the nearest of the mean and of random pictures."""
    model, stored = linear_model(), targets(1)
    error = lambda **search: make_inverter(model, Search(steps=0, **search))(stored, None).error[0]
    starts = model.draw(range(20), np.zeros(20, int)).values
    starts[0] = 0
    made = starts[:, 0] @ matrix_of(model)
    errors = np.mean((made - (stored.reshape(-1) / 127.5 - 1)) ** 2, axis=1)
    np.testing.assert_allclose([error(), error(restarts=20)], [errors[0], errors.min()], rtol=1e-4)
    assert errors.min() < errors[0]


def test_an_encoder_gives_the_first_start():
    """One that inverts the generator finds the very latents, and without steps nothing else is done."""
    model = linear_model()
    back = np.linalg.pinv(matrix_of(model))
    own = model.game.spaces["w"]._replace(encode=lambda variables, images: images.reshape(len(images), -1) @ back)
    model = dataclasses.replace(model, game=model.game._replace(spaces={"w": own}))
    latents = model.draw(range(8), np.zeros(8, int))
    found = make_inverter(model, Search(steps=0), 8)(model.decode(latents), None)
    np.testing.assert_allclose(found.latents.values, latents.values, atol=0.2)  # colors are rounded
    assert (found.error < 1e-4).all()


def test_pivotal_tuning_moves_the_generator_to_the_pictures():
    """Latents stay; two pictures of two latents can be met exactly."""
    model, stored = linear_model(), targets(2)
    latents = model.draw(range(2), np.zeros(2, int))
    latents = dataclasses.replace(latents, noise=np.full(2, NO_NOISE, np.int32))
    params = tune(model, latents, stored, steps=600, learning_rate=0.02)
    tuned = dataclasses.replace(model, variables={"generator": {"params": params}})
    assert np.abs(tuned.decode(latents).astype(int) - stored).max() <= 2
    assert np.abs(model.decode(latents).astype(int) - stored).max() > 10
    assert matrix_of(tuned).shape == (SIZE, 6)
