"""Attacks on a classifier: small changes of images that change the class it tells.

Images are float32 [B, H, W, C] in [0, 1], labels int [B]; `logits` is a differentiable function of images, [B, K]. Each
function here makes an `attack(images, labels, key) -> images`, in [0, 1], which is compiled once. What bounds a change
is epsilon, the most that any pixel moves; in the attack of Carlini and Wagner nothing: it looks for the smallest one.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import optax

Images = jax.Array
Attack = Callable[[Images, jax.Array, jax.Array], Images]
Tick = Callable[[], None]


def _steepest(logits: Callable) -> Callable:
    """`(images, labels) -> the signs of the gradient of each image's cross-entropy`."""
    entropy = lambda x, labels: jnp.sum(optax.softmax_cross_entropy_with_integer_labels(logits(x), labels))
    return lambda x, labels: jnp.sign(jax.grad(entropy)(x, labels))


def _within(moved: Images, images: Images, epsilon: float) -> Images:
    return jnp.clip(jnp.clip(moved, images - epsilon, images + epsilon), 0, 1)


def make_fgsm(logits: Callable, epsilon: float) -> Attack:
    """One step, by the signs of the gradient.

    Reference: Goodfellow et al. 2015 (FGSM), section 4.
    """
    steepest = _steepest(logits)
    return jax.jit(lambda images, labels, key: jnp.clip(images + epsilon * steepest(images, labels), 0, 1))


def make_rand_fgsm(logits: Callable, epsilon: float, alpha: float = 0.05) -> Attack:
    """A random step of length alpha, and then one by the signs of the gradient there, epsilon in all.

    Reference: Tramer et al. 2018 (RAND+FGSM), eq. 7.
    """
    steepest = _steepest(logits)

    @jax.jit
    def attack(images, labels, key):
        begun = jnp.clip(images + alpha * jnp.sign(jax.random.normal(key, images.shape)), 0, 1)
        return jnp.clip(begun + (epsilon - alpha) * steepest(begun, labels), 0, 1)

    return attack


def make_pgd(
    logits: Callable,
    epsilon: float,
    *,
    steps: int = 40,
    step_size: float | None = None,
    cleaned: Callable[[Images], Images] | None = None,
    tick: Tick = lambda: None,
) -> Attack:
    """Many steps by the signs of the gradient, from a random start, within epsilon, until an image has another class.

    Args:
        logits, epsilon: see above.
        steps: of them.
        step_size: of each; None: 2.5 epsilon / steps, as far as to the other side and back.
        cleaned: what a defense makes of images before they are classified. Its gradient is taken for that of the
            identity (BPDA); None: there is no defense.
        tick: called before each step.

    Reference: Madry et al. 2018 (PGD), section 2.1; Athalye et al. 2018 (BPDA), section 4.1.
    """
    steepest, size = _steepest(logits), 2.5 * epsilon / steps if step_size is None else step_size

    @jax.jit
    def begin(images, key):
        return _within(images + jax.random.uniform(key, images.shape, minval=-epsilon, maxval=epsilon), images, epsilon)

    @jax.jit
    def step(moved, seen, images, labels):
        right = (logits(seen).argmax(axis=1) == labels)[:, None, None, None]
        return jnp.where(right, _within(moved + size * steepest(seen, labels), images, epsilon), moved)

    def attack(images, labels, key):
        moved = begin(images, key)
        for _ in range(steps):
            tick()
            moved = step(moved, moved if cleaned is None else cleaned(moved), images, labels)
        return moved

    return attack


def make_carlini_wagner(
    logits: Callable,
    *,
    start: Callable = lambda images: jnp.arctanh((2 * images - 1) * (1 - 1e-6)),
    make: Callable = lambda moved: 0.5 * (jnp.tanh(moved) + 1),
    constants: Sequence[float] = (0.1, 1.0, 10.0, 100.0),
    steps: int = 200,
    learning_rate: float = 0.05,
    confidence: float = 0.0,
    tick: Tick = lambda: None,
) -> Attack:
    """The nearest image of another class, by Adam on what images are made of; the image itself if none is found.

    Minimized is |x' - x|^2 + c max(l_y - max l_k + confidence, 0), l the logits and y the label.

    Args:
        logits: see above.
        start: `images -> what moves`, a tree of arrays [B, ...].
        make: `what moves -> images`. By default hyperbolic tangents, so that pixels stay within bounds; a generator
            searches among the images that it can make.
        constants: c, all are tried.
        steps, learning_rate: of Adam.
        confidence: by how much the logit of the other class must be larger.
        tick: called before each step.

    Reference: Carlini and Wagner 2017, section V.A, f_6; there the constant of each image is found by bisection.
    """
    n, optimizer = len(constants), optax.adam(learning_rate)

    def judged(moved, images, labels, weights):
        made = make(moved)
        found = logits(made)
        own = jnp.take_along_axis(found, labels[:, None], axis=1)[:, 0]
        other = jnp.max(jnp.where(jax.nn.one_hot(labels, found.shape[1], dtype=bool), -jnp.inf, found), axis=1)
        distance = jnp.sum((made - images) ** 2, axis=(1, 2, 3))
        loss = distance + weights * jnp.maximum(own - other + confidence, 0)
        return jnp.sum(loss), (made, jnp.where(own < other - confidence, distance, jnp.inf))

    @jax.jit
    def step(moved, state, best, *given):
        gradient, (made, distance) = jax.grad(judged, has_aux=True)(moved, *given)
        nearer = distance < best[1]
        best = jnp.where(nearer[:, None, None, None], made, best[0]), jnp.where(nearer, distance, best[1])
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(moved, updates), state, best

    def attack(images, labels, key):
        each = lambda leaf: jnp.repeat(leaf, n, axis=0)
        moved, wide = jax.tree.map(each, start(images)), each(images)
        given = wide, each(labels), jnp.tile(jnp.array(constants), len(images))
        state, best = optimizer.init(moved), (wide, jnp.full(len(wide), jnp.inf))
        for _ in range(steps):
            tick()
            moved, state, best = step(moved, state, best, *given)
        nearest = jnp.argmin(best[1].reshape(-1, n), axis=1) + n * jnp.arange(len(images))
        return best[0][nearest]

    return attack
