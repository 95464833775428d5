"""How different results of one input are: the mean distance of two that were made with other noise.

It is a share of the mean distance of two real examples: 0 where noise changes nothing, 1 where two results of an input
differ as two real examples do. Distances are those of the features.

Reference: Zhu et al. 2017 (BicycleGAN), section 4, where distances are LPIPS, and not divided.
"""

import numpy as np

from gan_jax.evaluation.feature_stats import compute_stats
from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.sampling import generated, wanted


def compute(inputs: EvalInputs) -> dict[str, float]:
    _, game_map, variables = inputs.model
    n, given = len(inputs.fake), {name: inputs.fake.columns[name] for name in game_map.given}
    other = generated(game_map, inputs.fake.fields, variables, given, n, inputs.seed + 1)
    other = compute_stats(other, inputs.features, np.arange(n), "samples of other noise").features
    real = inputs.real_stats.features
    apart = _distance(real, np.roll(real, len(real) // 2, axis=0))
    return {"diversity": _distance(inputs.fake_stats.features, other) / apart}


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(np.linalg.norm(a - b, axis=1)))


def why_not(inputs: EvalInputs) -> str:
    known = inputs.model and wanted(inputs.real, inputs.model.game_map)
    return "" if known else "it needs a run that translates, and its targets"


METRIC = Metric(compute, why_not, needs_each=True, least=2, slow=True, order=97)
