"""The sliced Wasserstein distance of points. It selects no best round: chance differences of a mixture's shares are
most of it."""

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein


def compute(inputs: EvalInputs) -> dict[str, float]:
    return {"swd": sliced_wasserstein(*inputs.as_many())}


def why_not(inputs: EvalInputs) -> str:
    return "it is for points: use fid or kid" if inputs.features.learned else ""


METRIC = Metric(compute, why_not, needs_each=True, order=70)
