"""Objectives, penalties and regularizers against their authors' code, and StudioGAN's."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import losses, penalties, regularizers
from gan_jax.games import semi_supervised
from gan_jax.networks.layers import MinibatchDiscrimination
from gan_jax.optimizers import orthogonalize
from gan_jax.terms import classes, lecam
from parity.fixtures import load

THEIRS, WRITTEN = load("losses"), load("losses_numpy")
STUDIO = {"vanilla": "non_saturating", "ls": "least_squares", "hinge": "hinge", "wasserstein": "wasserstein"}
CLOSE = {"rel": 2e-6, "abs": 1e-7}


def nhwc(x):
    return jnp.asarray(x.transpose(0, 2, 3, 1))


def critic(params, images):
    """Theirs, of images with the channels first."""
    return jnp.tanh(images.transpose(0, 3, 1, 2).reshape(len(images), -1) @ params["a"]) @ params["b"]


PARAMS, REAL, FAKE = {"a": THEIRS["a"], "b": THEIRS["b"]}, nhwc(THEIRS["x_real"]), nhwc(THEIRS["x_fake"])


@pytest.mark.parametrize("theirs", [*STUDIO, "biggan"])
def test_objectives(theirs):
    loss, logits = getattr(losses, STUDIO.get(theirs, "hinge")), (THEIRS["real"], THEIRS["fake"])
    assert float(jnp.mean(loss.discriminator(*logits))) == pytest.approx(THEIRS[f"d_{theirs}"], **CLOSE)
    assert float(jnp.mean(loss.generator(*logits))) == pytest.approx(THEIRS[f"g_{theirs}"], **CLOSE)


@pytest.mark.parametrize("k", [6, 4.2, 1.5])
def test_top_k(k):
    fake = jnp.asarray(THEIRS["fake"])
    value = jnp.mean(losses.hinge.generator(fake, fake) * regularizers.top_k(fake, jnp.float32(k / 6)))
    assert float(value) == pytest.approx(THEIRS[f"g_top_{k}"], **CLOSE)


def test_k_is_rounded_down():
    """Theirs falls by a factor an epoch, ours linearly; both from the whole batch to a share of it."""
    kept = jax.vmap(lambda share: jnp.sum(regularizers.top_k(jnp.arange(64.0), share) > 0))
    np.testing.assert_array_equal(kept(jnp.float32(THEIRS["k"] / 64)), np.int32(THEIRS["k"]))
    assert THEIRS["k"][-1] == 32


def penalty(name, real=REAL, fake=FAKE, mix=None, noise=None):
    mix = jnp.zeros(len(real)) if mix is None else jnp.asarray(mix)
    noise = jnp.zeros_like(real) if noise is None else noise
    return jnp.mean(getattr(penalties, name)(lambda x: critic(PARAMS, x), real, fake, mix, noise))


def test_gradient_penalty():
    assert float(penalty("gradient_penalty", mix=THEIRS["mix"])) == pytest.approx(THEIRS["gradient_penalty"], **CLOSE)


def test_r1():
    assert float(penalty("r1")) == pytest.approx(THEIRS["r1"], **CLOSE)


def test_dragan():
    """Theirs has a standard deviation with n - 1 and another name for 1 - mix; the authors' and ours have n."""
    noise = nhwc(THEIRS["dragan_noise"]) * (REAL.size / (REAL.size - 1)) ** 0.5
    value = penalty("dragan", mix=1 - THEIRS["dragan_mix"], noise=noise)
    assert float(value) == pytest.approx(THEIRS["dragan"], **CLOSE)


