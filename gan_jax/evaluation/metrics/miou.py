"""Whether images contain what their label maps say: mean intersection over union, and right pixels, by a segmenter.

Real images of the same maps are measured beside them; images that show their classes more plainly have higher numbers.
Pixels that should be void are left out. Numbers of different segmenters cannot be compared.
"""

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.segmenter import measure
from gan_jax.sampling import wanted


def compute(inputs: EvalInputs) -> dict[str, float]:
    results, drawn, target = {}, _map_given(inputs), inputs.real.target
    for of, photos in (("", inputs.fake), ("_real", inputs.real)):
        score = measure(inputs.features.segmenter, photos, target, inputs.fake, drawn)
        results |= {f"miou{of}": score.mean_iou, f"pixel_accuracy{of}": score.accuracy}
    return results


def why_not(inputs: EvalInputs) -> str:
    own, drawn = inputs.features.segmenter, _map_given(inputs)
    if own is None:
        return "it needs a segmenter: choose features=segmenter:FILE"
    if drawn is None:
        return "it needs a run that makes images of label maps, and their photographs"
    if inputs.fake.fields[drawn].names != own.names:
        return f"the segmenter knows other classes: {', '.join(own.names)}"
    return ""


def _map_given(inputs: EvalInputs) -> str | None:
    """The name of the label maps that images were made of, if their photographs are known."""
    if inputs.model is None or not wanted(inputs.real, inputs.model.game_map):
        return None
    given = inputs.model.game_map.given
    return next((name for name in given if inputs.fake.fields[name].modality.name == "segmentation"), None)


METRIC = Metric(compute, why_not, needs_features=False, modalities=("image",), better={"miou": -1}, order=95)
