"""What is added to a game's losses besides the objective (`losses`) and gradient penalties (`penalties`).

Per example [B] where the term is one of single examples, else a scalar; the paper's weight is the caller's.
"""

import math
from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp
import optax


def consistency(a: jax.Array, b: jax.Array) -> jax.Array:
    """How far two versions of the same examples are from each other: the squared distance, averaged over features: [B].

    Of logits of an image and of its augmentation: CR-GAN, for real images (Zhang et al. 2020); bCR, for fake ones too
    (Zhao et al. 2021, section 3.1). Of a latent and its neighbor (zCR, section 3.2): of their logits for D, of their
    images for G, who *maximizes* it.

    Args:
        a, b: [B, ...].
    """
    chex.assert_equal_shape([a, b])
    return jnp.mean((a - b) ** 2, axis=tuple(range(1, a.ndim)))


def lecam(real_logits: jax.Array, fake_logits: jax.Array, real_anchor: jax.Array, fake_anchor: jax.Array) -> jax.Array:
    """Logits of real images are held down to the average logit of fake ones, those of fake ones up to real ones': [B].

    Only where they are beyond it: the authors' code has a ReLU, which the paper's |D(x) - a|^2 has not.

    Args:
        real_logits, fake_logits: [B].
        real_anchor, fake_anchor: scalars, moving averages of the two.

    Reference: Tseng et al. 2021 (LeCam), eq. 4, and its authors' code.
    """
    chex.assert_rank([real_logits, fake_logits, real_anchor, fake_anchor], [1, 1, 0, 0])
    return jax.nn.relu(real_logits - fake_anchor) ** 2 + jax.nn.relu(real_anchor - fake_logits) ** 2


def path_lengths(synthesize: Callable, w: jax.Array, noise: jax.Array) -> jax.Array:
    """How far images move with w, in a random direction: |J^T y|, the root of its mean square over layers: [B].

    Args:
        synthesize: `w -> images [B, H, W, C]`, example by example.
        w: [B, L, W], of each layer.
        noise: [B, H, W, C], N(0, 1); y is it by sqrt(H W).

    Reference: Karras et al. 2020 (StyleGAN2), section 3.2, and the authors' code, where w of each layer is by itself.
    """
    images, pull_back = jax.vjp(synthesize, w)
    chex.assert_equal_shape([images, noise])
    (gradient,) = pull_back((noise / math.sqrt(math.prod(images.shape[1:3]))).astype(images.dtype))
    return jnp.sqrt(jnp.mean(jnp.sum(gradient.astype(jnp.float32) ** 2, axis=2), axis=1) + 1e-12)


def feature_matching(real_features: jax.Array, fake_features: jax.Array) -> jax.Array:
    """|E f(x) - E f(G(z))|^2, the means over the batch (of one device, under pmap): a scalar.

    Args:
        real_features, fake_features: [B, F].

    Reference: Salimans et al. 2016, section 3.1.
    """
    chex.assert_rank([real_features, fake_features], 2)
    return jnp.sum((jnp.mean(real_features, axis=0) - jnp.mean(fake_features, axis=0)) ** 2)


def top_k(fake_logits: jax.Array, share: jax.Array) -> jax.Array:
    """Weights [B], of mean 1, that are 0 for all but the k fake examples with the highest logits.

    Args:
        fake_logits: [B].
        share: k / B, in (0, 1]; k is rounded down, and at least 1.

    Reference: Sinha et al. 2020, section 3. There the share falls by a factor an epoch; here `top_k.decay_kimg` has it
    fall linearly.
    """
    chex.assert_rank(fake_logits, 1)
    batch = fake_logits.shape[0]
    rank = jnp.argsort(jnp.argsort(-fake_logits))
    k = jnp.clip(jnp.floor(share * batch + 1e-4), 1, batch)  # 0.7 * 10 is 7
    return jnp.where(rank < k, batch / k, 0.0)


def kl_divergence(mean: jax.Array, log_variance: jax.Array) -> jax.Array:
    """KL(N(mean, variance) || N(0, 1)) of independent latents, in nats: [B].

    Args:
        mean, log_variance: [B, Z].

    Reference: Kingma and Welling 2014, appendix B.
    """
    chex.assert_equal_shape([mean, log_variance])
    return 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - log_variance - 1, axis=-1)


def gaussian_error(a: jax.Array, b: jax.Array) -> jax.Array:
    """-log N(a; b, 1) up to a constant, in nats: half of the squared distance: [B].

    Args:
        a, b: [B, ...].

    Reference: Larsen et al. 2016 (VAE/GAN), eqs. 7 and 8.
    """
    chex.assert_equal_shape([a, b])
    return 0.5 * jnp.sum((a - b) ** 2, axis=tuple(range(1, a.ndim)))


