"""How often the caption that an image was made of is nearest to it among 100, by a matcher: by chance 1 in 100.

Real images with their own captions are measured beside them.

Reference: Xu et al. 2018 (AttnGAN), section 4, whose encoder the generator had learned from.
"""

import numpy as np

from gan_jax.data import captions
from gan_jax.evaluation import matcher
from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.metrics.words import of_captions


def compute(inputs: EvalInputs) -> dict[str, float]:
    own, results = inputs.features.matcher, {}
    words = inputs.real.read(np.arange(len(inputs.real)), (captions.NAME,))[captions.NAME]
    words = captions.renumbered(words, inputs.real.fields[captions.NAME].names, own.words)
    for of, stats in (("", inputs.fake_stats), ("_real", inputs.real_stats)):
        results[f"r_precision{of}"] = matcher.r_precision(own, stats.features, words, inputs.seed)
    return results


def why_not(inputs: EvalInputs) -> str:
    if inputs.features.matcher is None:
        return "it needs a matcher: choose features=matcher:FILE"
    return "" if of_captions(inputs) else "it needs a run that makes images of captions"


METRIC = Metric(
    compute,
    why_not,
    needs_each=True,
    least=matcher.AMONG,
    modalities=("image",),
    better={"r_precision": -1},
    settings={"among": matcher.AMONG},
    order=86,
)
