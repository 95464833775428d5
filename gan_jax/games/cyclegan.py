"""Two sets of images without pairs, each translated into the other: the game of Zhu et al. 2017.

The player "generator" holds two networks, A to B and B to A, and so does the discriminator. What goes there and back
shall come back as it was.
"""

import jax
import jax.numpy as jnp

from gan_jax import losses, networks
from gan_jax.config import named, refuse_other_keys, refuse_unheeded
from gan_jax.errors import UserError
from gan_jax.game import Game, Turn
from gan_jax.games.pix2pix import HEEDED
from gan_jax.noise import per_example
from gan_jax.views import make_view


def make_game(config, image_shape: tuple[int, ...], num_classes: int) -> Game:
    """Two generators against two discriminators; `Game.sample` takes images of A, the inputs, and makes those of B.

    Args:
        config: `loss`, `generator_loss.adversarial`, networks (a "Translator" for the generators), `data`, and
            `cyclegan`: `cycle`, the paper's lambda; `identity`, the weight of G_AB(b) = b and G_BA(a) = a, as a share
            of it; `pool`, how many made images of each sort the discriminators remember; 0: none.
        image_shape: (H, W, C) of both sets.
        num_classes: of labels, which this game has no use for: 0.

    Raises:
        UserError: the config asks for what this game does not have.

    Reference: Zhu et al. 2017, eqs. 1-3, sections 4 and 5.2.
    """
    refuse_unheeded(config, (*HEEDED, "generator_loss.adversarial"))
    refuse_other_keys(config, "cyclegan", ["cycle", "identity", "pool"])
    loss, own, view = named(losses, config.loss, "loss"), config.cyclegan, make_view(config.data, image_shape)
    if config.data.task != "none":
        raise UserError(f"config.data.task={config.data.task}: this game is for two sets: set config.data.inputs")
    if own.pool % config.batch_size:
        raise UserError(f"config.cyclegan.pool={own.pool} must be a multiple of config.batch_size={config.batch_size}")
    generator = networks.build(config, "Translator", shape=view.shape)
    discriminator = networks.build(config, "Discriminator")

    def translate(variables, way, images):
        params = variables["generator"]["params"][way]
        return generator.apply({"params": params}, images)

    def judge(params, images):
        return discriminator.apply({"params": params}, images).logits.ravel()

    def discriminator_loss(variables, batch, key):
        a, b, player = batch["input"], batch["image"], variables["discriminator"]
        fakes, updates = {"a": translate(variables, "ba", b), "b": translate(variables, "ab", a)}, {}
        if own.pool:
            copies = config.batch_size // len(a)
            fakes, updates["pool"] = exchange(player["pool"], fakes, key, batch["index"], copies=copies)
        value, metrics = 0.0, {}
        for name, real in (("a", a), ("b", b)):
            on_real, on_fake = (judge(player["params"][name], x) for x in (real, fakes[name]))
            boundary = loss.boundary(on_real, on_fake)
            metrics[f"{name}_real_right"] = jnp.mean(on_real > boundary)
            metrics[f"{name}_fake_right"] = jnp.mean(on_fake < boundary)
            value += jnp.mean(loss.discriminator(on_real, on_fake))
        return value, (updates, metrics)

    def generator_loss(variables, batch, key):
        a, b, judges = batch["input"], batch["image"], variables["discriminator"]["params"]
        fake_a, fake_b = translate(variables, "ba", b), translate(variables, "ab", a)
        each = {"adversarial": 0.0}
        for name, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
            each["adversarial"] += jnp.mean(loss.generator(judge(judges[name], real), judge(judges[name], fake)))
        each["cycle"] = change(a, translate(variables, "ba", fake_b)) + change(b, translate(variables, "ab", fake_a))
        value = config.generator_loss.adversarial * each["adversarial"] + own.cycle * each["cycle"]
        if own.identity:
            each["identity"] = change(b, translate(variables, "ab", b)) + change(a, translate(variables, "ba", a))
            value += own.cycle * own.identity * each["identity"]
        return value, ({}, each)

    def init(key):
        keys, images = jax.random.split(key, 4), jnp.zeros((1, *view.shape))
        made = {way: generator.init(k, images) for way, k in zip(("ab", "ba"), keys[:2], strict=True)}
        judges = {name: discriminator.init(k, images) for name, k in zip("ab", keys[2:], strict=True)}
        if others := {name for variables in (*made.values(), *judges.values()) for name in variables} - {"params"}:
            raise UserError(
                f"this game's networks have parameters alone, not {', '.join(others)}: norm=instance, without spectral"
            )
        memory = {"pool": empty_pool(own.pool, view.shape)} if own.pool else {}
        return {
            "generator": {"params": {way: variables["params"] for way, variables in made.items()}},
            "discriminator": {"params": {name: variables["params"] for name, variables in judges.items()}, **memory},
        }

    def sample(variables, key, index, condition):
        return translate(variables, "ab", condition)

    turns = (Turn("discriminator", "discriminator", discriminator_loss), Turn("generator", "generator", generator_loss))
    return Game(init, turns, sample, view=view.train)


