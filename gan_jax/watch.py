"""What a person watches: samples from fixed latents, the animation of them, and one number."""

import math
from collections.abc import Callable

import jax
import numpy as np

from gan_jax.data import Source
from gan_jax.data.pictures import like
from gan_jax.evaluate import open_translated
from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein
from gan_jax.experiment import Experiment
from gan_jax.game import State
from gan_jax.games.cyclegan import goes_back, turned
from gan_jax.images import draw_points, grid
from gan_jax.noise import FIXED_LATENTS
from gan_jax.sampling import class_columns, labels_for, make_averager, make_sampler, translated

NUM_IMAGES, NUM_POINTS = 512, 2000  # drawn each time (fewer of large images)
TRANSLATED = 8  # images in a picture of translations
SHOWN = 64  # images in a picture; points are all shown


def make_watcher(config, experiment: Experiment, source: Source) -> Callable[[State], tuple[np.ndarray, float]]:
    """`state -> (picture, distance)`.

    The picture is uint8 [H, W, C]: a grid of the averaged generator's images from fixed latents (a column a class, if
    the game is conditional and has up to 16), or real and generated points over the field of an unconditional
    discriminator. The distance is the sliced Wasserstein distance of the samples from as many real examples, for images
    in units where black to white is 2. A game that translates shows its input, its output, the way back if it knows
    one, and the target if there is one.
    """
    if experiment.view:
        return _translations(experiment, open_translated(config, source.image_shape)[0], config.seed)
    seed, is_image = config.seed, len(source.image_shape) == 3
    most = min(NUM_IMAGES, 2**24 // math.prod(source.image_shape)) if is_image else NUM_POINTS
    n = min(len(source), max(most, SHOWN))
    real = source.read(np.random.default_rng(0).choice(len(source), n, replace=False))
    labels, shown = labels_for(n, 0), None
    game, num_classes = experiment.game, experiment.num_classes
    if num_classes:
        labels = real["label"]
        shown = labels_for(8 * num_classes if num_classes <= 16 else SHOWN, num_classes)
    key = jax.random.fold_in(jax.random.key(seed), FIXED_LATENTS)
    average, sample = make_averager(game), make_sampler(game)
    judge = jax.jit(game.judge) if game.judge and not num_classes else None

    def watch(state: State) -> tuple[np.ndarray, float]:
        state = jax.device_get(state)
        variables = average(state)
        fake = sample(variables, key, labels)
        if is_image:
            distance = sliced_wasserstein(*(images.astype(np.float32) / 127.5 for images in (fake, real["image"])))
            if shown is None:
                return grid(fake[:SHOWN]), distance
            return grid(sample(variables, key, shown), class_columns(shown)), distance
        field = judge and (lambda points: judge(variables, points))
        picture = draw_points(real["image"], fake, field, f"round {int(state.step)}")
        return picture, sliced_wasserstein(fake, real["image"])

    return watch


def _translations(experiment: Experiment, source: Source, seed: int) -> Callable[[State], tuple[np.ndarray, float]]:
    most = max(TRANSLATED, min(NUM_IMAGES // 8, 2**20 // math.prod(source.image_shape)))
    source = source.select(np.sort(np.random.default_rng(0).permutation(len(source))[:most]))
    game, rows = experiment.game, np.arange(len(source))
    average, sample, key = make_averager(game), make_sampler(game), jax.random.key(seed)
    real = source.read(rows)["image"]

    def watch(state: State) -> tuple[np.ndarray, float]:
        variables = average(jax.device_get(state))
        made = translated(game, experiment.view, variables, source, seed)
        fake = made.read(rows)["image"]
        if source.unpaired is None:
            columns = [like(made.inputs[rows[:TRANSLATED]], source.image_shape), fake]
        else:
            columns = [source.unpaired.read(rows[:TRANSLATED] % len(source.unpaired))["image"], fake]
        if goes_back(variables):
            columns.append(sample(turned(variables), key, fake[:TRANSLATED]))
        if source.unpaired is None:
            columns.append(real)
        sheet = np.stack([images[:TRANSLATED] for images in columns], axis=1)
        distance = sliced_wasserstein(*(images.astype(np.float32) / 127.5 for images in (fake, real)))
        return grid(sheet.reshape(-1, *source.image_shape), columns=2 * len(columns)), distance

    return watch
