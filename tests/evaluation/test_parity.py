"""FID, KID, IS, precision and recall against torch-fidelity, from the same features."""

import numpy as np
import pytest

from gan_jax.evaluation import covariance, frechet_distance, inception_score, moments, polynomial_mmd, precision_recall

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(24, 24)) / 4
REAL = RNG.normal(size=(700, 24)) @ MIX
FAKE = RNG.normal(size=(600, 24)) @ MIX * 0.9 + 0.2
CLOSE = {"rel": 1e-6, "abs": 0}


@pytest.fixture(scope="session")
def tensor(torch_fidelity):
    import torch

    return torch.from_numpy


def test_frechet_distance(torch_fidelity, tensor):
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    peer = fid_statistics_to_metric(*(fid_features_to_statistics(tensor(x)) for x in (REAL, FAKE)), verbose=False)
    real, fake = moments(REAL), moments(FAKE)
    ours = frechet_distance(real.mean, covariance(real), fake.mean, covariance(fake))
    assert ours == pytest.approx(peer["frechet_inception_distance"], **CLOSE)


def test_kernel_distance(torch_fidelity, tensor):
    from torch_fidelity.metric_kid import kid_features_to_metric

    settings = {"kid_subsets": 5, "kid_subset_size": 200, "rng_seed": 3, "verbose": False}
    peer = kid_features_to_metric(tensor(REAL), tensor(FAKE), **settings)
    rng = np.random.RandomState(3)  # the subsets that the peer draws, in its order
    draw = lambda x: x[rng.choice(len(x), 200, replace=False)]
    ours = np.mean([polynomial_mmd(draw(REAL), draw(FAKE)) for _ in range(5)])
    assert ours == pytest.approx(peer["kernel_inception_distance_mean"], **CLOSE)


def test_inception_score(torch_fidelity, tensor):
    from torch_fidelity.metric_isc import isc_features_to_metric

    peer = isc_features_to_metric(tensor(10 * REAL), splits=7, shuffle=False)
    mean, deviation = inception_score(10 * REAL, splits=7)
    assert mean == pytest.approx(peer["inception_score_mean"], **CLOSE)
    assert deviation == pytest.approx(peer["inception_score_std"], **CLOSE)


@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall(torch_fidelity, tensor, k):
    from torch_fidelity.metric_prc import prc_features_to_metric

    settings = {"prc_neighborhood": k, "verbose": False}
    peer = prc_features_to_metric(tensor(FAKE), tensor(REAL), **settings)  # generated ones first
    precision, recall = precision_recall(REAL, FAKE, k)
    assert 0 < recall < precision < 1
    assert precision == pytest.approx(peer["precision"], **CLOSE)
    assert recall == pytest.approx(peer["recall"], **CLOSE)