def change(x: jax.Array, y: jax.Array) -> jax.Array:
    """The mean absolute difference."""
    return jnp.mean(jnp.abs(x - y))


def goes_back(variables: dict) -> bool:
    """Whether these are variables of this game, and not of one that translates in one direction only."""
    return set(variables["generator"]["params"]) == {"ab", "ba"}


def turned(variables: dict) -> dict:
    """The variables with which `sample` of this game goes from B to A. Both sets have one shape, so it can."""
    params = variables["generator"]["params"]
    return {**variables, "generator": {**variables["generator"], "params": {"ab": params["ba"], "ba": params["ab"]}}}


def empty_pool(size: int, shape: tuple[int, ...]) -> dict[str, jax.Array]:
    """A pool without images: "a" and "b" [size, *shape], and "count", how many there are of each, as a float."""
    return {**{name: jnp.zeros((size, *shape)) for name in "ab"}, "count": jnp.zeros(())}


def exchange(
    pool: dict[str, jax.Array], images: dict[str, jax.Array], key: jax.Array, index: jax.Array, *, copies: int = 1
) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Shows the discriminator a history of made images, so that it does not forget them.

    Until the pool is full, each image is shown and kept. After that, each is either shown, or, half of the time, kept
    in place of one that is drawn from the pool, which is shown instead. The images of a batch draw different ones.

    Args:
        pool: see `empty_pool`; its size is a multiple of the global batch's.
        images: {"a": [B, ...], "b": [B, ...]}, just made.
        key: of this call.
        index: int [B], each example's place in the global batch.
        copies: by how many devices' pools the new one will be averaged (pmap), each of which has seen a part of the
            batch: what a device changes counts that much.

    Returns:
        The images to show [B, ...] of each sort, and the new pool.

    Reference: Shrivastava et al. 2017, section 2.3; Zhu et al. 2017, section 4, "Training details".
    """
    size, full = len(pool["a"]), pool["count"] >= len(pool["a"])
    shown, changed = {}, {}
    for number, (name, fresh) in enumerate(images.items()):
        key_of_sort = jax.random.fold_in(key, number)
        draw = jax.random.permutation(key_of_sort, size)[index]  # not two of a batch the same
        slot = jnp.where(full, draw, pool["count"].astype(jnp.int32) + index)
        swap = per_example(jax.random.uniform, jax.random.fold_in(key_of_sort, 1), index) < 0.5
        swap, kept = swap.reshape(-1, *[1] * (fresh.ndim - 1)), pool[name][slot]
        shown[name] = jnp.where(full & swap, kept, fresh)
        to_keep = jnp.where(full & ~swap, kept, fresh)
        if copies == 1:
            changed[name] = pool[name].at[slot].set(to_keep)
        else:
            changed[name] = pool[name].at[slot].add(copies * (to_keep - kept))
    count = jnp.minimum(pool["count"] + len(index) * copies, size)
    return shown, jax.lax.stop_gradient({**changed, "count": count})
