"""The perceptual path length, between random latents, of a game that decodes latents, in each of its spaces."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.path_length import path_length
from gan_jax.game import Space
from gan_jax.modalities import to_model
from gan_jax.noise import GENERATOR, per_example

EPSILON = 1e-4


def compute(inputs: EvalInputs) -> dict[str, float]:
    """{"ppl": in the prior's space, "ppl_w": in another one, "w"}"""
    apply, params = jax.jit(inputs.features.apply), inputs.features.params
    lengths = {}
    for name, space in inputs.model.game.spaces.items():
        with jax.default_matmul_precision("highest"):  # with the 10 bits of a GPU's default a small step is lost
            steps = [[np.asarray(apply(params, end)[0]) for end in ends] for ends in paths(inputs, space)]
        ends = (np.concatenate(end)[: len(inputs.fake)] for end in zip(*steps, strict=True))
        lengths[f"ppl_{name}" if lengths else "ppl"] = path_length(*ends, EPSILON)
    return lengths


def paths(inputs: EvalInputs, space: Space):
    """Pairs of float images in [0, 255], one a sample: of latents that lie EPSILON apart at a random place on the way
    between two random ones, with the same noise in the generator."""
    (_, game_map, variables), n = inputs.model, len(inputs.fake)
    key_a, key_b, key_t = jax.random.split(jax.random.fold_in(jax.random.key(inputs.seed), n), 3)

    @jax.jit
    def ends(variables, index, given):
        given, noise = to_model(given, inputs.fake.fields), jax.random.fold_in(key_a, GENERATOR)
        a, b = (space.draw(variables, key, index, given) for key in (key_a, key_b))
        t = per_example(jax.random.uniform, key_t, index)
        places = (space.between(a, b, at) for at in (t, t + EPSILON))
        decoded = (space.decode(variables, latents, given, noise, index) for latents in places)
        return tuple((jnp.clip(image, -1, 1) + 1) * 127.5 for image in decoded)

    chunk = inputs.features.chunk
    for start in range(0, n, chunk):
        index = np.arange(start, start + chunk) % n  # always a whole chunk
        yield ends(variables, index, {name: np.asarray(inputs.fake.columns[name][index]) for name in game_map.given})


def why_not(inputs: EvalInputs) -> str:
    known = inputs.model and inputs.model.game.spaces
    return "" if known else "it needs a run whose generator decodes latents"


METRIC = Metric(compute, why_not, modalities=("image",), slow=True, settings={"epsilon": EPSILON}, order=100)
