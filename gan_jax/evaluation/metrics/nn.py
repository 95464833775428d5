"""A picture: samples beside the real examples that are nearest to them. Are they copies?"""

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.evaluation.nearest_neighbors import nearest_neighbors, neighbors_picture

SAMPLES, NEIGHBORS = 12, 6  # samples in the picture, and real examples beside each


def compute(inputs: EvalInputs) -> dict:
    real, fake, target = inputs.real_stats, inputs.fake_stats, inputs.real.target
    field = inputs.real.fields[target]
    rows, _ = nearest_neighbors(fake.features[:SAMPLES], real.features, NEIGHBORS)
    fakes = inputs.fake.read(fake.rows[: len(rows)], (target,))[target]
    reals = inputs.real.read(real.rows[rows.ravel()], (target,))[target]
    fakes, reals = (field.modality.thumbnails(examples, field) for examples in (fakes, reals))
    return {"picture": neighbors_picture(fakes, reals.reshape(*rows.shape, *reals.shape[1:]))}


def why_not(inputs: EvalInputs) -> str:
    return "" if inputs.features.learned else "it needs the features of a network"


def warning(inputs: EvalInputs) -> str:
    among, of = len(inputs.real_stats.rows), len(inputs.real)
    return f"nn looks for neighbors among {among:,} of the {of:,} real examples only" if among < of else ""


METRIC = Metric(compute, why_not, needs_each=True, least=NEIGHBORS, warning=warning, order=80)
