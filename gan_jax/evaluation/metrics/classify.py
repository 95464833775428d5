"""The share of the held-out examples that a game which classifies gives a wrong class."""

import numpy as np

from gan_jax.evaluation.metrics import EvalInputs, Metric
from gan_jax.sampling import generated, given_for


def compute(inputs: EvalInputs) -> dict[str, float]:
    tests, game_map = inputs.real.splits["held_out"], _classifying(inputs)
    given = given_for(tests, game_map)
    classes = generated(game_map, tests.fields, inputs.model.variables, given, len(tests), inputs.seed).labels
    return {"test_error": float(np.mean(classes != tests.labels))}


def why_not(inputs: EvalInputs) -> str:
    tests = inputs.real.splits.get("held_out")
    if inputs.model is None or _classifying(inputs) is None:
        return "it needs a run that classifies"
    if tests is None or "label" not in tests.fields:
        return "it needs labeled examples that the run was not trained on: set config.data.held_out"
    return ""


def settings(inputs: EvalInputs) -> dict[str, int]:
    splits = inputs.real.splits
    return {"held_out": len(splits["held_out"]), "labeled": len(splits.get("labeled", inputs.real))}


def _classifying(inputs: EvalInputs):
    return next((each for each in inputs.model.game.maps.values() if each.makes == "label"), None)


METRIC = Metric(compute, why_not, needs_features=False, settings=settings, order=120)
