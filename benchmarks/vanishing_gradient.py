"""The better the discriminator, the smaller the generator's gradient; and what cures it.

    python benchmarks/vanishing_gradient.py --out=docs/vanishing_gradient.png [--steps=2000]

The generator of the config digits_mlp stays as it is at first, while a discriminator is trained against it from
scratch, once for each game; the plot has the norm of the generator's gradient (of its parameters, on a batch of 64)
over the discriminator's steps. Prints a JSON line a game. Reference: Arjovsky and Bottou 2017, figure 2.
"""

import json

import jax
import numpy as np
from absl import app, flags

from gan_jax import data
from gan_jax.cli import load_config
from gan_jax.config import override
from gan_jax.experiment import build
from gan_jax.game import make_step

OUT = flags.DEFINE_string("out", None, "The plot, a picture.", required=True)
STEPS = flags.DEFINE_integer("steps", 2000, "Of the discriminator.")
EVERY = 20  # steps between two measurements of the generator's gradient

GAMES = {
    "minimax": {"loss": "minimax"},
    "non-saturating": {},
    "least squares": {"loss": "least_squares"},
    "minimax, R1": {"loss": "minimax", "terms.r1.weight": "1"},
    "non-saturating, R1": {"terms.r1.weight": "1"},
    "relativistic, R1 + R2": {"loss": "relativistic", "terms.r1_r2.weight": "1"},
    "Wasserstein, gradient penalty": {"loss": "wasserstein", "terms.gradient_penalty.weight": "10"},
}
CONSTANT = {"optimizers.discriminator.learning_rate": "2e-4", "optimizers.discriminator.schedule": "constant"}


def gradient_norms(changes: dict) -> list[float]:
    """Of the generator, every `EVERY` steps of the discriminator."""
    config = load_config("digits_mlp")
    config.terms = {"adversarial": {}}
    config = override(config, {**CONSTANT, **changes})
    source = data.open_source(config.data)
    experiment = build(config, source.fields)
    turns = {turn.name: turn for turn in experiment.game.turns}
    steps = {name: jax.jit(make_step(turn, experiment.optimizers[turn.player])) for name, turn in turns.items()}
    stream = data.Stream(source, batch_size=config.batch_size, seed=0, resident=False)
    state, norms = experiment.init(np.uint32(0)), []
    for step in range(STEPS.value + 1):
        batch = jax.tree.map(lambda leaf: leaf[0], data.prepare({}, next(stream), source.fields))
        key = jax.random.fold_in(jax.random.key(0), step)
        if step % EVERY == 0:
            _, metrics = steps["generator"](state, batch, key)  # and the state is not kept
            norms.append(float(metrics["gradient_norm"]))
        state, _ = steps["discriminator"](state, batch, key)
    stream.close()
    return norms


def main(argv):
    del argv
    from matplotlib.figure import Figure

    figure = Figure((8, 5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for name, changes in GAMES.items():
        norms = gradient_norms(changes)
        middle = len(norms) // 2
        printed = {"game": name, "first": norms[0], "middle": norms[middle], "last": norms[-1]}
        print(json.dumps({key: float(f"{v:.3g}") if key != "game" else v for key, v in printed.items()}), flush=True)
        axes.semilogy(np.arange(len(norms)) * EVERY, norms, label=name)
    axes.set(xlabel="steps of the discriminator, the generator standing still", ylabel="|gradient of the generator|")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(OUT.value)


if __name__ == "__main__":
    app.run(main)
