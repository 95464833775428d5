"""Images made of captions, first small, then large: StackGAN, the game of Zhang et al. 2017.

Stage I makes small images of a caption and noise. Then it rests, and stage II makes large images of those and of the
caption, again. Each stage has a generator and a discriminator that is told real images with their captions from real
images with others and from generated ones: so an image must be right, not only real. The captions' encoder is a player
of its own; it learns in stage I, from real images alone, which caption belongs to which, or is that of a matcher.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax import losses, networks, terms
from gan_jax.data import captions as words
from gan_jax.errors import UserError
from gan_jax.evaluation import matcher
from gan_jax.game import Game, Map, Space, Turn
from gan_jax.games.pix2pix import seen_kimg
from gan_jax.games.vae_gan import both
from gan_jax.growing import GROWTH
from gan_jax.keys import SIZES, TINY, Key
from gan_jax.latent.paths import lerp, slerp
from gan_jax.latent.prior import make_prior
from gan_jax.lookup import lookup
from gan_jax.modalities import Fields, model_shape
from gan_jax.modalities.text import drawn
from gan_jax.networks import applied, gru
from gan_jax.networks.resampling import pool, upsample
from gan_jax.preprocess import of_images
from gan_jax.terms import adversarial, r1
from gan_jax.terms.adversarial import OBJECTIVE
from gan_jax.terms.captions import contrastive, kl, named
from gan_jax.terms.penalties import reject_batch_norms

TERMS = {"adversarial": adversarial, "kl": kl, "contrastive": contrastive, "named": named, "r1": r1}
STAGES = ("generator", "discriminator"), ("refiner", "refiner_discriminator")  # the players of each
KEYS = {
    "loss": Key("non_saturating", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "terms": terms.keys(TERMS),
    "stage_kimg": Key(50.0, "in which stage I is trained; then it rests, and stage II is", TINY),
    "doublings": Key(2, "of the sides of stage I's images, that stage II makes", 1, 4),
    "matcher": Key("", "a file of --mode=train_matcher, whose encoder of captions is used as it is; else one learns"),
    "networks": {
        "latent_size": Key(100, "Z", 1, SIZES),
        "text_size": Key(128, "numbers that a caption is encoded by", 1, SIZES),
        "condition_size": Key(128, "numbers that a generator gets of them, drawn anew each time", 1, SIZES),
        "text": networks.keys("TextEncoder", "text", name="gru"),
        "generator": networks.keys("Generator", name="dcgan"),
        "refiner": networks.keys("Refiner", "refiner", name="stackgan"),
        "discriminator": networks.keys("Discriminator", name="dcgan"),
    },
}
DEFAULTS = {"terms": {"adversarial": {}, "kl": {}}}


class Context(NamedTuple):
    """What the terms of a turn see.

    Attributes:
        batch, key: of the turn.
        kimg: seen so far.
        loss: the objective.
        real: images of the stage's size [B, h, w, C].
        encoded: what the captions are to the players, [B, text_size].
        discriminate: `images -> DiscriminatorOutput`, with these captions.
        head: `(term, DiscriminatorOutput) -> [B, F]`, what the term's own layer tells of the first B images in it.
        fake: generated images [B, h, w, C]; None in the encoder's turn, as the two below.
        mean, log_variance: of what the stage's generator gets of the captions, [B, condition_size].
        on_real: the discriminator's output on the real images with their captions, twice, [2 B].
        on_fake: that on generated images with the captions that they were made of, and on real ones with others.
        augment: the images as they are; what gradient penalties ask for.
    """

    batch: dict
    key: jax.Array
    kimg: jax.Array
    loss: losses.Loss
    real: jax.Array
    encoded: jax.Array
    discriminate: Any
    head: Any
    fake: jax.Array | None = None
    mean: jax.Array | None = None
    log_variance: jax.Array | None = None
    on_real: Any = None
    on_fake: Any = None
    augment: Any = lambda images, number: images


def make_game(config, fields: Fields) -> Game:
    """Two stages of generator and discriminator, and a text encoder: the map "sample" makes images of captions.

    Its space "condition" has what both stages get: z, and of the caption a condition for each.

    Args:
        config: see `KEYS`.
        fields: with "caption", and the images first.

    Raises:
        UserError: the config asks for what the data do not have.

    Reference: Zhang et al. 2017, eqs. 1-4. What differs: the encoder learns with the discriminator, there it is
    pretrained on image and text (Reed et al. 2016); a discriminator has a projection of the encoded caption (Miyato and
    Koyama 2018), there it is joined to the coarsest features; the condition is a linear layer's, without the ReLU of
    the authors' code, that bars negative means and small variances; the small images are means of the pixels of the
    large ones; another caption is that of the next image in the batch that has another one, there of the next image;
    what a caption is encoded by has a mean square of 1: without that, an encoder that learns runs away.
    """
    target, own = next(iter(fields)), config.networks
    shape, size = model_shape(fields[target]), own.condition_size
    if words.NAME not in fields:
        raise UserError(
            f"--config.game=stackgan needs captions, and {config.data.source} has none: set --config.data.caption to a "
            f"field of metadata.jsonl, or to txt, or --config.data.source to captioned_digits:seen"
        )
    if len(shape) != 3 or any(side % 2**config.doublings for side in shape[:2]):
        raise UserError(
            f"--config.doublings={config.doublings}: images of {'x'.join(map(str, shape[:-1]))} pixels cannot be "
            f"halved as often: set --config.data.image_size"
        )
    stage_rounds = round(config.stage_kimg * 1000 / config.batch_size)
    if config.stage_kimg >= config.total_kimg:
        raise UserError(f"--config.stage_kimg={config.stage_kimg:g}: stage II would begin after --config.total_kimg")
    small = (*(side // 2**config.doublings for side in shape[:2]), shape[2])
    loss = lookup(losses, config.loss, "loss")
    own_terms = terms.make_terms(config.terms, TERMS, ("text", "discriminator", "generator"))
    of_text, _ = terms.split(own_terms, "text")
    of_discriminator, lazy = terms.split(own_terms, "discriminator")
    of_generator, _ = terms.split(own_terms, "generator")
    if not any(term.name == "adversarial" for term in of_generator):
        raise UserError("--config.terms: the generators learn of no image: set --config.terms.adversarial.weight=1")
    vocabulary, text_size, frozen = fields[words.NAME].names, own.text_size, None
    encoder = networks.build(config, "TextEncoder", "text", num_words=len(vocabulary), size=text_size)
    if config.matcher:
        encoder, frozen = text_encoder(matcher.load(Path(config.matcher).expanduser()), vocabulary)
        text_size = encoder.size
    generators = (
        networks.build(config, "Generator", shape=small, num_classes=size),
        networks.build(config, "Refiner", "refiner", shape=shape, num_classes=size),
    )
    discriminator = networks.build(config, "Discriminator", num_classes=text_size)
    augmentation = nn.Dense(2 * size)
    heads = {"contrastive": nn.Dense(text_size), "named": nn.Dense(len(vocabulary))}
    heads = {name: layer for name, layer in heads.items() if name in {term.name for term in own_terms}}
    latents, of_pixels = make_prior(own.latent_size + 2 * size, "normal"), of_images(config.data, fields)
    reject_batch_norms(own_terms, discriminator, jnp.zeros((2, *shape)), jnp.zeros((2, text_size)))

    def seen(images, stage):
        for _ in range(0 if stage else config.doublings):
            images = pool(images)
        return images

    scaled = lambda encoded: matcher.unit(encoded) * text_size**0.5

    def encode(variables, captions, moves=False):
        """What captions [B, L] are to the players, [B, text_size] with a mean square of 1; the encoder's changes."""
        encoded, updates = applied(encoder, variables["text"], captions, moves=moves)
        return scaled(encoded), updates

    def read(variables, captions):
        """The same, after training."""
        return scaled(encoder.apply(variables["text"], captions, train=False))

    def parts(latents):
        """z, and the conditions of both stages, or the noise in them."""
        return jnp.split(latents, (own.latent_size, own.latent_size + size), axis=-1)

    def conditioned(variables, stage, encoded, noise=0.0):
        """A stage's condition, its mean, and the logarithm of its variance (conditioning augmentation)."""
        weights = variables[STAGES[stage][0]]["params"]["augmentation"]
        mean, log_variance = jnp.split(augmentation.apply({"params": weights}, encoded), 2, axis=-1)
        return mean + jnp.exp(0.5 * log_variance) * noise, mean, log_variance

    def made(variables, stage, z_or_images, condition, moves=False, train=True):
        """What a stage's generator makes, and its collections that the call changed."""
        variables = variables[STAGES[stage][0]]
        variables = {**variables, "params": variables["params"]["network"]}
        if not train:
            return generators[stage].apply(variables, z_or_images, condition, train=False), {}
        return applied(generators[stage], variables, z_or_images, condition, moves=moves)

    def generate(variables, stage, encoded, noise, moves=False):
        """Images of a stage, the mean and the variance of its condition, and the generator's changed collections."""
        images, *others = parts(noise)
        for number in range(stage + 1):
            condition, mean, log_variance = conditioned(variables, number, encoded, others[number])
            images, updates = made(variables, number, images, condition, moves and number == stage)
        return images, mean, log_variance, updates

    def context(stage, variables, batch, key, encoded):
        """What terms see before anything is generated or judged."""
        judge, n = variables[STAGES[stage][1]], len(encoded)
        discriminate = lambda images: applied(discriminator, judge, images, encoded)[0]
        head = lambda name, output: heads[name].apply({"params": judge["params"][name]}, output.features[:n])
        kimg, real = seen_kimg(config, batch), seen(batch[target], stage)
        return Context(batch, key, kimg, loss, real, encoded, discriminate, head)

    def begin(stage, variables, batch, key, moves=False):
        """A context with what the generator makes, and the generator's changed collections."""
        encoded, _ = encode(variables, batch[words.NAME])
        fake, mean, log_variance, updates = generate(variables, stage, encoded, latents(key, batch["index"]), moves)
        c = context(stage, variables, batch, key, encoded)
        return c._replace(fake=fake, mean=mean, log_variance=log_variance), updates

    def judged(variables, stage, images, encoded, moves=False):
        return applied(discriminator, variables[STAGES[stage][1]], images, encoded, moves=moves)

    def text_loss(variables, batch, key):
        encoded, updates = encode(variables, batch[words.NAME], moves=True)
        c = context(0, variables, batch, key, encoded)
        on_real, on_other = (judged(variables, 0, c.real, each)[0] for each in (encoded, encoded[others(batch)]))
        value, (_, metrics) = terms.total([OBJECTIVE, *of_text], c._replace(on_real=on_real, on_fake=on_other))
        return value, (updates, metrics)

    def discriminator_loss(stage, variables, batch, key):
        c, _ = begin(stage, variables, batch, key)
        on_real, updates = judged(variables, stage, c.real, c.encoded, moves=True)
        player = STAGES[stage][1]
        variables = {**variables, player: {**variables[player], **updates}}
        on_other, _ = judged(variables, stage, c.real, c.encoded[others(batch)])
        on_fake, moved = judged(variables, stage, c.fake, c.encoded)
        c = c._replace(on_real=both(on_real, on_real), on_fake=both(on_fake, on_other))
        value, (remembered, metrics) = terms.total([OBJECTIVE, *of_discriminator], c)
        boundary = loss.boundary(c.on_real.logits, c.on_fake.logits)
        shares = losses.accuracy(loss, on_real.logits, on_fake.logits)
        metrics |= shares | {"other_accuracy": jnp.mean(on_other.logits < boundary)}
        return value, ({**updates, **moved, **remembered}, metrics)

    def generator_loss(stage, variables, batch, key):
        c, updates = begin(stage, variables, batch, key, moves=True)
        c = c._replace(on_fake=c.discriminate(c.fake), on_real=c.discriminate(c.real))
        value, (remembered, metrics) = terms.total(of_generator, c)
        there = {GROWTH: {"level": jnp.ones(())}} if stage else {}
        return value, ({**updates, **there, **remembered}, metrics)

    def lazy_loss(term, stage, variables, batch, key):
        return terms.total([term], begin(stage, variables, batch, key)[0])

    turns = [] if frozen else [Turn("text", "text", text_loss, last=stage_rounds)]
    for stage, (generator, judge) in enumerate(STAGES):
        window = {"first": stage_rounds} if stage else {"last": stage_rounds}
        turns.append(Turn(judge, judge, partial(discriminator_loss, stage), **window))
        for term in lazy:
            own_loss = partial(lazy_loss, term, stage)
            turns.append(Turn(f"{judge}_{term.name}", judge, own_loss, every=term.every, **window))
        turns.append(Turn(generator, generator, partial(generator_loss, stage), draws_as=judge, **window))

    def init(key):
        keys = iter(jax.random.split(key, 11))
        encoded, condition = jnp.zeros((2, text_size)), jnp.zeros((2, size))
        players = {"text": frozen or dict(encoder.init(next(keys), jnp.ones((2, 1), jnp.int32)))}
        inputs, images = jnp.zeros((2, own.latent_size)), jnp.zeros((2, *small))
        for stage, (generator, judge) in enumerate(STAGES):
            network = dict(generators[stage].init(next(keys), inputs, condition))
            weights = augmentation.init(next(keys), encoded)["params"]
            players[generator] = {**network, "params": {"network": network["params"], "augmentation": weights}}
            network = dict(discriminator.init(next(keys), images, encoded))
            features = applied(discriminator, network, images, encoded)[0].features
            layers = {name: layer.init(next(keys), features)["params"] for name, layer in heads.items()}
            players[judge] = {**network, "params": {**network["params"], **layers}}
            inputs, images = images, jnp.zeros((2, *shape))
        players["refiner"][GROWTH] = {"level": jnp.zeros(())}
        return players

    examples = jnp.array(words.numbered([[text] for text in fields[words.NAME].fitted["examples"]], vocabulary))

    def conditions(variables, captions, key, index):
        """What z and the noise of samples, and their captions [n, L], are to both stages: latents of the space."""
        encoded = read(variables, captions)
        z, *noise = parts(latents(key, index))
        found = [conditioned(variables, stage, encoded, noise[stage])[0] for stage in (0, 1)]
        return jnp.concatenate([z, *found], axis=-1)

    def decode(variables, values, given, key, index):
        z, first, second = parts(values.reshape(len(values), -1))
        images, _ = made(variables, 0, z, first, train=False)
        large, _ = made(variables, 1, images, second, train=False)
        for doubling in reversed(range(config.doublings)):
            images = upsample(images, tuple(side // 2**doubling for side in shape[:2]))
        return jnp.where(variables["refiner"][GROWTH]["level"] > 0, large, images)

    def draw(variables, key, index, given):
        known = examples[index % len(examples)]
        return conditions(variables, drawn(given.get(words.NAME, known), key, index), key, index)

    def mean(variables, n, given):
        encoded = read(variables, examples[:, 0])
        means = [jnp.mean(conditioned(variables, stage, encoded)[1], axis=0) for stage in (0, 1)]
        return jnp.broadcast_to(jnp.concatenate([jnp.zeros(own.latent_size), *means]), (n, own.latent_size + 2 * size))

    def between(a, b, t):
        ways = (
            way(*ends, t) for way, ends in zip((slerp, lerp, lerp), zip(parts(a), parts(b), strict=True), strict=True)
        )
        return jnp.concatenate(list(ways), axis=-1)

    def calibrate(variables, key, index):
        z, *found = parts(draw(variables, key, index, {}))
        for stage, condition in enumerate(found):
            z, updates = made(variables, stage, z, condition, moves=True)
            player = STAGES[stage][0]
            variables = {**variables, player: {**variables[player], **updates}}
        return variables

    def sample(variables, key, index, given):
        return decode(variables, draw(variables, key, index, given), given, key, index)

    def preprocess(batch, key):
        batch = of_pixels(batch, key) if of_pixels else batch
        return {**batch, words.NAME: drawn(batch[words.NAME], jax.random.fold_in(key, 2), batch["index"])}

    return Game(
        init,
        tuple(turns),
        {"sample": Map((words.NAME,), target, sample)},
        averaged=("text", "generator", "refiner"),
        spaces={"condition": Space(draw, decode, mean, between, lambda values: values[:, None])},
        calibrate=calibrate,
        preprocess=preprocess,
    )


def text_encoder(judge: matcher.Matcher, vocabulary: tuple[str, ...]) -> tuple[nn.Module, dict]:
    """The encoder of a matcher, for captions in another vocabulary, and its variables.

    Raises:
        UserError: the matcher lacks words.
    """
    if lacking := [word for word in vocabulary if word not in judge.words]:
        raise UserError(f"--config.matcher: it has not learned {len(lacking)} words, such as {lacking[0]!r}")
    own = judge.params["params"]["text"]
    rows = own["Embed_0"]["embedding"][[judge.words.index(word) for word in vocabulary]]
    encoder = gru.TextEncoder(len(vocabulary), matcher.EMBEDDING, matcher.WORD)
    return encoder, {"params": {**own, "Embed_0": {"embedding": rows}}}


def others(batch: dict) -> jax.Array:
    """For each example the next one in the batch with another caption, int [B]; the next one if all have the same."""
    captions = batch[words.NAME]
    n = len(captions)
    after = (jnp.arange(n)[:, None] + jnp.arange(1, n + 1)) % n  # those that follow each, itself last
    differs = jnp.any(captions[after] != captions[:, None], axis=-1)
    return jnp.take_along_axis(after, jnp.argmax(differs, axis=1)[:, None], axis=1)[:, 0]
