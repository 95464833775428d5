"""How near images are to their targets, pixel by pixel, and, to compare with, the inputs are, enlarged if smaller.

Inputs in color are not compared with gray targets, label maps not with images.
"""

import numpy as np

from gan_jax.data.pictures import like
from gan_jax.evaluation.image_quality import WINDOW, l1, psnr, ssim
from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.sampling import wanted

CHUNK = 256  # images that are compared at once


def compute(inputs: EvalInputs) -> dict[str, float]:
    fake, real, target, collected = inputs.fake, inputs.real, inputs.real.target, {}
    (given,) = _translated(inputs)
    kinds, shape = [real.fields[target].modality, fake.fields[given].modality], real.fields[target].shape
    comparable = kinds[0] is kinds[1] and fake.fields[given].shape[-1] in (1, shape[-1])
    for start in range(0, len(fake), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(fake)))
        examples, targets = fake.read(rows, (target, given)), real.read(rows, (target,))[target]
        compared = {"": examples[target]}
        if comparable:
            compared["_input"] = like(examples[given], shape)
        for name, images in compared.items():
            for measure in (l1, psnr, ssim):
                if measure is not ssim or min(shape[:2]) >= WINDOW:
                    values = np.asarray(measure(images, targets))
                    collected.setdefault(f"{measure.__name__}{name}", []).append(values)
    return {name: float(np.mean(np.concatenate(values))) for name, values in collected.items()}


def why_not(inputs: EvalInputs) -> str:
    known = inputs.model and wanted(inputs.real, inputs.model.game_map) and len(_translated(inputs)) == 1
    return "" if known else "it needs a run that translates images, and their targets"


def _translated(inputs: EvalInputs) -> list[str]:
    """The names of what is translated: images, label maps."""
    return [name for name in inputs.model.game_map.given if inputs.fake.fields[name].modality.resize]


METRIC = Metric(
    compute,
    why_not,
    needs_features=False,
    modalities=("image",),
    better={"ssim": -1, "psnr": -1},
    order=90,
)
