"""How far samples are from the nearest real example, beside how far real ones are from the nearest other one.

nearest: the mean distance of samples; nearest_real: that of as many real examples; copies: the share of samples nearer
to a real example than 99 in 100 real ones are to each other. A generator that learns its examples by heart has copies.
"""

import numpy as np

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.nearest_neighbors import nearest_neighbors

MOST = 2_000  # samples, and real examples whose neighbors are looked for
RARE = 0.01  # the quantile of the distances of real examples below which a sample counts as a copy


def compute(inputs: EvalInputs) -> dict[str, float]:
    real, fake = inputs.real_stats.features, inputs.fake_stats.features[:MOST]
    _, distances = nearest_neighbors(fake, real, 1)
    _, among = nearest_neighbors(real[:MOST], real, 2)  # the nearest is the example itself
    copies = np.mean(distances[:, 0] < np.quantile(among[:, 1], RARE))
    return {"nearest": float(distances.mean()), "nearest_real": float(among[:, 1].mean()), "copies": float(copies)}


METRIC = Metric(compute, needs_each=True, least=2, settings={"most": MOST, "rare": RARE}, order=85)
