"""Two sets of images without pairs, each translated into the other: the game of Zhu et al. 2017.

The player "generator" holds two networks, A to B and B to A, and so does the discriminator. What goes there and back
shall come back as it was.

The discriminators move first, and the generators learn from the moved ones; both see the same images. In the authors'
code the generators move first, and learn from the discriminators of the round before.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import losses, networks, terms
from gan_jax.errors import UserError
from gan_jax.game import Game, Map, Turn
from gan_jax.games.pix2pix import seen_kimg
from gan_jax.keys import SIZES, Key, Weight
from gan_jax.lookup import lookup
from gan_jax.modalities import Fields
from gan_jax.noise import per_example
from gan_jax.preprocess import make_preprocess
from gan_jax.terms import Term


def adversarial(weight: Weight = 1.0) -> Term:
    """What both discriminators think of generated images, by the game's `loss`, summed.

    Args:
        weight: of the generators' loss.
    """

    def loss(c):
        pairs = ((c.discriminate(name, c.real[name]), c.discriminate(name, c.fake[name])) for name in "ab")
        return sum(jnp.mean(c.loss.generator(on_real, on_fake)) for on_real, on_fake in pairs)

    return Term("adversarial", "generator", loss, weight)


def cycle(weight: Weight = 10.0) -> Term:
    """The change of images that go there and back (Zhu et al. 2017, eq. 2).

    Args:
        weight: the paper's lambda.
    """

    def loss(c):
        back_a, back_b = c.translate("ba", c.fake["b"]), c.translate("ab", c.fake["a"])
        return change(c.real["a"], back_a) + change(c.real["b"], back_b)

    return Term("cycle", "generator", loss, weight)


def identity(weight: Weight = 5.0) -> Term:
    """The change of images that are what they shall become already: G_AB(b) = b, G_BA(a) = a (section 5.2).

    Args:
        weight: half of lambda in the paper.
    """

    def loss(c):
        a, b = c.real["a"], c.real["b"]
        return change(b, c.translate("ab", b)) + change(a, c.translate("ba", a))

    return Term("identity", "generator", loss, weight)


TERMS = {"adversarial": adversarial, "cycle": cycle, "identity": identity}
KEYS = {
    "loss": Key("least_squares", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "terms": terms.keys(TERMS),
    "pool": Key(50, "generated images of each sort that the discriminators remember; 0: none", 0, SIZES),
    "networks": {
        "generator": networks.keys("Translator", name="translation"),
        "discriminator": networks.keys("Discriminator", name="patch", norm="instance"),
    },
}
DEFAULTS = {"terms": {"adversarial": {}, "cycle": {}, "identity": {}}}


class Context(NamedTuple):
    """What the terms of the generators see.

    Attributes:
        loss: the objective.
        kimg: seen so far.
        real, fake: {"a": [B, H, W, C], "b": [B, H, W, C]}; fake["b"] is made of real["a"].
        translate: `("ab" or "ba", images) -> images`.
        discriminate: `("a" or "b", images) -> logits [N]`.
    """

    loss: losses.Loss
    kimg: jax.Array
    real: dict
    fake: dict
    translate: Callable
    discriminate: Callable


def make_game(config, fields: Fields) -> Game:
    """Two generators against two discriminators; the map "ab" makes images of inputs, "ba" inputs of images.

    Args:
        config: see `KEYS`; `data` says which set is translated into which.
        fields: with "image" (B) and "input" (A), of one shape.

    Raises:
        UserError: the config asks for what this game does not have.

    Reference: Zhu et al. 2017, eqs. 1-3, sections 4 and 5.2.
    """
    loss, crops = lookup(losses, config.loss, "loss"), make_preprocess(config.data, fields)
    own_terms = terms.make_terms(config.terms, TERMS, players=("generator",), lazy=False)
    if not own_terms:
        raise UserError("--config.terms: the generators learn from nothing: set --config.terms.adversarial.weight=1")
    if config.data.task != "none":
        raise UserError(f"--config.data.task={config.data.task}: this game is for two sets: set --config.data.inputs")
    if config.pool % config.batch_size:
        raise UserError(f"--config.pool={config.pool} must be a multiple of --config.batch_size={config.batch_size}")
    generator = networks.build(config, "Translator", shape=crops.shape)
    discriminator = networks.build(config, "Discriminator")

    def translate(variables, way, images):
        params = variables["generator"]["params"][way]
        return generator.apply({"params": params}, images)

    def discriminate(variables, name, images):
        params = variables["discriminator"]["params"][name]
        return discriminator.apply({"params": params}, images).logits.ravel()

    def both_ways(variables, batch):
        real = {"a": batch["input"], "b": batch["image"]}
        return real, {"a": translate(variables, "ba", real["b"]), "b": translate(variables, "ab", real["a"])}

    def discriminator_loss(variables, batch, key):
        real, fake = both_ways(variables, batch)
        value, metrics, updates = 0.0, {}, {}
        if config.pool:
            copies = config.batch_size // len(batch["index"])
            pool = variables["discriminator"]["pool"]
            fake, updates["pool"] = exchange(pool, fake, key, batch["index"], copies=copies)
        for name in "ab":
            logits = [discriminate(variables, name, images) for images in (real[name], fake[name])]
            metrics |= {f"{name}_{metric}": share for metric, share in losses.accuracy(loss, *logits).items()}
            value += jnp.mean(loss.discriminator(*logits))
        return value, (updates, metrics)

    def generator_loss(variables, batch, key):
        def of(function):
            return lambda *args: function(variables, *args)

        c = Context(loss, seen_kimg(config, batch), *both_ways(variables, batch), of(translate), of(discriminate))
        return terms.total(own_terms, c)

    def init(key):
        keys, images = jax.random.split(key, 4), jnp.zeros((1, *crops.shape))
        made = {way: generator.init(k, images) for way, k in zip(("ab", "ba"), keys[:2], strict=True)}
        critics = {name: discriminator.init(k, images) for name, k in zip("ab", keys[2:], strict=True)}
        if others := {name for variables in (*made.values(), *critics.values()) for name in variables} - {"params"}:
            raise UserError(
                f"this game's networks have parameters alone, not {', '.join(others)}: norm=instance, without spectral"
            )
        memory = {"pool": empty_pool(config.pool, crops.shape)} if config.pool else {}
        return {
            "generator": {"params": {way: variables["params"] for way, variables in made.items()}},
            "discriminator": {"params": {name: variables["params"] for name, variables in critics.items()}, **memory},
        }

    def ab(variables, key, index, given):
        return translate(variables, "ab", given["input"])

    def ba(variables, key, index, given):
        return translate(variables, "ba", given["image"])

    turns = (Turn("discriminator", "discriminator", discriminator_loss), Turn("generator", "generator", generator_loss))
    maps = {"ab": Map(("input",), "image", ab), "ba": Map(("image",), "input", ba)}
    return Game(init, turns, maps, preprocess=crops.apply)


def change(x: jax.Array, y: jax.Array) -> jax.Array:
    """The mean absolute difference."""
    return jnp.mean(jnp.abs(x - y))


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
        images: {"a": [B, ...], "b": [B, ...]}, just generated.
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
