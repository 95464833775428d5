"""Modes that are found: the centers of a mixture, if the data set knows them, else classes, by a classifier."""

import jax
import numpy as np

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.mode_coverage import class_coverage, mode_coverage

POINTS = 2_500  # PacGAN's number


def compute(inputs: EvalInputs) -> dict[str, float]:
    fake, real = inputs.fake_stats, inputs.real
    if not inputs.features.learned:
        mixture = _fitted(inputs)
        centers = np.asarray(mixture["centers"], np.float32)
        return mode_coverage(fake.features[:POINTS], centers, mixture["deviation"])._asdict()
    num_classes, shares = fake.logits.shape[1], None
    if len(real.class_names) == num_classes:
        shares = np.bincount(real.labels, minlength=num_classes) / len(real)
    modes, kl = class_coverage(fake.logits.argmax(axis=1), num_classes, shares)
    return {"modes": modes, "kl": kl, "confidence": float(jax.nn.softmax(fake.logits).max(axis=1).mean())}


def why_not(inputs: EvalInputs) -> str:
    if not inputs.features.learned:
        return "" if "centers" in _fitted(inputs) else "the modes of this set are not known: it is for ring and grid"
    if inputs.features.logits != "own":
        return "these features know nothing of the classes of this set: use --features=classifier:FILE"
    return ""


def settings(inputs: EvalInputs) -> dict[str, int]:
    return {} if inputs.features.learned else {"points": POINTS}  # classes are counted over all samples


def _fitted(inputs: EvalInputs):
    return inputs.real.fields[inputs.real.target].fitted


METRIC = Metric(compute, why_not, settings=settings, order=60)
