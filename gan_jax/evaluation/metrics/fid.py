"""The Fréchet distance of two sets, FID where their features are Inception's."""

from gan_jax.evaluation.frechet_distance import frechet_distance
from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.moments import covariance

ENOUGH = 10_000  # samples, for a bias that is small


def compute(inputs: EvalInputs) -> dict[str, float]:
    real, fake = inputs.real_stats.moments, inputs.fake_stats.moments
    return {"fid": frechet_distance(real.mean, covariance(real), fake.mean, covariance(fake))}


def why_not(inputs: EvalInputs) -> str:
    return "" if inputs.features.learned else "mean and covariance of coordinates say little of points: use swd"


def warning(inputs: EvalInputs) -> str:
    fewest = min(len(inputs.fake), len(inputs.real))
    if fewest >= ENOUGH:
        return ""
    return (
        f"fid of {fewest:,} examples is too large by a bias that shrinks with their number: compare it with figures of "
        f"the same number only, take {ENOUGH:,} or more, or kid, which has no bias"
    )


METRIC = Metric(compute, why_not, least=2, better={"fid": 1}, warning=warning, order=10)
