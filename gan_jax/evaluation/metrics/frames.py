"""How near predicted frames are to the true ones, one by one and on average, and, to compare with, the last given is.

Of frame k: mse_k, the SUM of squared differences over pixels (black and white are 1 apart), psnr_k, ssim_k,
sharpness_difference_k (Mathieu et al. 2016, in dB, more is better), sharpness_k (the squared steps between neighboring
pixels, as a share of those of the true frames: blur makes it smaller than 1), and distance_k, between the maps of a
frozen network, if the data say which. All are of whole frames, there of parts that move. "_copy" is of the last given
frame in place of each. Numbers without a k are means over frames.
"""

import collections
from collections.abc import Callable

import jax
import numpy as np

from gan_jax.evaluation import image_quality
from gan_jax.evaluation.image_quality import WINDOW
from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.images import to_float
from gan_jax.perceptual import Perceptual, open_perceptual, perceptual_distance
from gan_jax.sampling import wanted

CHUNK = 64  # clips that are compared at once


def compute(inputs: EvalInputs) -> dict[str, float]:
    fake, real, target = inputs.fake, inputs.real, inputs.real.target
    given, measures, collected = _clips_given(inputs), _measures(inputs), collections.defaultdict(list)
    for start in range(0, len(fake), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(fake)))
        examples, true = fake.read(rows, (target, given)), real.read(rows, (target,))[target]
        copied = np.broadcast_to(examples[given][:, -1:], true.shape)
        for name, measure in measures.items():
            collected[name].append(_frame_by_frame(measure, examples[target], true))
            collected[f"{name}_copy"].append(_frame_by_frame(measure, copied, true))
        collected["of true"].append(_frame_by_frame(measures["sharpness"], true, true))
    each = {name: np.concatenate(values).mean(axis=0) for name, values in collected.items()}
    of_true = np.maximum(each.pop("of true"), image_quality.SMALLEST)
    for name in ("sharpness", "sharpness_copy"):
        each[name] /= of_true
    means = {name: float(values.mean()) for name, values in each.items()}
    return means | {f"{name}_{k}": float(value) for name, values in each.items() for k, value in enumerate(values, 1)}


def _frame_by_frame(measure: Callable, made: np.ndarray, true: np.ndarray) -> np.ndarray:
    """[n, T] of clips [n, T, H, W, C]."""
    return np.asarray(measure(*(clips.reshape(-1, *clips.shape[2:]) for clips in (made, true)))).reshape(true.shape[:2])


def _measures(inputs: EvalInputs) -> dict[str, Callable]:
    """{name: `(frames made [B, H, W, C], true ones) -> [B]`}; "sharpness" is to be divided by that of true ones yet."""
    measures = {
        "mse": image_quality.squared_error,
        "psnr": image_quality.psnr,
        "ssim": image_quality.ssim,
        "sharpness": lambda made, true: image_quality.sharpness(made),
        "sharpness_difference": image_quality.sharpness_difference,
    }
    if min(inputs.real.fields[inputs.real.target].shape[1:3]) < WINDOW:
        del measures["ssim"]
    if network := _network(inputs):
        maps = lambda frames: network.maps(network.params, to_float(frames))
        measures["distance"] = lambda made, true: perceptual_distance(maps(made), maps(true))
    return {name: jax.jit(measure) for name, measure in measures.items()}


def _network(inputs: EvalInputs) -> Perceptual | None:
    """The frozen network that the clips are compared by; None if their field names none."""
    field = inputs.real.fields[inputs.real.target]
    name = field.fitted.get("perceptual")
    return name and open_perceptual(name, field.shape[-1])


def _clips_given(inputs: EvalInputs) -> str | None:
    """The name of the clips that frames were predicted from, if the true ones are known."""
    if inputs.model is None or not wanted(inputs.real, inputs.model.game_map):
        return None
    given = inputs.model.game_map.given
    return next((name for name in given if inputs.fake.fields[name].modality.name == "video"), None)


def _settings(inputs: EvalInputs) -> dict[str, str]:
    network = _network(inputs)
    return {"mse": "sum over pixels"} | ({"distance": network.name} if network else {})


def _why_not(inputs: EvalInputs) -> str:
    return "" if _clips_given(inputs) else "it needs a run that predicts frames, and the true ones"


METRIC = Metric(
    compute,
    _why_not,
    needs_features=False,
    modalities=("video",),
    better={"ssim": -1, "psnr": -1},
    settings=_settings,
    order=91,
)
