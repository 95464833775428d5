"""How sharp samples are, beside real examples: the mean squared difference of neighboring pixels, as a share of theirs.

1: as sharp as they. Blur makes it smaller, noise larger.
"""

import numpy as np

from gan_jax.data import Source
from gan_jax.evaluation import image_quality
from gan_jax.evaluation.metrics import EvalInputs, Metric

MOST = 2_000  # examples of each set
CHUNK = 256


def compute(inputs: EvalInputs) -> dict[str, float]:
    target = inputs.real.target
    return {"sharpness": _mean(inputs.fake, target) / max(_mean(inputs.real, target), image_quality.SMALLEST)}


def _mean(source: Source, target: str) -> float:
    rows = np.arange(0, len(source), max(len(source) // MOST, 1))
    chunks = (source.read(rows[start : start + CHUNK], (target,))[target] for start in range(0, len(rows), CHUNK))
    return float(np.mean(np.concatenate([image_quality.sharpness(chunk) for chunk in chunks])))


METRIC = Metric(compute, needs_features=False, modalities=("image",), slow=True, order=92)
