"""bfloat16 and rematerialization: what they change, and what they must not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import computing, convnet, dcgan, improved, mlp, patch, r3gan, resnet, srresnet, translation, unet

KEY, INDEX = jax.random.key(0), jnp.arange(2)
Z, IMAGES, LABEL = jnp.ones((2, 6)), jnp.ones((2, 16, 16, 3)), jnp.array([0, 2])
SHAPE, NOISE = (16, 16, 3), {"key": KEY, "index": INDEX}
NETWORKS = {
    "mlp G": (mlp.Generator(SHAPE, 3, width=8), (Z, LABEL), {}),
    "mlp D": (mlp.Discriminator(3, minibatch="discrimination", width=8), (IMAGES, LABEL), {}),
    "dcgan G": (dcgan.Generator(SHAPE, 3, width=4), (Z, LABEL), {}),
    "dcgan D": (dcgan.Discriminator(3, "auxiliary", 2, minibatch="stddev", width=4), (IMAGES, LABEL), {}),
    "resnet G": (resnet.Generator(SHAPE, 3, 4, hierarchical=True, attention=16), (Z, LABEL), {}),
    "resnet D": (resnet.Discriminator(3, width=4, attention=8), (IMAGES, LABEL), {}),
    "r3gan G": (r3gan.Generator(SHAPE, 3, width=8, blocks=1, cardinality=2), (Z, LABEL), {}),
    "r3gan D": (r3gan.Discriminator(3, width=8, blocks=1, cardinality=16), (IMAGES, LABEL), {}),
    "improved G": (improved.Generator(SHAPE, width=8), (Z,), {}),
    "improved D": (improved.Discriminator(3, width=8), (IMAGES,), NOISE),
    "convnet D": (convnet.Discriminator(3, width=4), (IMAGES,), NOISE),
    "unet": (unet.Translator(SHAPE, width=4, depth=4), (IMAGES,), NOISE),
    "patch": (patch.Discriminator(width=4, layers=2), (IMAGES,), {}),
    "translation": (translation.Translator(SHAPE, width=4, blocks=1), (IMAGES,), {}),
    "srresnet": (srresnet.Translator(SHAPE, factor=2, width=4, blocks=1, bicubic=True), (IMAGES,), {}),
    "srresnet D": (srresnet.Discriminator(width=4), (IMAGES,), {}),
}


def computed(name, **how):
    network, args, kwargs = NETWORKS[name]
    network = computing.Computed(network, **{"dtype": "float32", "remat": False} | how)
    variables = jax.eval_shape(network.init, KEY, *args)
    leaves, structure = jax.tree.flatten(variables)
    rng = np.random.default_rng(0)
    variables = structure.unflatten([0.3 * jnp.abs(rng.standard_normal(x.shape, np.float32)) for x in leaves])
    call = lambda params: network.apply({**variables, "params": params}, *args, mutable=["batch_stats"], **kwargs)
    return call, variables["params"]


def products(jaxpr):
    """The types of all operands of convolutions and matrix products in a traced function."""
    for eqn in jaxpr.eqns:
        if eqn.primitive.name in ("conv_general_dilated", "dot_general"):
            yield from (str(operand.aval.dtype) for operand in eqn.invars)
        for inner in jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda leaf: hasattr(leaf, "eqns")):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from products(inner)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_product_is_of_bfloat16_and_nothing_else_is_seen_of_it(name):
    call, params = computed(name, dtype="bfloat16")
    assert set(products(jax.make_jaxpr(call)(params).jaxpr)) == {"bfloat16"}
    for leaf in jax.tree.leaves(jax.eval_shape(lambda p: (call(p), jax.grad(total(call))(p)), params)):
        assert leaf.dtype == jnp.float32


def total(call):
    return lambda params: sum(jnp.sum(leaf) for leaf in jax.tree.leaves(call(params)[0]))


@pytest.mark.parametrize("name", ["dcgan D", "resnet G"])
def test_bfloat16_is_close_to_float32(name):
    both = [jax.jit(call)(params) for call, params in (computed(name, dtype=d) for d in ("float32", "bfloat16"))]
    for exact, rounded in zip(*map(jax.tree.leaves, both), strict=True):
        assert 0 < jnp.max(jnp.abs(exact - rounded)) < 0.05 * jnp.max(jnp.abs(exact))


@pytest.mark.parametrize("name", ["dcgan G", "resnet D", "r3gan D"])
def test_remat_keeps_less_and_gives_the_same(name):
    kept, results = [], []
    for remat in (False, True):
        call, params = computed(name, remat=remat)
        residuals = jax.eval_shape(lambda p, call=call: jax.vjp(lambda p: call(p)[0], p)[1], params)
        kept.append(sum(leaf.size for leaf in jax.tree.leaves(residuals)))
        results.append(jax.jit(jax.value_and_grad(total(call)))(params))
    assert kept[1] < 0.8 * kept[0]
    for ours, plain in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-4 * float(jnp.max(jnp.abs(plain))))


def test_remat_computes_no_convolution_twice():
    count = lambda remat: str(
        jax.make_jaxpr(jax.grad(total(computed("dcgan D", remat=remat)[0])))(computed("dcgan D")[1])
    ).count("conv_general_dilated[")
    assert count(True) == count(False)
