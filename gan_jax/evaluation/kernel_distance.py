"""The kernel distance between two sets: KID, where they are features of Inception."""

import chex
import numpy as np

from gan_jax.errors import UserError


def polynomial_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """The squared maximum mean discrepancy of the kernel (x.y / F + 1)^3, without bias.

    Args:
        x: [M, F]
        y: [N, F]

    Returns:
        The estimate; below 0 about as often as above for samples of equal distributions. Takes memory for M^2, N^2
        and M N float64.

    Raises:
        UserError: a set has fewer than 2 samples.

    Reference: Gretton et al. 2012, eq. 3; Binkowski et al. 2018, section 4.
    """
    chex.assert_rank([x, y], 2)
    chex.assert_equal_shape_suffix([x, y], 1)
    if min(len(x), len(y)) < 2:
        raise UserError(f"a kernel distance needs 2 samples of each set, not {len(x)} and {len(y)}: take more samples")
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return float(_mean_of_pairs(x) + _mean_of_pairs(y) - 2 * np.mean(_kernel(x @ y.T, x.shape[1])))


def kernel_distance(x: np.ndarray, y: np.ndarray, block_size: int = 1000, seed: int = 0) -> tuple[float, float]:
    """`polynomial_mmd` averaged over blocks, and how far chance moves that average.

    Both sets are shuffled and cut into as many blocks as the smaller one gives, at least 2. No sample is in two
    blocks, so that they are independent and the standard error means what it says; it would not for random subsets,
    which overlap.

    Args:
        x: [M, F]
        y: [N, F]
        block_size: samples of each set in a block; at most half of the smaller set is taken.
        seed: of the shuffles.

    Returns:
        Mean and standard error over the blocks.

    Raises:
        UserError: a set has fewer than 4 samples.

    Reference: Binkowski et al. 2018, section 4.
    """
    chex.assert_rank([x, y], 2)
    smaller = min(len(x), len(y))
    if smaller < 4:
        raise UserError(f"two blocks need 4 samples of each set, not {len(x)} and {len(y)}: take more samples")
    size = min(block_size, smaller // 2)
    blocks = smaller // size
    rng = np.random.default_rng(seed)
    x, y = (np.split(rng.permutation(z)[: blocks * size], blocks) for z in (x, y))
    distances = [polynomial_mmd(a, b) for a, b in zip(x, y, strict=True)]
    return float(np.mean(distances)), float(np.std(distances, ddof=1) / np.sqrt(blocks))


def _kernel(products: np.ndarray, features: int) -> np.ndarray:
    return (products / features + 1) ** 3


def _mean_of_pairs(x: np.ndarray) -> float:
    """The kernel's mean over pairs of two different samples: a sample with itself is what would bias it."""
    n, features = x.shape
    with_itself = _kernel(np.sum(x**2, axis=1), features)
    return (np.sum(_kernel(x @ x.T, features)) - np.sum(with_itself)) / (n * (n - 1))
