"""Numbers about predicted frames, against NumPy."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from gan_jax.data.source import Source
from gan_jax.evaluation.features import Features
from gan_jax.evaluation.image_quality import sharpness_difference, squared_error
from gan_jax.evaluation.metrics import EvalInputs, Model, frames
from gan_jax.game import Map
from gan_jax.modalities import Field, lookup
from gan_jax.perceptual import open_perceptual, perceptual_distance

N, SHAPE = 3, (16, 12, 1)
PIXELS = Features("pixels", None, None, 1, learned=False)


def clips(seed, length):
    return np.random.default_rng(seed).integers(0, 256, (N, length, *SHAPE)).astype(np.uint8)


def inputs_of(made, true, given, **fitted):
    field = lambda stored: Field(lookup("video"), stored.shape[1:], (), fitted)
    real = Source({"video": field(true), "input": field(given)}, {"video": true, "input": given})
    fake = Source(real.fields, {"video": made, "input": given})
    return EvalInputs(real, fake, PIXELS, 0, Model(None, Map(("input",), "video", None), {}))


def steps(x):
    down, right = np.abs(x[1:, 1:] - x[:-1, 1:]), np.abs(x[1:, 1:] - x[1:, :-1])
    return down + right


def expected(made, true):
    a, b = (x[..., 0].astype(np.float64) / 255 for x in (made, true))
    energy = lambda x: (np.diff(x, axis=0) ** 2).mean() + (np.diff(x, axis=1) ** 2).mean()
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    return {
        "mse": ((a - b) ** 2).sum(),
        "psnr": -10 * np.log10(((a - b) ** 2).mean()),
        "ssim": structural_similarity(a, b, full=True, **settings)[1][5:-5, 5:-5].mean(),
        "sharpness_difference": -10 * np.log10(np.abs(steps(a) - steps(b)).mean()),
        "sharpness": np.array([energy(a), energy(b)]),
    }


def test_each_frame_is_measured_and_so_is_a_copy_of_the_last_given(monkeypatch):
    monkeypatch.setattr(frames, "CHUNK", 2)
    made, true, given = clips(0, 2), clips(1, 2), clips(2, 4)
    results = frames.compute(inputs_of(made, true, given))
    assert len(results) == 5 * 2 * 3
    for of, shown in (("", made), ("_copy", given[:, [-1, -1]])):
        for k in (1, 2):
            each = [expected(shown[i, k - 1], true[i, k - 1]) for i in range(N)]
            means = {name: np.mean([values[name] for values in each], axis=0) for name in each[0]}
            means["sharpness"] = means["sharpness"][0] / means["sharpness"][1]
            for name, value in means.items():
                assert results[f"{name}{of}_{k}"] == pytest.approx(value, rel=1e-4), (name, of, k)
        for name in means:
            assert results[f"{name}{of}"] == pytest.approx((results[f"{name}{of}_1"] + results[f"{name}{of}_2"]) / 2)


def test_features_are_compared_if_the_data_say_whose():
    made, true, given = clips(0, 1), clips(1, 1), clips(2, 1)
    results = frames.compute(inputs_of(made, true, given, perceptual="classifier"))
    network = open_perceptual("classifier", 1)
    maps = (network.maps(network.params, x[:, 0].astype(np.float32) / 127.5 - 1) for x in (made, true))
    assert results["distance_1"] == pytest.approx(float(np.mean(perceptual_distance(*maps))), rel=1e-4)
    assert "distance" in frames.METRIC.settings(inputs_of(made, true, given, perceptual="classifier"))


def test_equal_frames_and_small_ones():
    same = clips(0, 1)[:, :, :8]
    results = frames.compute(inputs_of(same, same, same))
    assert results["mse"] == 0 and results["sharpness"] == pytest.approx(1) and "ssim" not in results
    assert results["psnr"] == results["sharpness_difference"] == pytest.approx(138.5, abs=0.1)


def test_it_is_for_runs_that_predict_frames():
    inputs = inputs_of(*[clips(0, 1)] * 3)
    assert frames.METRIC.why_not(inputs) == ""
    assert "predicts frames" in frames.METRIC.why_not(inputs._replace(model=None))


def test_units():
    black, white = np.zeros((1, 3, 3, 2), np.uint8), np.full((1, 3, 3, 2), 255, np.uint8)
    assert squared_error(black, white).tolist() == [18]
    edge = black.copy()
    edge[:, :, 2:] = 255
    np.testing.assert_allclose(sharpness_difference(edge, black), -10 * np.log10(0.5), rtol=1e-5)
