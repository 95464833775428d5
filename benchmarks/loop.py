"""What the training loop costs over the bare compiled round.

    python benchmarks/loop.py [--config=digits_dcgan] [--rounds=100] [--repeats=10]

Runs `gan_jax.loop.train` itself, with everything that it does between sample pictures and checkpoints, and after
every `rounds` of its rounds calls the same compiled function as many times in a row on one batch: loop and bare
rounds alternate in one process. Prints one JSON line; `overhead` is the median of loop / bare - 1, pair by pair.
"""

import json
import statistics
import tempfile
import time

import jax
from absl import app, flags

from gan_jax import data
from gan_jax.cli import load_config
from gan_jax.config import complete
from gan_jax.experiment import build
from gan_jax.loop import train
from gan_jax.runners import make_runner

CONFIG = flags.DEFINE_string("config", "digits_dcgan", "The config to train.")
ROUNDS = flags.DEFINE_integer("rounds", 100, "Rounds in each measurement.")
REPEATS = flags.DEFINE_integer("repeats", 10, "Measurements.")


def main(argv):
    del argv
    config = complete(load_config(CONFIG.value))
    config.sample_kimg = config.checkpoint_kimg = 1e9
    fields = data.fields_of(config.data, data.open_source(config.data))
    images_per_round = build(config, fields).images_per_round
    config.total_kimg = images_per_round * ROUNDS.value * (REPEATS.value + 1) / 1000
    runner, pairs = make_runner(), []

    def compile_and_time(play_round, prepare):
        run, played, since = runner.compile(play_round, prepare), [], 0.0

        def timed(state, resident, batch, seed, due):
            nonlocal since
            played.append(due)
            if len(played) > ROUNDS.value:
                jax.block_until_ready(state)
                loop = time.perf_counter() - since
                for again in played[:-1]:
                    state, _ = run(state, resident, batch, seed, again)
                jax.block_until_ready(state)
                pairs.append((loop, time.perf_counter() - since - loop))
                since = time.perf_counter()
                del played[:-1]
            return run(state, resident, batch, seed, due)

        return timed

    with tempfile.TemporaryDirectory() as workdir:
        train(config, workdir, runner._replace(compile=compile_and_time))
    loop, bare = (statistics.median(column) * 1e3 / ROUNDS.value for column in zip(*pairs[1:], strict=True))
    overhead = statistics.median(loop / bare - 1 for loop, bare in pairs[1:])  # the first pair holds the compilation
    print(json.dumps({"config": CONFIG.value, "device": jax.devices()[0].device_kind, "loop_ms": round(loop, 3),
                      "bare_ms": round(bare, 3), "overhead": round(overhead, 4)}))  # fmt: skip


if __name__ == "__main__":
    app.run(main)
