"""Solids compared voxel by voxel: how near the nearest one is, by 1 - intersection / union.

mmd: the mean distance of real solids from the nearest sample (minimum matching distance); cov: the share of real solids
that are the nearest one of a sample (coverage); nn_accuracy: how often the nearest of all other solids, real and
generated, tells which of both a solid is: 0.5 is the best, 1 the worst. Of as many of both sets, at most 1,000.

Reference: Achlioptas et al. 2018; Lopez-Paz and Oquab 2017; there of point clouds.
"""

import numpy as np

from gan_jax.evaluation.metrics import EvalInputs, Metric

MOST = 1_000


def compute(inputs: EvalInputs) -> dict[str, float]:
    n = min(len(inputs.real), len(inputs.fake), MOST)
    rng = np.random.default_rng(inputs.seed)
    real, fake = (_some(source, inputs.real.target, n, rng) for source in (inputs.real, inputs.fake))
    between = distances(fake, real)
    own = [distances(part, part) + np.diag(np.full(n, np.inf)) for part in (real, fake)]
    # Of each solid, whether the nearest of its own kind is nearer than that of the other one.
    told = [own[0].min(axis=1) < between.min(axis=0), own[1].min(axis=1) < between.min(axis=1)]
    return {
        "mmd": float(between.min(axis=0).mean()),
        "cov": len(np.unique(between.argmin(axis=1))) / n,
        "nn_accuracy": float(np.mean(told)),
    }


def _some(source, target: str, n: int, rng: np.random.Generator) -> np.ndarray:
    rows = np.sort(rng.permutation(len(source))[:n])
    return source.read(rows, (target,))[target].reshape(n, -1).astype(np.float32)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 - |intersection| / |union| of solids float [M, V] and [N, V] of 0 and 1: [M, N]; 0 of two empty ones."""
    common = a @ b.T
    union = a.sum(axis=1)[:, None] + b.sum(axis=1) - common
    return 1 - np.where(union > 0, common / np.maximum(union, 1), 1)


METRIC = Metric(
    compute,
    needs_features=False,
    least=2,
    modalities=("voxels",),
    better={"nn_accuracy": 1},
    settings={"most": MOST},
    order=93,
)
