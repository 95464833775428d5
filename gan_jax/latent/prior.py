"""What latents are drawn from."""

from collections.abc import Callable
from functools import partial

import jax

from gan_jax.noise import per_example


def make_prior(size: int, prior: str, codes=None) -> Callable:
    """`(key, index) -> z [B, size]`: of `prior`, but for the codes at its end, if there are any: one of
    `codes.categories`, one-hot, and `codes.continuous` numbers uniform in [-1, 1] (InfoGAN, Chen et al. 2016)."""

    def latents(key, index):
        draw = jax.random.normal if prior == "normal" else partial(jax.random.uniform, minval=-1.0)
        z = per_example(draw, key, index, (size,))
        if codes is None:
            return z
        if codes.continuous:
            uniform = per_example(jax.random.uniform, jax.random.fold_in(key, 1), index, (codes.continuous,))
            z = z.at[:, -codes.continuous :].set(2 * uniform - 1)
        if codes.categories:
            start = size - codes.categories - codes.continuous
            draw = lambda key, shape: jax.random.randint(key, shape, 0, codes.categories)
            category = per_example(draw, jax.random.fold_in(key, 2), index)
            z = z.at[:, start : start + codes.categories].set(jax.nn.one_hot(category, codes.categories))
        return z

    return latents
