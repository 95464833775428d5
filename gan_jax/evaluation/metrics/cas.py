"""The classification accuracy score: how well what was trained on generated images classifies real ones."""

import numpy as np

from gan_jax.data import Source
from gan_jax.evaluation import classifier
from gan_jax.evaluation.metrics import EvalInputs, Metric

IMAGES = 50_000  # on which the classifier is trained, over all epochs


def compute(inputs: EvalInputs) -> dict[str, float]:
    names = (inputs.real.target, "label")
    fields = {name: inputs.real.fields[name] for name in names}
    fake = Source(fields, inputs.fake.read(np.arange(len(inputs.fake)), names))
    return {"cas": classifier.accuracy_score(fake, inputs.real, images=IMAGES, seed=inputs.seed)}


def why_not(inputs: EvalInputs) -> str:
    classes = [len(source.class_names) for source in (inputs.real, inputs.fake)]
    if classes[0] < 2 or classes[0] != classes[1]:
        return "it needs labeled data, and a run that is conditional on the labels"
    return ""


METRIC = Metric(
    compute,
    why_not,
    needs_features=False,
    modalities=("image",),
    slow=True,
    settings={"images": IMAGES},
    order=110,
)
