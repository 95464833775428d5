"""The Inception score, of any classifier's logits."""

from gan_jax.evaluation.inception_score import inception_score
from gan_jax.evaluation.metrics import EvalInputs, Metric

SPLITS = 10


def compute(inputs: EvalInputs) -> dict[str, float]:
    mean, deviation = inception_score(inputs.fake_stats.logits, splits=SPLITS)
    return {"is": mean, "is_deviation": deviation}


def why_not(inputs: EvalInputs) -> str:
    return "" if inputs.features.logits else "it needs the logits of a classifier"


METRIC = Metric(compute, why_not, least=SPLITS, settings={"splits": SPLITS}, order=30)
