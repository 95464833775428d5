"""Density and coverage."""

from gan_jax.evaluation.density_coverage import density_coverage
from gan_jax.evaluation.metrics import EvalInputs, Metric

K = 5


def compute(inputs: EvalInputs) -> dict[str, float]:
    density, coverage = density_coverage(*inputs.as_many(), k=K)
    return {"density": density, "coverage": coverage}


METRIC = Metric(compute, needs_each=True, least=K + 1, better={"coverage": -1}, settings={"k": K}, order=50)
