"""Rounds of seven workloads, through the library's own networks, games, stream and runner.

    python benchmarks/throughput.py [--only=NAME,...] [--batch=N] [--amp] [--seconds=5]

Prints one JSON line a workload; compare.py beside this file runs another framework in turn with it. A round is
`n_critic` updates of the discriminator and one of the generator; an image is counted once per update of the
discriminator. What is played is what `gan_jax.train` plays, with the average of the generator and the norms of the
gradients; the data lie on the device.

workload    data         generator                           discriminator                       loss            batch
ring_mlp    [2]          MLP 2-128-128-128-2                 MLP 2-128-128-128-1                 non-saturating    256
mnist_mlp   [28, 28, 1]  MLP 100-512-512-512-784             MLP 784-512-512-512-1               non-saturating     64
dcgan28     [28, 28, 1]  DCGAN 128-64-1, BN                  DCGAN 64-128-1, BN                  non-saturating     64
dcgan64     [64, 64, 3]  DCGAN 512-256-128-64-3, BN          DCGAN 64-128-256-512-1, BN          non-saturating     16
wgan_gp28   [28, 28, 1]  dcgan28's                           dcgan28's, no BN                    WGAN-GP, 5:1       64
sngan32     [32, 32, 3]  ResNet 256, BN, 3 blocks up         ResNet 128, spectral norm, 4 blocks hinge, 5:1         16
pix2pix256  2 [256, 256, 3]  the config facades_pix2pix: U-Net 64, PatchGAN 64                   BCE + 100 L1        1

Besides what the peers print: `first_round_s`, with compilation; `peak_mb` (10^6 bytes), all that the process ever held
on a CPU, what arrays took at most on an accelerator; `gflop`, of a round, as the traced program needs them, before the
compiler saves or wastes any; `share_of_peak`, of what this device does when it multiplies square matrices of the same
type; both count convolutions as what they are, even where a CPU computes them in another form.
"""

import json
import os
import resource
import statistics
import time
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags

from gan_jax.cli import load_config
from gan_jax.config import complete, config_for
from gan_jax.data import Source, Stream
from gan_jax.experiment import build
from gan_jax.game import batches_per_round, due
from gan_jax.loop import compile_round
from gan_jax.modalities import Field, lookup
from gan_jax.networks import cpu_convolution
from gan_jax.runners import make_runner


def networks(latent_size, generator, discriminator):
    return {"networks": {"latent_size": latent_size, "generator": generator, "discriminator": discriminator}}


def mlp(width):
    return {"name": "mlp", "width": width, "depth": 3, "norm": "none"}


def dcgan(norm="batch"):
    return {"name": "dcgan", "width": 64, "norm": norm}


RESNETS = {"name": "resnet", "width": 256}, {"name": "resnet", "width": 128, "norm": "none", "spectral": True}
WORKLOADS = {  # {name: (shape of an example, batch size, what differs from the default config)}
    "ring_mlp": ((2,), 256, networks(2, mlp(128), mlp(128))),
    "mnist_mlp": ((28, 28, 1), 64, networks(100, mlp(512), mlp(512))),
    "dcgan28": ((28, 28, 1), 64, networks(100, dcgan(), dcgan())),
    "dcgan64": ((64, 64, 3), 16, networks(100, dcgan(), dcgan())),
    "wgan_gp28": (
        (28, 28, 1),
        64,
        {
            **networks(100, dcgan(), dcgan("none")),
            "loss": "wasserstein",
            "terms": {"adversarial": {}, "gradient_penalty": {"weight": 10.0}},
            "n_critic": 5,
        },
    ),
    "sngan32": ((32, 32, 3), 16, {**networks(128, *RESNETS), "loss": "hinge", "n_critic": 5}),
    "pix2pix256": ((256, 256, 3), 1, None),
}
IMAGES = {"pix2pix256": 100}  # in memory, else 10,000

