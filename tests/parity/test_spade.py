"""SPADE's generator and encoder with weights of its authors' code, and that code's results; and as many parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks.spade import StyleEncoder, Translator, nearest
from parity.fixtures import load
from parity.importing import assert_close

NUMBERS = load("spade")
BLOCKS = {"head_0": "0", "G_middle_0": "1", "G_middle_1": "1_again"} | {f"up_{n}": str(n + 2) for n in range(4)}
LAYERS = {"mlp_shared": "shared", "mlp_gamma": "gamma", "mlp_beta": "beta"}


def converted(state, start):
    """The parameters of `Translator` by those of the authors; `start` is (h, w) of the coarsest maps."""
    params = {}
    for name, leaf in state.items():
        *path, kind = [part for part in name.split(".") if part != "0"]
        path[0] = BLOCKS.get(path[0], {"fc": "first", "conv_img": "image"}.get(path[0]))
        group = params
        for part in path:
            group = group.setdefault(LAYERS.get(part, part), {})
        leaf = leaf.astype(np.float32)
        if name.startswith("fc") and state["fc.weight"].ndim == 2:  # whose result there has channels first
            leaf = np.moveaxis(leaf.reshape(-1, *start, *leaf.shape[1:]), 0, 2)
            leaf = leaf.reshape(-1, *leaf.shape[3:]).T
        elif leaf.ndim == 4:
            leaf = leaf.transpose(2, 3, 1, 0)
        group["kernel" if kind == "weight" else "bias"] = leaf
    return params


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_it_makes_what_the_authors_makes(norm):
    """Batch: of random latents, by statistics of the batch. Instance: of the map alone."""
    given = {name: NUMBERS[f"{norm}_{name}"] for name in ("state", "maps", "z", "made")}
    maps = jax.nn.one_hot(given["maps"], 3)
    network = Translator((32, 64, 3), width=1, latent_size=5 if norm == "batch" else 0, hidden=4, norm=norm)
    params = converted(given["state"], (1, 2))
    apply = lambda params: network.apply({"params": params}, maps, given["z"], method="make", mutable=["batch_stats"])[
        0
    ]
    expected = jax.eval_shape(network.init, jax.random.key(0), maps)["params"]
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, expected)
    assert_close(
        jax.jit(apply)(params)[:, ::4], given["made"], 1e-5 if norm == "batch" else 3e-4
    )  # of two places one is 1, one -1


def test_its_encoder_finds_what_the_authors_finds():
    """In photographs of another size than theirs, 256 pixels a side."""
    state, params = NUMBERS["encoder_state"], {}
    for name, leaf in state.items():
        layer, leaf = name.split(".")[0], leaf.astype(np.float32)
        if layer.startswith("layer"):
            params[f"{int(layer[5:]) - 1}"] = {"kernel": leaf.transpose(2, 3, 1, 0)}
        elif leaf.ndim == 2:  # of results that have channels first there
            kernel = leaf.reshape(len(leaf), -1, 4, 4).transpose(2, 3, 1, 0).reshape(-1, len(leaf))
            params.setdefault(layer, {})["kernel"] = kernel
        else:
            params.setdefault(layer, {})["bias"] = leaf
    params = {{"fc_mu": "mean", "fc_var": "log_variance"}.get(name, name): own for name, own in params.items()}
    encoder, photos = StyleEncoder((256, 256), 2, 5), NUMBERS["photos"] / np.float32(127.5) - 1
    expected = jax.eval_shape(encoder.init, jax.random.key(0), photos)["params"]
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, expected)
    for found, name in zip(jax.jit(encoder.apply)({"params": params}, photos), ("mean", "log_variance"), strict=True):
        np.testing.assert_allclose(found, NUMBERS[name], atol=1e-4)


def test_it_has_the_parameters_of_the_authors_network():
    """Of SPADEGenerator with norm_G=spadebatch3x3, use_vae, 12 classes, 256 pixels, counted by PyTorch."""
    maps = jnp.zeros((1, 256, 256, 12))
    variables = jax.eval_shape(Translator((256, 256, 3)).init, jax.random.key(0), maps)
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == 109_060_291


def test_maps_are_resized_to_the_nearest_pixel_as_there():
    maps = jnp.arange(6 * 10).reshape(1, 6, 10, 1)
    np.testing.assert_array_equal(nearest(maps, (3, 5))[0, :, :, 0], maps[0, ::2, ::2, 0])
    np.testing.assert_array_equal(nearest(maps, (4, 3))[0, :, :, 0], np.asarray(maps[0])[[0, 1, 3, 4]][:, [0, 3, 6], 0])