def test_relativistic_pairs_with_r1_and_r2():
    """R3GAN's losses, penalties and gradients of both players."""

    def generate(w):
        return nhwc(jnp.tanh(THEIRS["z"] @ w.T).reshape(-1, 3, 4, 4))

    fake = generate(jnp.asarray(THEIRS["w"]))
    for name in ("r1", "r2"):  # ours are half of theirs
        value = getattr(penalties, name)(lambda x: critic(PARAMS, x), REAL, fake, None, None)
        np.testing.assert_allclose(2 * value, THEIRS[f"rpgan_{name}"], rtol=1e-5)

    def of_discriminator(params):
        values = losses.relativistic.discriminator(critic(params, REAL), critic(params, fake))
        both = penalties.r1_r2(lambda x: critic(params, x), REAL, fake, None, None)
        return jnp.mean(values + THEIRS["gamma"] * both), values

    def of_generator(w):
        values = losses.relativistic.generator(critic(PARAMS, REAL), critic(PARAMS, generate(w)))
        return jnp.mean(values), values

    gradient, values = jax.grad(of_discriminator, has_aux=True)(PARAMS)
    np.testing.assert_allclose(values, THEIRS["d_rpgan"], rtol=1e-6, atol=1e-7)
    for name in PARAMS:
        np.testing.assert_allclose(gradient[name], THEIRS[f"d_rpgan_{name}"], atol=1e-6)
    gradient, values = jax.grad(of_generator, has_aux=True)(jnp.asarray(THEIRS["w"]))
    np.testing.assert_allclose(values, THEIRS["g_rpgan"], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(gradient, THEIRS["g_rpgan_w"], atol=1e-6)


def test_lecam():
    """1,005 rounds, of which the last few have the term."""
    term = lecam(decay=0.99, start=1000)

    def play(memory, of_round):
        number, (real, fake) = of_round
        on = lambda logits: SimpleNamespace(logits=logits)
        context = SimpleNamespace(on_real=on(real), on_fake=on(fake), batch={"step": number}, own={"lecam": memory})
        value, updates = term.loss(context)
        return updates["lecam"], (value, updates["lecam"])

    logits = jnp.asarray(THEIRS["lecam_logits"], jnp.float32)
    _, (values, anchors) = jax.lax.scan(play, term.memory["lecam"], (jnp.arange(len(logits)), logits))
    assert np.all(np.flatnonzero(THEIRS["lecam"]) == [1001, 1002, 1003, 1004])
    np.testing.assert_allclose(values, THEIRS["lecam"], rtol=1e-5)
    np.testing.assert_allclose(anchors["real"], THEIRS["lecam_anchors"][:, 0], atol=1e-6)
    np.testing.assert_allclose(anchors["fake"], THEIRS["lecam_anchors"][:, 1], atol=1e-6)


@pytest.mark.parametrize("layer", ["dense", "conv"])
def test_orthogonal_regularization(layer):
    """What is added to the gradient; a bias gets nothing."""
    ours = lambda w: jnp.asarray(w.T if w.ndim == 2 else w.transpose(2, 3, 1, 0))
    params = {"kernel": ours(THEIRS[f"ortho_{layer}"]), "bias": jnp.ones(4)}
    optimizer = orthogonalize(0.01)
    added, _ = optimizer.update(jax.tree.map(jnp.zeros_like, params), optimizer.init(params), params)
    np.testing.assert_allclose(added["kernel"], ours(THEIRS[f"ortho_{layer}_gradient"]), atol=1e-7)
    assert jnp.all(added["bias"] == 0)


# Written for Theano and TensorFlow; the authors' lines ran with NumPy, see make/losses_numpy.py.


def context(**outputs):
    """Of logits of classes."""
    of = lambda x: SimpleNamespace(classes=x, logits=jax.nn.logsumexp(x, axis=-1))
    return {name: of(jnp.asarray(x, jnp.float32)) for name, x in outputs.items()}


def test_semi_supervised():
    outputs = context(on_labeled=WRITTEN["lab_logits"], on_real=WRITTEN["unl_logits"], on_fake=WRITTEN["fake_logits"])
    c = SimpleNamespace(labels=jnp.asarray(WRITTEN["labels"]), **outputs)
    assert float(semi_supervised.supervised().loss(c)) == pytest.approx(WRITTEN["loss_lab"], **CLOSE)
    assert float(semi_supervised.unlabeled().loss(c)) == pytest.approx(WRITTEN["loss_unl"], **CLOSE)


def test_feature_matching():
    """Theirs is the mean over the features, ours the paper's sum."""
    real, fake = (jnp.asarray(WRITTEN[name], jnp.float32) for name in ("real_features", "fake_features"))
    value = regularizers.feature_matching(real, fake) / real.shape[1]
    assert float(value) == pytest.approx(WRITTEN["loss_gen"], **CLOSE)


def test_minibatch_discrimination():
    """Ours has the distance of an example from itself, exp(-0) = 1, which theirs removes by adding 1e6 to it."""
    x, w = (jnp.asarray(WRITTEN[name], jnp.float32) for name in ("minibatch_x", "minibatch_w"))
    layer = MinibatchDiscrimination(kernels=w.shape[1], dimensions=w.shape[2])
    near = layer.apply({"params": {"Dense_0": {"kernel": w.reshape(w.shape[0], -1)}}}, x)
    np.testing.assert_allclose(near - 1, WRITTEN["minibatch"][:, x.shape[1] :], atol=1e-6)


def test_code_information():
    """Ours is without the constant of the normal distribution."""
    read, code = (jnp.asarray(WRITTEN[name], jnp.float32) for name in ("codes_read", "codes_code"))
    constant = 2 * 0.5 * np.log(2 * np.pi)
    ours = regularizers.code_information(read, code, categories=4)
    np.testing.assert_allclose(ours + constant, WRITTEN["codes"], rtol=1e-6)


def test_auxiliary_classifier():
    """Of Gulrajani et al., on real images alone."""
    outputs = context(on_real=WRITTEN["ac_logits"][:4], on_fake=WRITTEN["ac_logits"][4:])
    of_discriminator, _ = classes()
    value = of_discriminator.loss(SimpleNamespace(condition=jnp.asarray(WRITTEN["ac_labels"][:4]), **outputs))
    assert float(value) == pytest.approx(WRITTEN["ac"], **CLOSE)
