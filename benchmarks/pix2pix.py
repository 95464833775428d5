"""A round of pix2pix on the facades' settings, alone or beside eager PyTorch.

    python benchmarks/pix2pix.py [--size=256] [--width=64] [--batch=1] [--seconds=10] [--threads=N] [--device=cpu|cuda]
    python benchmarks/pix2pix.py --peer=PYTHON [--pairs=3] [--compile] [--amp] [...]

Plays configs/facades_pix2pix.py with the runner `jit` on random pairs that lie on the device, as `gan_jax.train` would,
and prints one JSON line. `peak_mb` (MB = 10^6 bytes) is all that the process ever held on a CPU, what arrays took at
most on an accelerator; `first_round_s` is with compilation. Sizes are powers of 2; other ones than 256 have a U-Net and
a jitter to match.

With `--peer`, a Python that has torch, pix2pix_torch.py beside this file runs in turn with this one, each measurement a
process of its own, and a last line has the medians; `ratio` is that of ours / theirs in images per second, pair by
pair: above 1, ours is faster. What the two play differs in this, all of it more work for ours: D's turn makes a fake of
its own from a view of its own, where the authors' code uses one for both; an average of the generator is kept, and the
norms of gradients are measured; D judges 32x32 patches, theirs 30x30, as it pads to the same size.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
from absl import app, flags

from gan_jax.cli import load_config
from gan_jax.data import Source, Stream
from gan_jax.experiment import build
from gan_jax.game import due, make_round
from gan_jax.optimizers import ema_decay
from gan_jax.runners import make_runner

SIZE = flags.DEFINE_integer("size", 256, "Pixels, a power of 2.")
WIDTH = flags.DEFINE_integer("width", 64, "Channels of the networks' first layers.")
BATCH = flags.DEFINE_integer("batch", 1, "Pairs a round.")
SECONDS = flags.DEFINE_float("seconds", 10.0, "Measuring time.")
THREADS = flags.DEFINE_integer("threads", None, "Of a CPU; default: the libraries' own choice.")
DEVICE = flags.DEFINE_enum("device", None, ["cpu", "cuda"], "Default: an accelerator if there is one.")
PEER = flags.DEFINE_string("peer", None, "A Python executable that has torch.")
PAIRS = flags.DEFINE_integer("pairs", 3, "Measurements of each with --peer.")
COMPILE = flags.DEFINE_bool("compile", False, "torch.compile the peer; ours always is compiled.")
AMP = flags.DEFINE_bool("amp", False, "bfloat16 autocast for the peer; ours has float32 alone.")

HERE = Path(__file__).parent
IMAGES = 100  # in memory


def measure() -> dict:
    size, batch = SIZE.value, BATCH.value
    config = load_config(HERE.parent / "configs" / "facades_pix2pix.py")
    config.batch_size, config.data.jitter = batch, round(size * 286 / 256)
    config.networks.generator.update(width=WIDTH.value, depth=size.bit_length() - 1)
    config.networks.discriminator.width = WIDTH.value
    draw = lambda seed: np.random.default_rng(seed).integers(0, 256, (IMAGES, size, size, 3), np.uint8)
    source = Source(draw(0), np.zeros(IMAGES, np.int32), inputs=draw(1))

    experiment, runner = build(config, source.image_shape, 0), make_runner("jit")
    decay = ema_decay(config.ema.half_life_kimg, config.ema.ramp_up, experiment.images_per_round)
    run = runner.compile(make_round(experiment.game, experiment.optimizers, ema_decay=decay))
    state, resident = experiment.init(np.uint32(0)), runner.replicate(source.everything())
    parameters = [
        sum(leaf.size for leaf in jax.tree.leaves(state.variables[player]["params"]))
        for player in ("generator", "discriminator")
    ]
    stream = Stream(source, batch_size=batch, seed=0, resident=True)
    turns = due(experiment.game, 0)  # all of them, always
    jax.block_until_ready((state, resident))

    def seconds_of(rounds):
        nonlocal state
        start = time.perf_counter()
        for _ in range(rounds):
            state, _ = run(state, resident, runner.split(next(stream)), np.uint32(0), turns)
        jax.block_until_ready(state)
        return time.perf_counter() - start

    first = seconds_of(1)
    seconds_of(2)
    chunk, times = max(1, int(SECONDS.value / 20 / seconds_of(1))), []
    while not times or sum(times) * chunk < SECONDS.value:
        times.append(seconds_of(chunk) / chunk)
    ms = statistics.median(times) * 1e3
    device = jax.devices()[0]
    held = device.memory_stats()  # None of a CPU
    peak = held["peak_bytes_in_use"] if held else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "workload": f"pix2pix{size}", "framework": "gan_jax", "version": f"jax {jax.__version__}",
        "device": f"cpu x{THREADS.value or os.cpu_count()}" if device.platform == "cpu" else device.device_kind,
        "mode": "jit", "batch": batch, "width": WIDTH.value, "ms_per_round": round(ms, 3),
        "images_per_second": round(batch / ms * 1e3, 2), "peak_mb": round(peak / 1e6), "parameters": parameters,
        "first_round_s": round(first, 2),
    }  # fmt: skip


def alternate() -> dict:
    """Ours, the peer, ours, the peer, ...: their lines are printed, the medians returned."""
    given = [f"--{flag.name}={flag.value}" for flag in (SIZE, WIDTH, BATCH, SECONDS, THREADS, DEVICE) if flag.present]
    options = [f"--{flag.name}" for flag in (COMPILE, AMP) if flag.value]
    commands = {
        "ours": [sys.executable, __file__, *given],
        "peer": [PEER.value, str(HERE / "pix2pix_torch.py"), *given, *options],
    }
    lines = {who: [] for who in commands}
    for _ in range(PAIRS.value):
        for who, command in commands.items():
            line = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1]
            print(line, flush=True)
            lines[who].append(json.loads(line))
    median = lambda who, key: round(statistics.median(line[key] for line in lines[who]), 3)
    keys = ("ms_per_round", "images_per_second", "peak_mb", "first_round_s")
    medians = {who: {key: median(who, key) for key in keys} for who in lines}
    times = ([line["ms_per_round"] for line in lines[who]] for who in lines)
    ratio = statistics.median(theirs / ours for ours, theirs in zip(*times, strict=True))
    return {"workload": f"pix2pix{SIZE.value}", "pairs": PAIRS.value, **medians, "ratio": round(ratio, 3)}


def main(argv):
    del argv
    if DEVICE.value:
        jax.config.update("jax_platforms", DEVICE.value)
    if THREADS.value:
        os.environ["NPROC"] = str(THREADS.value)  # which XLA reads when it starts
    print(json.dumps(alternate() if PEER.value else measure()), flush=True)


if __name__ == "__main__":
    app.run(main)
