"""How good are a run's samples? A stopgap until the library has an evaluation of its own.

    python benchmarks/judge.py --workdir=runs/ring_mlp           points: modes found, share of good ones
    python benchmarks/judge.py --workdir=runs/digits_dcgan       digits: how sure an outside classifier is

Points (PacGAN's protocol): 2,500 samples; one is of high quality within 3 standard deviations of a mode, a mode is
found if a sample of high quality is nearest to it; KL of the found modes' shares from the uniform distribution, nats.

Digits: a small convolutional network is trained on the 60,000 MNIST training images (`tfds:mnist`), none of which is in
`digits`, until it is on average 94 % sure of the 10,000 test images; `sure` is the mean of its highest probability over
2,500 samples, `shares` what part of them it takes for each digit.

Prints one JSON line.
"""

import json
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags

from gan_jax import cli, data
from gan_jax.config import base_config, load
from gan_jax.data.toys import grid_modes, ring_modes
from gan_jax.images import to_float
from gan_jax.sampling import sample_to_file

WORKDIR = flags.DEFINE_string("workdir", None, "The run to judge.", required=True)
SEED = flags.DEFINE_integer("seed", 1, "Of the samples.")
EMA = flags.DEFINE_bool("ema", True, "Whether to judge the averaged generator.")
MODES = {"ring": (ring_modes(), 0.01), "grid": (grid_modes(), 0.05)}


class Classifier(nn.Module):
    @nn.compact
    def __call__(self, images):
        x = to_float(images)
        for features in (16, 32):
            x = nn.relu(nn.Conv(features, (5, 5), (2, 2))(x))
        return nn.Dense(10)(nn.relu(nn.Dense(64)(x.reshape(len(x), -1))))


def source(name: str):
    config = base_config().data
    config.source = name
    return data.open_source(config)


def train_judge():
    """`images -> probabilities [N, 10]`, as sure of the test images as the docstring says."""
    train, test, network, optimizer = source("tfds:mnist"), source("digits"), Classifier(), optax.adam(1e-3)
    params = network.init(jax.random.key(0), np.zeros((1, 28, 28, 1), np.uint8))
    state = optimizer.init(params)

    @jax.jit
    def step(params, state, images, labels):
        def loss(params):
            return optax.softmax_cross_entropy_with_integer_labels(network.apply(params, images), labels).mean()

        updates, state = optimizer.update(jax.grad(loss)(params), state)
        return optax.apply_updates(params, updates), state

    probabilities = jax.jit(lambda params, images: jax.nn.softmax(network.apply(params, images)))
    reals, sure, number = test.read(np.arange(len(test))), 0.0, 0
    while sure < 0.94:
        for _ in range(20):
            batch = train.read(data.rows(len(train), 64, 0, number))
            params, state = step(params, state, batch["image"], batch["label"])
            number += 1
        seen = probabilities(params, reals["image"])
        sure = float(jnp.mean(jnp.max(seen, axis=-1)))
    right = float(np.mean(np.argmax(seen, axis=-1) == reals["label"]))
    print(f"judge: {number} steps, {sure:.3f} sure and {right:.3f} right on the test images")
    return lambda images: np.asarray(probabilities(params, images))


def main(argv):
    del argv
    cli.start_jax()
    workdir, name = Path(WORKDIR.value), load(Path(WORKDIR.value) / "config.json").data.source
    out = workdir / "judged.npz"
    sample_to_file(workdir, out, num=2500, seed=SEED.value, label=None, ema=EMA.value)
    if name in MODES:
        points, (modes, sigma) = np.load(out)["points"], MODES[name]
        distance = np.linalg.norm(points[:, None] - modes, axis=-1)
        good = distance.min(axis=1) < 3 * sigma
        found = np.bincount(distance.argmin(axis=1)[good], minlength=len(modes))
        share = found[found > 0] / found.sum()
        result = {
            "modes": f"{np.sum(found > 0)} of {len(modes)}",
            "high_quality": float(good.mean()),
            "kl": float(np.sum(share * np.log(share * len(modes)))),
        }
    else:
        seen = train_judge()(np.load(out)["images"])
        shares = np.bincount(seen.argmax(axis=1), minlength=10) / len(seen)
        result = {"sure": float(seen.max(axis=1).mean()), "shares": shares.round(3).tolist()}
    print(json.dumps(result))


if __name__ == "__main__":
    app.run(main)
