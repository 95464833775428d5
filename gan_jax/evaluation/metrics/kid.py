"""The kernel distance of two sets, KID where their features are Inception's."""

from gan_jax.evaluation.kernel_distance import kernel_distance
from gan_jax.evaluation.metrics import EvalInputs, Metric

BLOCK_SIZE = 1_000


def compute(inputs: EvalInputs) -> dict[str, float]:
    real, fake = inputs.real_stats.features, inputs.fake_stats.features
    mean, error = kernel_distance(real, fake, seed=inputs.seed, block_size=BLOCK_SIZE)
    return {"kid": mean, "kid_error": error}


def why_not(inputs: EvalInputs) -> str:
    return "" if inputs.features.learned else "cubes of coordinates say little of points: use swd"


METRIC = Metric(
    compute,
    why_not,
    needs_each=True,
    least=4,
    better={"kid": 1},
    settings={"block_size": BLOCK_SIZE},
    order=20,
)
