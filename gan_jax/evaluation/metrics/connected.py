"""How much of a solid is in one piece: the share of its voxels in its largest component, where faces touch.

Beside it that of the real solids; and of both the share of all voxels that are occupied. An empty one has no piece: 0.
"""

import numpy as np

from gan_jax.data import Source
from gan_jax.evaluation.metrics import EvalInputs, Metric

MOST = 1_000  # solids of each set


def compute(inputs: EvalInputs) -> dict[str, float]:
    results = {}
    for suffix, source in (("", inputs.fake), ("_real", inputs.real)):
        results |= {f"connected{suffix}": _mean(source, inputs.real.target, largest_share)}
        results |= {f"occupied{suffix}": _mean(source, inputs.real.target, np.mean)}
    return results


def _mean(source: Source, target: str, measure) -> float:
    rows = np.arange(0, len(source), max(len(source) // MOST, 1))
    return float(np.mean([measure(solid) for solid in source.read(rows, (target,))[target]]))


def largest_share(solid: np.ndarray) -> float:
    """Of the voxels of a solid [X, Y, Z]."""
    from scipy import ndimage

    pieces, count = ndimage.label(solid)
    return float(np.bincount(pieces.ravel())[1:].max() / np.count_nonzero(solid)) if count else 0.0


METRIC = Metric(compute, needs_features=False, modalities=("voxels",), settings={"most": MOST}, order=94)