def cross_entropy(class_logits: jax.Array, labels: jax.Array) -> jax.Array:
    """-log p(label) of a classifier, in nats; with weights over the classes, the mean by them: [B].

    Args:
        class_logits: [B, K].
        labels: int [B], or weights float [B, K], of which each example's sum to 1.

    Reference: Odena et al. 2017 (AC-GAN), eq. 3.
    """
    class_logits = class_logits.astype(jnp.float32)
    if jnp.issubdtype(labels.dtype, jnp.floating):
        chex.assert_equal_shape([class_logits, labels])
        return optax.softmax_cross_entropy(class_logits, labels)
    return optax.softmax_cross_entropy_with_integer_labels(class_logits, labels)


def contrastive(logits: jax.Array, words: jax.Array) -> jax.Array:
    """How badly captions are found of their images among those of a batch, and images of their captions: a scalar.

    Equal captions belong to each other's images.

    Args:
        logits: [B, B], of image i and caption j.
        words: int [B, L], the captions.

    Reference: Radford et al. 2021 (CLIP), where all captions differ.
    """
    same, value = jnp.all(words[:, None] == words, axis=-1), 0.0
    for own in (logits, logits.T):
        right = jax.nn.logsumexp(jnp.where(same, own, -jnp.inf), axis=1)
        value += 0.5 * jnp.mean(jax.nn.logsumexp(own, axis=1) - right)
    return value


def bag_of_words(logits: jax.Array, words: jax.Array) -> jax.Array:
    """The cross-entropy of each word of a caption and of what is told of its words, summed over them: [B].

    Args:
        logits: [B, V].
        words: int [B, L] in [0, V), the captions; 0 is no word.

    Reference: Joulin et al. 2016; there it is the mean of a caption's words.
    """
    told = jnp.take_along_axis(jax.nn.log_softmax(logits), words, axis=1)
    return -jnp.sum(jnp.where(words > 0, told, 0), axis=1)


def gradient_difference(made: jax.Array, true: jax.Array, alpha: int = 1) -> jax.Array:
    """The mean of ||dI| - |dJ||^alpha over neighbors in a row, and over those in a column, added: [B].

    dI and dJ are the differences of two neighbors in either image.

    Args:
        made, true: [B, H, W, C].
        alpha: >= 1.

    Reference: Mathieu et al. 2016, the image gradient difference loss, there a sum over pixels.
    """
    chex.assert_rank([made, true], 4)
    chex.assert_equal_shape([made, true])
    total = jnp.zeros(made.shape[0])
    for axis in (1, 2):
        if made.shape[axis] > 1:
            steps = (jnp.abs(jnp.diff(images, axis=axis)) for images in (made, true))
            total += jnp.mean(jnp.abs(next(steps) - next(steps)) ** alpha, axis=(1, 2, 3))
    return total


def code_information(read: jax.Array, code: jax.Array, categories: int) -> jax.Array:
    """-log Q(c | x) up to a constant, in nats: minus InfoGAN's lower bound on the mutual information of c and x: [B].

    Args:
        read: [B, n], what the network reads: logits of the categories, then means of the continuous codes.
        code: [B, n], the truth: one-hot, then numbers; Q is Gaussian with deviation 1 there.
        categories: the first `categories` of n are those of one categorical code.

    Reference: Chen et al. 2016 (InfoGAN), eq. 5.
    """
    chex.assert_equal_shape([read, code])
    category = -jnp.sum(code[:, :categories] * jax.nn.log_softmax(read[:, :categories]), axis=-1)
    return category + 0.5 * jnp.sum((read[:, categories:] - code[:, categories:]) ** 2, axis=-1)


def orthogonality(kernel: jax.Array) -> jax.Array:
    """|W^T W o (1 - I)|_F^2 / 2: how far the columns of W are from being orthogonal, whatever their lengths.

    The half is that of the authors' code, whose gradient is 2 W (W^T W o (1 - I)), half of that of the paper's formula.

    Args:
        kernel: [..., in, out], W of shape [... * in, out].

    Reference: Brock et al. 2019 (BigGAN), eq. 3, and its authors' code.
    """
    w = kernel.reshape(-1, kernel.shape[-1])
    gram = w.T @ w
    return 0.5 * jnp.sum((gram * (1 - jnp.eye(gram.shape[0]))) ** 2)
