"""The next frames of a clip: the game of Mathieu et al. 2016.

The generator makes future frames from past ones, small at first, then finer and finer; at each resolution it shall be
near the true ones, have their edges, and look to a discriminator, which sees the past beside the future, as they do.
Frames lie side by side as channels, [B, H, W, T C]. More frames than the generator makes at once are made of its own.

What differs from the paper: losses are means over pixels, frames and resolutions, not sums, so that weights hold for
any size, but the discriminator's weighs more; its networks score patches, and see the past, as in the paper and unlike
dyelax/Adversarial_Video_Generation, which predicts one frame of four; optimizers are the config's, there SGD.
"""

import math
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import losses, networks, regularizers, terms
from gan_jax.errors import UserError
from gan_jax.game import Game, Map, Turn
from gan_jax.games.pix2pix import beside, mean, of_scales, patches, require_pairs, seen_kimg, together
from gan_jax.keys import SIZES, Key, Weight
from gan_jax.lookup import lookup
from gan_jax.modalities import Field, Fields
from gan_jax.modalities import image as image_modality
from gan_jax.networks import applied
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.networks.resampling import pool
from gan_jax.preprocess import make_preprocess
from gan_jax.terms import Term, adversarial


def lp(weight: Weight = 1.0, p: Annotated[int, (1, 2)] = 2) -> Term:
    """The mean of |made - true|^p.

    Args:
        weight: the paper's lambda.
        p: 1 or 2.

    Reference: Mathieu et al. 2016, section 2, the loss L_p, there a sum.
    """
    return Term("lp", "generator", lambda c: jnp.mean(jnp.abs(c.fake - c.target) ** p), weight)


def gradient_difference(weight: Weight = 1.0, alpha: Annotated[int, (1, 2)] = 1) -> Term:
    """How much steeper or flatter the frames are than the true ones, see `regularizers.gradient_difference`.

    Args:
        weight: the paper's lambda.
        alpha: the power of each difference, 1 or 2.
    """
    loss = lambda c: jnp.mean(regularizers.gradient_difference(c.fake, c.target, alpha))
    return Term("gradient_difference", "generator", loss, weight)


