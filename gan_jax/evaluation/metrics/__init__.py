"""Metrics, a file each, which say all about themselves: a number or several of a set of examples against a real one.

A module of this package has a `METRIC`, and so may any module that Python can import: its name is what a person gives.
"""

import contextlib
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gan_jax.data import Source
from gan_jax.errors import UserError
from gan_jax.evaluation.feature_stats import FeatureStats
from gan_jax.evaluation.features import Features
from gan_jax.game import Game, Map, Variables
from gan_jax.lookup import import_by_name, modules_of, only_the_librarys_own

KEY = "--config.evaluation.metrics"


class Model(NamedTuple):
    """The game that generated examples."""

    game: Game
    game_map: Map  # by which it did
    variables: Variables


class EvalInputs(NamedTuple):
    """What metrics are functions of.

    Attributes:
        real: the real examples.
        fake: the examples that are measured, of the same field; of a map that is given examples, row i is what it
            makes of row i of `real`, and the examples that it is given are fields too.
        features: by which they are compared.
        seed: of what metrics draw.
        model: that generated `fake`; None of two sets.
        real_stats, fake_stats: of the features; None if no metric needs them, and where it is only asked what can be
            measured.
    """

    real: Source
    fake: Source
    features: Features
    seed: int = 0
    model: Model | None = None
    real_stats: FeatureStats | None = None
    fake_stats: FeatureStats | None = None

    def as_many(self) -> tuple[Any, Any]:
        """Features of as many real examples as samples: what is near what depends on how many there are."""
        n = min(len(self.real_stats.features), len(self.fake_stats.features))
        return self.real_stats.features[:n], self.fake_stats.features[:n]


class Metric(NamedTuple):
    """A metric.

    Attributes:
        compute: `inputs -> {result: number}`, and perhaps a "picture", uint8 [H, W, C], to be looked at beside them.
        why_not: `inputs -> why it cannot be measured`, "" if it can; `needs_features` and `least` are checked before.
        needs_features: whether it needs statistics of the features.
        needs_each: whether it needs the features of single real examples, not their mean and covariance alone.
        least: examples of each set.
        modalities: the names of those that it is for; (): any.
        slow: measured only if it is asked for.
        better: {result that can select the best round: 1, smaller is better; -1, larger}, the first choice first.
        settings: what else the numbers depend on, for the protocol, or a function of the inputs that says that.
        warning: `inputs -> what one must know about these numbers`, "" if nothing.
        order: results are listed by it, and of two metrics the lower one selects the best round.
    """

    compute: Callable[[EvalInputs], dict[str, Any]]
    why_not: Callable[[EvalInputs], str] = lambda inputs: ""
    needs_features: bool = True
    needs_each: bool = False
    least: int = 1
    modalities: tuple[str, ...] = ()
    slow: bool = False
    better: Mapping[str, int] = {}
    settings: Mapping[str, Any] | Callable[[EvalInputs], Mapping[str, Any]] = {}  # noqa: RUF012 (never changed)
    warning: Callable[[EvalInputs], str] = lambda inputs: ""
    order: float = math.inf


Metrics = dict[str, Metric]


def own_metrics() -> Metrics:
    """All metrics of the library."""
    package = sys.modules[__name__]
    return _in_order({name: _metric(name, KEY) for name in modules_of(package)})


def why_not(metric: Metric, inputs: EvalInputs) -> str:
    """Why a metric cannot be measured here; "" if it can."""
    modality, fewest = inputs.real.fields[inputs.real.target].modality.name, min(len(inputs.real), len(inputs.fake))
    if metric.modalities and modality not in metric.modalities:
        return f"it needs {' or '.join(metric.modalities)} data"
    if metric.needs_features and inputs.features.apply is None:
        return "it compares features, and there are none: choose features=classifier:FILE or inception"
    if fewest < metric.least:
        return f"it needs {metric.least} examples of each set, and there are {fewest}"
    return metric.why_not(inputs)


def choose(names: str, inputs: EvalInputs, watched: tuple[str, ...] = (), given_as: str = "--metrics") -> Metrics:
    """The metrics that a person asks for.

    Args:
        names: separated by commas; "auto": all that can be measured here but the slow ones; "all": those too;
            "watched": few, to be measured while training.
        inputs: without statistics.
        watched: the names of those few, which the modalities say; they may be other than the library's.
        given_as: the flag or key that a message names. What a key names may come from a saved run.

    Raises:
        UserError: an unknown name, or one that cannot be measured here; or nothing can.
    """
    own = own_metrics()
    quick = [name for name in own if not own[name].slow]
    sets = {"auto": [*quick, *watched], "all": [*own, *watched], "watched": watched}
    wanted = sets.get(names, names.split(","))
    metrics = _in_order({name: own[name] if name in own else _metric(name, given_as, *sets) for name in wanted})
    reasons = {name: why_not(metric, inputs) for name, metric in metrics.items()}
    possible = {name: metric for name, metric in metrics.items() if not reasons[name]}
    if names in sets and possible:
        return possible
    if names in sets:
        first = {reason: name for name, reason in reversed(reasons.items())}
        why = "; ".join(f"{name}: {reason}" for reason, name in reversed(first.items()))
        raise UserError(f"{given_as}={names}: nothing can be measured here by {inputs.features.name} ({why})")
    for name, reason in reasons.items():
        if reason:
            raise UserError(f"{given_as}={names}: {name} cannot be measured here: {reason}")
    return metrics


def _metric(name: str, given_as: str, *sets: str) -> Metric:
    try:
        with contextlib.nullcontext() if given_as == KEY else only_the_librarys_own(besides=(name,)):
            return import_by_name(sys.modules[__name__], name, KEY.removeprefix("--config."), member="METRIC")
    except UserError as error:
        also = f" (or {', '.join(sets)})" if sets and "there is no module" in str(error) else ""
        raise UserError(str(error).replace(KEY, given_as) + also) from None


def _in_order(metrics: Metrics) -> Metrics:
    return dict(sorted(metrics.items(), key=lambda item: (item[1].order, item[0])))
