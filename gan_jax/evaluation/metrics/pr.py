"""Precision and recall."""

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.precision_recall import precision_recall

K = 3


def compute(inputs: EvalInputs) -> dict[str, float]:
    precision, recall = precision_recall(*inputs.as_many(), k=K)
    return {"precision": precision, "recall": recall}


METRIC = Metric(compute, needs_each=True, least=K + 1, settings={"k": K}, order=40)
