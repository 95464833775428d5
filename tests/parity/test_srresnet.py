"""SRResNet with the weights of leftthomas/SRGAN and its result."""

import numpy as np

from gan_jax.networks.srresnet import Translator
from parity.fixtures import load
from parity.importing import assert_close

NUMBERS = load("srresnet")
STATE = NUMBERS["state"]


def conv(name, bias=True):
    params = {"kernel": STATE[f"{name}.weight"].transpose(2, 3, 1, 0)}
    return params | {"bias": STATE[f"{name}.bias"]} if bias else params


def shuffled(name):
    """A convolution before PyTorch's pixel shuffle, which has the channels of a pixel's parts together, and not those
    of an image's."""
    order = lambda x: x.reshape(*x.shape[:-1], -1, 4).swapaxes(-1, -2).reshape(x.shape)
    return {key: order(value) for key, value in conv(name).items()}


def translated():
    """(parameters, batch statistics): there, convolutions before batch normalization have a bias, which it cancels."""
    convs = [conv("block1.0")]
    norms, slopes = [], ["block1.1"]
    pairs = [(f"block{block}.conv{n}", f"block{block}.bn{n}") for block in range(2, 7) for n in (1, 2)]
    for name, norm in [*pairs, ("block7.0", "block7.1")]:
        convs.append(conv(name, bias=False))
        norms.append((norm, STATE[f"{norm}.running_mean"] - STATE[f"{name}.bias"]))
    slopes += [f"block{block}.prelu" for block in range(2, 7)] + [f"block8.{n}.prelu" for n in (0, 1)]
    convs += [shuffled("block8.0.conv"), shuffled("block8.1.conv"), conv("block8.2")]
    params = {f"Conv_{n}": own for n, own in enumerate(convs)}
    params |= {f"PReLU_{n}": {"negative_slope": STATE[f"{name}.weight"][0]} for n, name in enumerate(slopes)}
    statistics = {}
    for n, (name, mean) in enumerate(norms):
        params[f"BatchNorm_{n}"] = {"scale": STATE[f"{name}.weight"], "bias": STATE[f"{name}.bias"]}
        statistics[f"BatchNorm_{n}"] = {"mean": mean, "var": STATE[f"{name}.running_var"]}
    return params, statistics


def test_srresnet():
    params, statistics = translated()
    network = Translator(shape=(20, 28, 3), width=4, blocks=5)
    y = network.apply({"params": params, "batch_stats": statistics}, NUMBERS["x"], train=False)
    assert_close((np.tanh(y) + 1) / 2, NUMBERS["y"], 2e-6)
