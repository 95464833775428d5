"""The share of samples that a classifier gives the class that they were generated for."""

import numpy as np

from gan_jax.evaluation.metrics import EvalInputs, Metric


def compute(inputs: EvalInputs) -> dict[str, float]:
    stats = inputs.fake_stats
    return {"class_accuracy": float(np.mean(stats.logits.argmax(axis=1) == inputs.fake.labels[stats.rows]))}


def why_not(inputs: EvalInputs) -> str:
    if inputs.features.logits != "own":
        return "these features know nothing of the classes of this set: use --features=classifier:FILE"
    if not inputs.fake.class_names:
        return "the samples have no classes that they were generated for"
    return ""


METRIC = Metric(compute, why_not, better={"class_accuracy": -1}, order=65)
