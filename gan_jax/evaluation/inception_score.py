"""The Inception score, of any classifier's logits."""

import chex
import numpy as np

from gan_jax.errors import UserError


def inception_score(logits: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """exp(mean over samples of KL(p(y|x) || p(y))): high for samples that are classified with confidence and varied.

    Args:
        logits: [N, K]
        splits: consecutive parts that are scored one by one; shuffle samples that come sorted.

    Returns:
        Mean and standard deviation over the splits; each score is in [1, K]. It grows with the samples of a split.

    Raises:
        UserError: fewer samples than splits.

    Reference: Salimans et al. 2016, section 4.
    """
    chex.assert_rank(logits, 2)
    n = len(logits)
    if n < splits:
        raise UserError(f"an Inception score of {splits} splits needs at least {splits} samples, not {n}: take more")
    logits = np.asarray(logits, np.float64)
    log_p = logits - _log_sum_exp(logits, axis=1)
    scores = [_score(log_p[i * n // splits : (i + 1) * n // splits]) for i in range(splits)]
    return float(np.mean(scores)), float(np.std(scores))


def _score(log_p: np.ndarray) -> float:
    # The mixture in logarithms too: where every p rounds to 0, its own logarithm would not exist.
    log_mixture = _log_sum_exp(log_p, axis=0) - np.log(len(log_p))
    return np.exp(np.mean(np.sum(np.exp(log_p) * (log_p - log_mixture), axis=1)))


def _log_sum_exp(x: np.ndarray, axis: int) -> np.ndarray:
    most = x.max(axis=axis, keepdims=True)
    return most + np.log(np.sum(np.exp(x - most), axis=axis, keepdims=True))
