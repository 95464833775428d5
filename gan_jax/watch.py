"""What a person watches: samples from fixed latents, the animation of them, and one number."""

from collections.abc import Callable

import jax
import numpy as np

from gan_jax import images
from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein
from gan_jax.game import Game, State
from gan_jax.sampling import labels_for, make_averager, make_sampler

NUM_SAMPLES, NUM_POINTS = 512, 2000  # drawn each time, of which a picture shows 64 images, or all points
FIXED_LATENTS = 2**32 - 1  # folded into the run's key where a round folds in its step, which never gets there


def make_watcher(game: Game, source, config) -> Callable[[State], tuple[np.ndarray, float]]:
    """`state -> (picture, distance)`.

    The picture is uint8 [H, W, C]: a grid of the averaged generator's images from fixed latents (a column a class, if
    the game is conditional and has up to 16), or real and generated points over the discriminator's field. The
    distance is the sliced Wasserstein distance of the samples from as many real examples, images in [-1, 1].
    """
    is_image = len(source.image_shape) == 3
    n = min(len(source), NUM_SAMPLES if is_image else NUM_POINTS)
    real = source.read(np.random.default_rng(0).choice(len(source), n, replace=False))
    labels = real["label"] if config.conditional else labels_for(n, 0)
    columns = 8
    if config.conditional and is_image:
        columns = source.num_classes if source.num_classes <= 16 else 8
        shown = labels_for(8 * columns, source.num_classes)
    else:
        shown = labels[:64]
    key = jax.random.fold_in(jax.random.key(config.seed), FIXED_LATENTS)
    average, sample = make_averager(game), make_sampler(game)
    judge = jax.jit(game.judge) if game.judge and not config.conditional else None

    def watch(state: State) -> tuple[np.ndarray, float]:
        state = jax.device_get(state)
        variables = average(state)
        fake = sample(variables, key, labels)
        if is_image:
            distance = sliced_wasserstein(fake / 127.5, real["image"] / 127.5)
            return images.grid(sample(variables, key, shown), columns), distance
        distance = sliced_wasserstein(fake, real["image"])
        field = judge and (lambda points: judge(variables, points))
        return images.draw_points(real["image"], fake, field, f"round {int(state.step)}"), distance

    return watch
