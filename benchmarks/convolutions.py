"""Our strided and transposed convolutions beside Flax's, in one process.

    python benchmarks/convolutions.py [--batch=64] [--seconds=1]

The layers are DCGAN's at 28x28: 4x4 kernels, stride 2, 64 channels at 14x14, 128 at 7x7; one of WaveGAN's, 25 samples,
stride 4; and one of 3D-GAN's, 4x4x4. `gradient` is that of a loss by input and kernel, `penalty` that of a gradient
penalty by the kernel. Prints a JSON line each, times in ms.
"""

import json
import statistics
import time

import flax.linen as nn
import jax
import jax.numpy as jnp
from absl import app, flags

from gan_jax.networks import volumes, wavegan
from gan_jax.networks.layers import Conv, ConvTranspose

BATCH = flags.DEFINE_integer("batch", 64, "Images.")
SECONDS = flags.DEFINE_float("seconds", 1.0, "Measuring time of each figure.")


def alternate(functions: dict, *arguments) -> dict[str, float]:
    """The median ms of each function of the layer's arguments, called in turn."""
    compiled = {name: jax.jit(function) for name, function in functions.items()}
    for function in compiled.values():
        jax.block_until_ready(function(*arguments))
    times, until = {name: [] for name in compiled}, time.perf_counter() + SECONDS.value * len(compiled)
    while time.perf_counter() < until:
        for name, function in compiled.items():
            start = time.perf_counter()
            jax.block_until_ready(function(*arguments))
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: round(statistics.median(seen), 2) for name, seen in times.items()}


def forward(layer):
    return lambda params, x: layer.apply(params, x)


def gradient(layer):
    return jax.grad(lambda params, x: jnp.sum(jnp.tanh(layer.apply(params, x))), (0, 1))


def penalty(layer):
    by_input = jax.grad(lambda x, params: jnp.sum(jnp.tanh(layer.apply(params, x))))
    return jax.grad(lambda params, x: jnp.sum(by_input(x, params) ** 2))


def main(argv):
    del argv
    layers = {
        "convolution": ((14, 14, 64), Conv(128), nn.Conv(128, (4, 4), (2, 2))),
        "transposed convolution": ((7, 7, 128), ConvTranspose(64, (14, 14)), nn.ConvTranspose(64, (4, 4), (2, 2))),
        "over time": ((96, 64), wavegan.Conv(128, 25), nn.Conv(128, (25,), (4,))),
        "of solids": ((8, 8, 8, 32), volumes.Conv(64), nn.Conv(64, (4, 4, 4), (2, 2, 2))),
    }
    for name, (shape, *pair) in layers.items():
        x = jax.random.normal(jax.random.key(0), (BATCH.value, *shape))
        kernel_shape = jax.eval_shape(pair[0].init, jax.random.key(0), x)["params"]["kernel"].shape
        for of in (forward, gradient, penalty):
            run = {}
            for who, layer in zip(("ours", "flax"), pair, strict=True):
                params = layer.init(jax.random.key(0), x)
                run[who] = lambda x, of=of, layer=layer, params=params: of(layer)(params, x)
            print(json.dumps({"layer": name, "kernel": kernel_shape, "what": of.__name__, **alternate(run, x)}))


if __name__ == "__main__":
    app.run(main)