ONLY = flags.DEFINE_list("only", list(WORKLOADS), "Workloads.")
BATCH = flags.DEFINE_integer("batch", None, "Examples a batch; by default the workload's own.")
AMP = flags.DEFINE_bool("amp", False, "bfloat16 networks.")
SECONDS = flags.DEFINE_float("seconds", 5.0, "Measuring time a workload.")


def play(name: str, batch: int) -> tuple:
    """(images a round, the seconds that so many rounds take, as a function, FLOPs a round)."""
    shape, _, changes = WORKLOADS[name]
    config = load_config("facades_pix2pix") if changes is None else config_for()
    for key, value in {**(changes or {}), "batch_size": batch, "dtype": "bfloat16" if AMP.value else "float32"}.items():
        config[key] = value
    config, rng, images = complete(config), np.random.default_rng(0), IMAGES.get(name, 10_000)
    if len(shape) == 1:
        field, column = Field(lookup("points"), shape), lambda: rng.normal(size=(images, *shape)).astype(np.float32)
    else:
        field, column = Field(lookup("image"), shape), lambda: rng.integers(0, 256, (images, *shape), np.uint8)
    names = ["image", "input"] if changes is None else [field.modality.name]
    source = Source(dict.fromkeys(names, field), {each: column() for each in names})

    experiment, runner = build(config, source.fields), make_runner("jit")
    run = compile_round(config, experiment, runner)
    state, resident = experiment.init(np.uint32(0)), runner.replicate(source.everything())
    stream = Stream(source, batch_size=batch, repeats=batches_per_round(experiment.game), seed=0, resident=True)
    turns = due(experiment.game, 0)
    arguments = jax.eval_shape(lambda *same: same, state, resident, runner.split(next(stream)), np.uint32(0))
    # Traced anew, and for a CPU, since JAX does not count for GPUs.
    with mock.patch.object(cpu_convolution, "form", lambda *shapes: None), jax.default_device(jax.devices("cpu")[0]):
        cost = compile_round(config, experiment, runner).lower(*arguments, turns).cost_analysis()

    def seconds_of(rounds):
        nonlocal state
        start = time.perf_counter()
        for _ in range(rounds):
            state, _ = run(state, resident, runner.split(next(stream)), np.uint32(0), turns)
        jax.block_until_ready(state)
        return time.perf_counter() - start

    jax.block_until_ready((state, resident))
    return experiment.images_per_round, seconds_of, cost["flops"]


def measured_peak(dtype) -> float:
    """FLOP/s of multiplying square matrices."""
    size = 2048 if jax.default_backend() == "cpu" else 8192
    a = jnp.ones((size, size), dtype)
    multiply, times = jax.jit(jnp.matmul), []
    for _ in range(6):
        start = time.perf_counter()
        multiply(a, a).block_until_ready()
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times)


def measure(name: str) -> dict:
    batch = BATCH.value or WORKLOADS[name][1]
    images, seconds_of, flops = play(name, batch)
    first = seconds_of(1)
    seconds_of(2)
    chunk = max(1, int(SECONDS.value / 5 / seconds_of(1)))
    ms = statistics.median(seconds_of(chunk) / chunk for _ in range(5)) * 1e3
    device = jax.devices()[0]
    held = device.memory_stats()  # None of a CPU
    peak = held["peak_bytes_in_use"] if held else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    share = flops / ms * 1e3 / measured_peak(jnp.bfloat16 if AMP.value else jnp.float32)
    return {
        "workload": name, "framework": f"gan_jax, jax {jax.__version__}",
        "device": f"cpu x{len(os.sched_getaffinity(0))}" if device.platform == "cpu" else device.device_kind,
        "mode": "jit+bf16" if AMP.value else "jit", "batch": batch, "ms_per_round": round(ms, 3),
        "images_per_second": round(images / ms * 1e3, 1), "first_round_s": round(first, 2),
        "peak_mb": round(peak / 1e6), "gflop": round(flops / 1e9, 3), "share_of_peak": round(share, 3),
    }  # fmt: skip


def main(argv):
    del argv
    for name in ONLY.value:
        print(json.dumps(measure(name)), flush=True)


if __name__ == "__main__":
    app.run(main)
