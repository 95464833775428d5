"""Whether images are as their captions say, word by word: the share of what is said that a matcher sees in them.

Real images with their own captions are measured beside them. The data set must know what its captions say, as that of
captioned digits does.
"""

import numpy as np

from gan_jax.data import captions
from gan_jax.evaluation.matcher import words_right
from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.sampling import wanted


def compute(inputs: EvalInputs) -> dict[str, float]:
    own, results = inputs.features.matcher, {}
    said = inputs.real.read(np.arange(len(inputs.real)), tuple(own.classes))
    for of, stats in (("", inputs.fake_stats), ("_real", inputs.real_stats)):
        right = words_right(own, stats.features, said)
        results |= {f"words{of}": float(np.mean(list(right.values())))}
        results |= {f"{name}_right{of}": share for name, share in right.items()}
    return results


def why_not(inputs: EvalInputs) -> str:
    own = inputs.features.matcher
    if own is None or not own.classes:
        return "it needs a matcher that was trained on data that know what captions say: choose features=matcher:FILE"
    if not of_captions(inputs):
        return "it needs a run that makes images of captions"
    fields = inputs.real.fields
    if {name: fields[name].names for name in own.classes if name in fields} != own.classes:
        return f"the data do not say what the matcher tells: {', '.join(own.classes)}"
    return ""


def of_captions(inputs: EvalInputs) -> bool:
    """Whether images were made of the captions of the real ones, each of that in its row."""
    game_map = inputs.model and inputs.model.game_map
    return bool(game_map) and captions.NAME in game_map.given and wanted(inputs.real, game_map)


METRIC = Metric(compute, why_not, needs_each=True, modalities=("image",), better={"words": -1}, order=85)
