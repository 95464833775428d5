"""What a person watches: samples from fixed latents, what other maps make of examples, and one number."""

import math
from collections.abc import Callable

import jax
import numpy as np

from gan_jax.data.source import Source
from gan_jax.evaluation.real_sets import open_tests
from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein
from gan_jax.experiment import Experiment
from gan_jax.game import Game, Map, State, Variables
from gan_jax.images import centered, titled_sheet
from gan_jax.modalities import Field, Fields
from gan_jax.noise import FIXED_LATENTS
from gan_jax.sampling import from_noise, given_for, labels_for, make_averager, make_sampler, wanted

EACH, MOST = 8, 128  # samples of each class in a picture, if all of them are not more than so many
ROWS = 8  # examples of what other maps make in a picture
NUMBERS = 2**20  # in all examples that such a map makes for the distance

# (variables, rounds played) -> (a picture, the distance of what it shows from real examples, if there are any)
Panel = Callable[[Variables, int], tuple[np.ndarray, float | None]]


def make_watcher(config, experiment: Experiment, source: Source) -> Callable[[State], tuple[np.ndarray, float | None]]:
    """`state -> (picture, distance)`, by the averaged generator.

    The picture, uint8 [H, W, C], shows what the maps of the game make, but for labels, if there is anything else. Of a
    map that makes examples from noise it is the sheet of their modality: fixed latents, a column a class if the game is
    conditional and has few, and, where the modality shows such things, real examples and the logits of an unconditional
    discriminator. Beneath it, the other maps have a row an example: what they are given, what they make of it, and what
    they should make, if that is known. The distance is the sliced Wasserstein distance between what a map makes, the
    first that makes the target, and as many real examples, in the units of networks; None if there is no such map.
    """
    game, fields = experiment.game, experiment.fields
    maps = {name: each for name, each in game.maps.items() if each.makes != "label"} or game.maps
    panels = [_sheet(game, each, fields, source, config.seed) for each in maps.values() if from_noise(each)]
    if others := {name: each for name, each in maps.items() if not from_noise(each)}:
        panels.append(_rows(config, others, fields, source))
    average = make_averager(game)

    def watch(state: State) -> tuple[np.ndarray, float | None]:
        state = jax.device_get(state)
        variables = average(state)
        pictures, distances = zip(*(panel(variables, int(state.step)) for panel in panels), strict=True)
        return _stacked(pictures), next((distance for distance in distances if distance is not None), None)

    return watch


def _sheet(game: Game, game_map: Map, fields: Fields, source: Source, seed: int) -> Panel:
    """Of a map that makes examples from noise."""
    field = fields[game_map.makes]
    kind = field.modality
    n = min(len(source), kind.watched(field))
    chosen = np.random.default_rng(0).choice(len(source), n, replace=False)
    examples = source.read(chosen, tuple(name for name in (game_map.makes, *game_map.given) if name in source.fields))
    real, given = examples.get(game_map.makes), {name: examples[name] for name in game_map.given}
    sample, key = make_sampler(game_map, fields), jax.random.fold_in(jax.random.key(seed), FIXED_LATENTS)
    critic, in_turn = None, None
    if game.discriminate and not given:
        critic = jax.jit(lambda variables, stored: game.discriminate(variables, kind.to_model(stored, field)))
    if given and kind.shown:
        classes = fields["label"].names
        in_turn = labels_for(EACH * len(classes) if EACH * len(classes) <= MOST else kind.shown, classes)

    def panel(variables, step):
        made = sample(variables, key, given, np.arange(n))
        shown, labels = made[: kind.shown], given.get("label")
        if in_turn is not None:
            shown, labels = sample(variables, key, {"label": in_turn}, np.arange(len(in_turn))), in_turn
        logits = critic and (lambda stored: critic(variables, stored))
        sheet = kind.sheet(shown, field, labels=labels, real=real, critic=logits, title=f"round {step}")
        return sheet, None if real is None else _distance(made, real, field)

    return panel


def _rows(config, maps: dict[str, Map], fields: Fields, source: Source) -> Panel:
    """Of maps that make something of examples: a row an example, always the same ones."""
    target = fields[source.target]
    most = max(ROWS, min(target.modality.watched(target) // 8, NUMBERS // math.prod(target.shape)))
    tests = open_tests(config, source, fields, most=most, seed=0)
    rows, key = np.arange(len(tests)), jax.random.key(config.seed)
    samplers = {name: make_sampler(each, fields) for name, each in maps.items()}
    columns = {name: column for each in maps.values() for name, column in given_for(tests, each).items()}
    given = {name: np.asarray(column[rows]) for name, column in columns.items()}
    real = tests.read(rows, (tests.target,))[tests.target]
    compared = next((name for name, each in maps.items() if each.makes == tests.target), None)

    def thumbnails(name, stored):
        return fields[name].modality.thumbnails(stored[:ROWS], fields[name])

    def panel(variables, step):
        shown, distance = {}, None
        for name, each in maps.items():
            index = rows if name == compared else rows[:ROWS]
            made = samplers[name](variables, key, {own: given[own][index] for own in each.given}, index)
            shown |= {own: thumbnails(own, given[own]) for own in each.given}
            shown[f"{name}: {each.makes}"] = thumbnails(each.makes, made)
            if wanted(tests, each):
                shown[each.makes] = thumbnails(each.makes, tests.read(rows[:ROWS], (each.makes,))[each.makes])
            if name == compared:
                distance = _distance(made, real, target)
        return titled_sheet(shown), distance

    return panel


def _distance(made: np.ndarray, real: np.ndarray, field: Field) -> float:
    inside = (np.asarray(field.modality.to_model(examples, field), np.float32) for examples in (made, real))
    return sliced_wasserstein(*inside)


def _stacked(pictures: tuple[np.ndarray, ...]) -> np.ndarray:
    """uint8 pictures [h, w, 1 or 3], one beneath the other, centered on white; a single one as it is."""
    if len(pictures) == 1:
        return pictures[0]
    width = max(picture.shape[1] for picture in pictures)
    colored = (picture.repeat(3 // picture.shape[2], axis=2) for picture in pictures)
    return np.concatenate([centered(picture, picture.shape[0], width) for picture in colored])
