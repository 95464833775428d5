"""A run in, a report out: which units of its generator are where which concepts are, and what they cause."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax import __version__, dissection_report
from gan_jax.concepts import Concepts, open_concepts
from gan_jax.data import Source
from gan_jax.dissection_report import Shown
from gan_jax.errors import UserError
from gan_jax.evaluation.feature_stats import compute_stats
from gan_jax.evaluation.features import open_features, resolve_features
from gan_jax.evaluation.frechet_distance import frechet_distance
from gan_jax.evaluation.moments import covariance
from gan_jax.evaluation.real_sets import real_for_noise
from gan_jax.files import claim, replacing
from gan_jax.latent import causes
from gan_jax.latent.dissection import LEAST, Dissection, dissect
from gan_jax.latent.model import Latents, Model
from gan_jax.latent.units import Edit, decoded, find_layer, layers_of, make_editor, resized
from gan_jax.progress import progress
from gan_jax.run import Run, load
from gan_jax.sampling import labels_for

FRESH = 200  # samples that effects are measured on
UNITS = 20  # that are changed together
DRAWS = 10  # sets of random units
PLACES = 5  # in each of them, one after the other, at which a concept is inserted
SIDE = 8  # such a place is an eighth of the picture high
APPEARS = 0.1  # a concept has come if its share of the place rises by more


def dissect_to_folder(
    workdir: Path,
    out: Path,
    *,
    concepts: str,
    layer: str | None,
    num: int,
    units: int | None,
    steps: int,
    strength: float,
    artefacts: bool,
    label: str | None,
    seed: int,
    ema: bool | str,
    checkpoint: str,
    overwrite: bool,
) -> None:
    """Writes report.html, report.json and report.png.

    Args:
        workdir: of the run.
        out: a folder, made if it is not there.
        concepts: see `gan_jax.concepts.open_concepts`.
        layer: its name; None: see `gan_jax.latent.units.find_layer`.
        num: samples that units are compared with concepts by.
        units: how many are ablated, or inserted, together; None: 20, but at most a quarter of the layer.
        steps: of the optimization that ranks units, for each concept that is found; 0: none.
        strength: of insertions, so many times a unit's mean where the concept is.
        artefacts: whether to look for units without which the Fréchet distance is smaller, which takes a real set.
        label: of a conditional run, the class of all samples; None: each in turn.
        seed: of all that is random.
        ema: see `Run.variables`.
        checkpoint: see `load`.
        overwrite: whether files that this library has made may be replaced.

    Raises:
        UserError: see its message.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = {suffix: out / f"report.{suffix}" for suffix in ("html", "json", "png")}
    for path in paths.values():
        claim(path, overwrite)
    run = load(workdir, checkpoint)
    model = run.model(ema)
    if model.makes.modality.name != "image":
        raise UserError(f"{workdir} makes {model.makes.modality.name}: units are dissected of pictures")
    told, layer = open_concepts(concepts, model.makes), find_layer(model, layer)
    if told.masks is None and not steps:
        raise UserError(f"--concepts={concepts}: nothing tells where they are, so units are ranked by --steps alone")
    layers = layers_of(model)
    units = units or max(min(UNITS, layers[layer][-1] // 4), 1)
    numbers = np.arange(num + 2 * FRESH)
    latents = model.draw(numbers, labels_for(numbers, model.classes, label), None, seed)
    used, fresh, others = (latents.take(rows) for rows in np.split(numbers, [num, num + FRESH]))
    report: dict[str, Any] = {
        "protocol": {
            "gan_jax": __version__,
            "concepts": concepts,
            "samples": num,
            "seed": seed,
            "units": units,
            "strength": strength,
        },
        "run": {"workdir": str(workdir), "round": int(run.state.step), "generator": model.fingerprint},
        "layer": layer,
        "shape": layers[layer],
        "layers": layers,
        "effects": {},
    }
    found, shown = None, []
    if told.masks:
        found = dissect(model, used, layer, told, seed=seed)
        report |= compared(found)
    if concerned := in_question(found, told):
        trial = make_trial(model, used, fresh, layer, told, units, steps, seed)
        for concept in concerned:
            report["effects"][told.names[concept]], pictures = effects_of(trial, concept, found, strength)
            shown.append(pictures)
    if artefacts:
        both = fresh.followed_by(others)
        report["artefacts"] = spoiling(run, model, both, layer, units, seed)
    with replacing(paths["json"]) as file:
        file.write(json.dumps(_plain(report), indent=1).encode())
    dissection_report.write(report, shown, paths["html"], paths["png"])
    print(f"{dissection_report.summary(report)}\n{workdir}, layer {layer} -> {paths['html']}")


def compared(found: Dissection) -> dict[str, Any]:
    """What a report says of a dissection."""
    best = found.iou.argmax(axis=0)
    each = range(len(found.names))
    about = {
        found.names[k]: {
            "share_of_pixels": found.there[k],
            "null_iou": found.null[k],
            "units_found": np.flatnonzero(found.found[:, k]),
            "best_unit": best[k],
            "best_iou": found.iou[best[k], k],
            "best_quality": found.quality[best[k], k],
            "ranked": found.ranked(k),
            "threshold": found.threshold[:, k],
            "iou": found.iou[:, k],
            "quality": found.quality[:, k],
            "value": found.value[:, k],
        }
        for k in each
    }
    return {"threshold_samples": found.samples, "least_iou": LEAST, "concepts": about}


def in_question(found: Dissection | None, concepts: Concepts) -> list[int]:
    """The concepts whose units are put to the test: those of which some are found, by their best IoU; or, where nothing
    tells where concepts are, all."""
    if found is None:
        return list(range(len(concepts.names)))
    best = found.iou.max(axis=0)
    return [int(k) for k in np.argsort(-best) if found.found[:, k].any()]


class Trial(NamedTuple):
    """What units are put to the test with.

    Attributes:
        model, layer, concepts: whose units they are, and what they are tested for.
        used: latents that units may be chosen by.
        fresh: others, which judge.
        edited: pictures of the fresh ones with an edit of the layer, as stored.
        plain: the same without any.
        masks: bool [n, H, W, K], where concepts are in those; None if that is not known.
        maps: [n, h, w, C] of the layer, without any.
        before: float64 [n, K], how much of each concept is in those.
        random: float64 [draws, K], the share that goes without random units.
        rank: see `causes.make_ranker`; None: concepts have no score, or it is not wanted.
        size: how many units are changed together.
        steps: of the ranking.
        seed: of all that is random.
    """

    model: Model
    layer: str
    concepts: Concepts
    used: Latents
    fresh: Latents
    edited: Callable[[Edit], np.ndarray]
    plain: np.ndarray
    masks: np.ndarray | None
    maps: np.ndarray
    before: np.ndarray
    random: np.ndarray
    rank: Callable | None
    size: int
    steps: int
    seed: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(h, w, C) of the layer."""
        return layers_of(self.model)[self.layer]

    def removed(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The share of each concept that goes without some units, [K], and the pictures."""
        pictures = self.edited(causes.ablation(units, self.shape[-1]))
        return causes.removed(self.before, self.concepts.amount(pictures, self.model.makes)), pictures


def make_trial(
    model: Model, used: Latents, fresh: Latents, layer: str, concepts: Concepts, size: int, steps: int, seed: int
) -> Trial:
    """A trial, see there."""
    editor, count = make_editor(model, fresh.space, [layer], seed), layers_of(model)[layer][-1]
    edited = lambda edit: editor(fresh, {layer: edit})
    plain, (_, maps) = edited(Edit(0.0, 0.0)), decoded(model, fresh, layer, seed)
    before = concepts.amount(plain, model.makes)
    rank = causes.make_ranker(model, used.space, layer, concepts, seed) if concepts.score and steps else None
    masks = concepts.masks and concepts.masks(plain)
    given = model, layer, concepts, used, fresh, edited, plain, masks, maps, before
    trial = Trial(*given, before[:0], rank, size, steps, seed)
    sets = causes.random_units(count, size, DRAWS, seed)
    random = [trial.removed(sets[number])[0] for number in progress("random units", DRAWS, "sets")]
    return trial._replace(random=np.stack(random))


def effects_of(trial: Trial, concept: int, found: Dissection | None, strength: float) -> tuple[dict[str, Any], Shown]:
    """What units do to a concept, as a report says it, and pictures of it; `found` is None if there are no masks."""
    names, count = trial.concepts.names, trial.shape[-1]
    value = np.zeros(count) if found is None else found.value[:, concept]
    rankings = {} if found is None else {"iou": found.ranked(concept)}
    if trial.rank:
        alpha = trial.rank(trial.used, concept, value, trial.steps)
        rankings["optimized"] = np.argsort(-alpha, kind="stable")
    sets = {name: ranked[: trial.size] for name, ranked in rankings.items()}
    without = {name: trial.removed(units) for name, units in sets.items()}
    effects: dict[str, Any] = {
        "amount": trial.before[:, concept].mean(),
        "units": sets,
        "removed": {name: share[concept] for name, (share, _) in without.items()},
        "removed_by_random": {
            "mean": trial.random[:, concept].mean(),
            "deviation": trial.random[:, concept].std(),
        },
        "removed_of_others": {name: dict(zip(names, share, strict=True)) for name, (share, _) in without.items()},
    }
    best = effects["best"] = max(sets, key=lambda name: effects["removed"][name])
    most = np.argsort(-trial.before[:, concept], kind="stable")[: dissection_report.COLUMNS]
    pictures = {"as it is": trial.plain[most], f"without {len(sets[best])} units": without[best][1][most]}
    if found is None:
        return effects, Shown(names[concept], pictures, {})
    effects |= {"value": value, "inserted": {}}
    random, side = causes.random_units(count, trial.size, PLACES, trial.seed), max(round(trial.shape[0] / SIDE), 1)
    for name, chosen in {**{name: [units] * PLACES for name, units in sets.items()}, "random": random}.items():
        edits = [causes.ablation(units, count)._replace(value=strength * value) for units in chosen]
        given = trial.edited, trial.masks, trial.shape, trial.concepts, concept, edits, side, trial.seed
        attempts, after = causes.insertions(*given)
        effects["inserted"][name] = by_context(attempts, (*names, "none of them"))
        if name == best:
            risen = np.argsort(attempts.before - attempts.after, kind="stable")[: dissection_report.COLUMNS]
            pictures |= {
                "before": trial.plain[risen % len(trial.plain)],
                "inserted where it came most": after[risen],
            }
    return effects, Shown(names[concept], pictures, highlights(trial, found, concept))


def by_context(attempts: causes.Insertions, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Of the places of each concept: how many there were, how often the inserted one came, and its mean share."""
    rises = attempts.after - attempts.before
    return {
        name: {
            "places": int(np.sum(attempts.context == k)),
            "came": float(np.mean(rises[attempts.context == k] > APPEARS)),
            "rise": float(np.mean(rises[attempts.context == k])),
        }
        for k, name in enumerate(names)
        if np.any(attempts.context == k)
    }


def highlights(trial: Trial, found: Dissection, concept: int) -> dict[str, np.ndarray]:
    """{"unit U": pictures in which it is most active, dark where it is not above its threshold}, of the best units."""
    field, shown = trial.model.makes, {}
    for unit in found.ranked(concept)[: dissection_report.ROWS]:
        peaks = np.argsort(-trial.maps[..., unit].max(axis=(1, 2)), kind="stable")[: dissection_report.COLUMNS]
        lit = resized(trial.maps[peaks][..., [unit]], trial.plain.shape[1:3]) > found.threshold[unit, concept]
        own = field.modality.thumbnails(trial.plain[peaks], field)
        shown[f"unit {unit}"] = np.uint8(np.where(lit, own, own * 0.3))
    return shown


def spoiling(run: Run, model: Model, latents: Latents, layer: str, size: int, seed: int) -> dict[str, Any]:
    """What a report says of units without which samples are nearer to the real set, by the run's own features."""
    field, own = model.makes, run.config.evaluation
    kind = resolve_features("auto", field, in_config=own.features, has_targets=False)
    features = open_features(kind, field)
    if not features.learned:
        raise UserError(f"--artefacts: {kind} are no features of a network: set evaluation.features of the run")
    real, called = real_for_noise(run.config, None, "", field)
    moments = compute_stats(real, features, np.arange(0), "real examples").moments
    wanted = moments.mean, covariance(moments)

    def distance(pictures):
        own = compute_stats(Source({"image": field}, {"image": pictures}), features, np.arange(0), "samples").moments
        return frechet_distance(*wanted, own.mean, covariance(own))

    editor = make_editor(model, latents.space, [layer], seed)
    edited = lambda part, edit: editor(part, {layer: edit})
    found = causes.artefacts(edited, latents, layers_of(model)[layer][-1], distance, size, seed)
    return {"features": features.name, "real": called, **found._asdict()}


def _plain(value: Any) -> Any:
    """Arrays and numbers as JSON has them: rounded, and nan is null."""
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case np.ndarray() | list() | tuple():
            return [_plain(each) for each in value]
        case float() | np.floating():
            return round(float(value), 6) if np.isfinite(value) else None
        case np.integer():
            return int(value)
    return value
