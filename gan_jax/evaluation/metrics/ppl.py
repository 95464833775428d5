"""The perceptual path length, between random latents, of a game that decodes latents."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.path_length import path_length, slerp
from gan_jax.modalities import to_model
from gan_jax.noise import per_example

EPSILON = 1e-4


def compute(inputs: EvalInputs) -> dict[str, float]:
    apply, params = jax.jit(inputs.features.apply), inputs.features.params
    with jax.default_matmul_precision("highest"):  # with the 10 bits of a GPU's default a small step is lost
        steps = [[np.asarray(apply(params, end)[0]) for end in ends] for ends in paths(inputs)]
    ends = (np.concatenate(end)[: len(inputs.fake)] for end in zip(*steps, strict=True))
    return {"ppl": path_length(*ends, EPSILON)}


def paths(inputs: EvalInputs):
    """Pairs of float images in [0, 255], one a sample: of latents that lie EPSILON apart at a random place on the great
    circle between two random ones."""
    (game, game_map, variables), n = inputs.model, len(inputs.fake)
    space = next(iter(game.spaces.values()))
    key_a, key_b, key_t = jax.random.split(jax.random.fold_in(jax.random.key(inputs.seed), n), 3)

    @jax.jit
    def ends(variables, index, given):
        a, b = space.draw(key_a, index), space.draw(key_b, index)
        t = per_example(jax.random.uniform, key_t, index)
        given = to_model(given, inputs.fake.fields)
        decoded = (space.decode(variables, slerp(a, b, at), given) for at in (t, t + EPSILON))
        return tuple((jnp.clip(image, -1, 1) + 1) * 127.5 for image in decoded)

    chunk = inputs.features.chunk
    for start in range(0, n, chunk):
        index = np.arange(start, start + chunk) % n  # always a whole chunk
        yield ends(variables, index, {name: np.asarray(inputs.fake.columns[name][index]) for name in game_map.given})


def why_not(inputs: EvalInputs) -> str:
    known = inputs.model and inputs.model.game.spaces
    return "" if known else "it needs a run whose generator decodes latents"


METRIC = Metric(compute, why_not, modalities=("image",), slow=True, settings={"epsilon": EPSILON}, order=100)