TERMS = {"lp": lp, "gradient_difference": gradient_difference, "adversarial": adversarial}
KEYS = {
    "loss": Key("non_saturating", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "terms": terms.keys(TERMS),
    "predicts": Key(0, "frames made at once; more are made of those; 0: all that the data have", 0, SIZES),
    "networks": {
        "generator": networks.keys("Translator", name="multiscale"),
        "discriminator": networks.keys("Discriminator", name="patch", padding="same"),
    },
}
DEFAULTS = {"terms": {"lp": {}, "gradient_difference": {}, "adversarial": {"weight": 0.05}}}


class Context(NamedTuple):
    """What the terms of a turn see of one resolution; a turn's loss is the mean over all.

    Attributes:
        loss: the objective.
        kimg: seen so far.
        target, fake: [B, h, w, T C].
        on_real, on_fake: the discriminator's output, whose logits are those of all patches, [N]; None without one.
    """

    loss: losses.Loss
    kimg: jax.Array
    target: jax.Array
    fake: jax.Array
    on_real: DiscriminatorOutput | None
    on_fake: DiscriminatorOutput | None


def make_game(config, fields: Fields) -> Game:
    """Generator against a discriminator for each resolution: the map "predict" makes all future frames of past ones.

    Args:
        config: see `KEYS`. Without the term "adversarial" there is no discriminator. Crops and flips of `data` are
            those of a whole clip.
        fields: with "video", the target, and "input", the frames before.

    Raises:
        UserError: the config asks for what this game does not have, or the data are no clips.

    Reference: Mathieu et al. 2016, sections 2 and 3.
    """
    require_clips(config, fields)
    loss = lookup(losses, config.loss, "loss")
    (wanted, _, _, channels), at_once = fields["video"].shape, config.predicts or fields["video"].shape[0]
    if at_once > wanted:
        raise UserError(f"--config.predicts={at_once}: clips have {wanted} frames to be predicted, see data.frames")
    crops = make_preprocess(config.data, {name: as_picture(fields[name]) for name in ("video", "input")})
    shape = (*crops.shape[:2], at_once * channels)
    own_terms = terms.make_terms(config.terms, TERMS, players=("generator",), lazy=False)
    if not own_terms:
        raise UserError("--config.terms: the generator learns from nothing: set --config.terms.lp.weight=1")
    judged = any(term.name == "adversarial" for term in own_terms)
    generator = networks.build(config, "Translator", shape=shape)
    discriminator = networks.build(config, "Discriminator")
    refines = networks.refines(generator)
    scales = networks.bare(generator).scales if refines else 1

    def make(variables, batch, key, moves=False):
        """Frames at each resolution, the finest first, and the generator's collections that the call changed."""
        if refines:
            return applied(generator, variables["generator"], batch["input"], moves=moves, method="refine")
        noise = {"key": key, "index": batch["index"]}
        fake, updates = applied(generator, variables["generator"], batch["input"], moves=moves, **noise)
        return [fake], updates

    def contexts(variables, batch, fakes, moves=False):
        """A context for each resolution, and the discriminator's collections that the calls changed."""
        found, changed, kimg = [], [], seen_kimg(config, batch)
        past, target, discriminators = batch["input"], batch["video"], [None] * scales
        if judged:
            discriminators = of_scales(variables["discriminator"], scales)
        for own, fake in zip(discriminators, fakes, strict=True):
            outputs = None, None
            if judged:
                on_real, updates = applied(discriminator, own, beside(past, target), moves=moves)
                on_fake, moved = applied(discriminator, {**own, **updates}, beside(past, fake))
                outputs = patches(on_real), patches(on_fake)
                changed.append({**updates, **moved})
            found.append(Context(loss, kimg, target, fake, *outputs))
            past, target = pool(past), pool(target)
        return found, together(changed) if judged else {}

    def discriminator_loss(variables, batch, key):
        fakes, _ = make(variables, batch, key)
        found, updates = contexts(variables, batch, fakes, moves=True)
        logits = [(c.on_real.logits, c.on_fake.logits) for c in found]
        value, metrics = mean([(jnp.mean(loss.discriminator(*each)), losses.accuracy(loss, *each)) for each in logits])
        return value, (updates, metrics)

    def generator_loss(variables, batch, key):
        fakes, updates = make(variables, batch, key, moves=True)
        found, _ = contexts(variables, batch, fakes)
        value, (remembered, metrics) = mean([terms.total(own_terms, c) for c in found])
        return value, ({**updates, **remembered}, metrics)

    def preprocess(batch, key):
        """Frames as channels, cropped and flipped, of the future those that are made at once."""
        pictures = {name: side_by_side(batch[name]) for name in ("video", "input")}
        batch = crops.apply({**batch, **pictures}, key)
        return {**batch, "video": batch["video"][..., : shape[-1]]}

    def init(key):
        keys = jax.random.split(key)
        past, future = jnp.zeros((1, *crops.input_shape)), jnp.zeros((1, *shape))
        players = {"generator": dict(generator.init(keys[0], past))}
        if judged:
            both = beside(past, future)
            own = [dict(discriminator.init(jax.random.fold_in(keys[1], number), both)) for number in range(scales)]
            players["discriminator"] = together(own)
        return players

    def predict(variables, key, index, given):
        past, made = side_by_side(given["input"]), []
        for number in range(math.ceil(wanted / at_once)):
            noise = {"key": jax.random.fold_in(key, number), "index": index}
            made.append(generator.apply(variables["generator"], past, train=False, **noise))
            past = beside(past, made[-1])[..., -past.shape[-1] :]
        return one_by_one(jnp.concatenate(made, axis=-1), channels)[:, :wanted]

    turns = [Turn("generator", "generator", generator_loss)]
    if judged:
        turns = [
            Turn("discriminator", "discriminator", discriminator_loss),
            turns[0]._replace(draws_as="discriminator"),
        ]
    return Game(init, tuple(turns), {"predict": Map(("input",), "video", predict)}, preprocess=preprocess)


def side_by_side(clips: jax.Array) -> jax.Array:
    """Frames as channels: [B, T, H, W, C] to [B, H, W, T C]."""
    return jnp.moveaxis(clips, 1, 3).reshape(clips.shape[0], *clips.shape[2:4], -1)


def one_by_one(pictures: jax.Array, channels: int) -> jax.Array:
    """Frames of so many channels again: [B, H, W, T C] to [B, T, H, W, C]."""
    return jnp.moveaxis(pictures.reshape(*pictures.shape[:3], -1, channels), 3, 1)


def as_picture(field: Field) -> Field:
    """The field of clips whose frames lie side by side as channels."""
    frames, height, width, channels = field.shape
    return Field(image_modality.MODALITY, (height, width, frames * channels))


def require_clips(config, fields: Fields) -> None:
    """Raises UserError if the data are no clips, or are to be translated in another way."""
    if [fields[name].modality.name for name in ("video", "input") if name in fields] != ["video", "video"]:
        found = ", ".join(f"{name} ({field.modality.name})" for name, field in fields.items())
        raise UserError(
            f"this game predicts frames, and {config.data.source} has {found}: set --config.data.source=clips:PATH"
        )
    require_pairs(config)
