"""Does generated data help? How well classifiers do that learn from n real examples, from these and generated ones, and
from generated ones alone.

One half of the real set is learned from, the other one tested on, so compare with a set that the generator has not
seen (`--images_b`): of its own training set it knows what it is tested on. Real examples are repeated until they are as
many as the generated ones. Of each result there are the mean and the standard deviation over seeds.
"""

import numpy as np

from gan_jax.data import Source
from gan_jax.evaluation import classifier
from gan_jax.evaluation.metrics import EvalInputs, Metric, cas

SIZES = 100, 1_000, 10_000  # real examples, as far as there are so many
TESTED = 10_000  # real examples, at most
IMAGES = 50_000  # on which a classifier is trained, over all epochs
SEEDS = 3


def compute(inputs: EvalInputs) -> dict[str, float]:
    names, order = (inputs.real.target, "label"), np.random.default_rng(inputs.seed).permutation(len(inputs.real))
    half = len(order) // 2
    real = _in_memory(inputs.real, order[:half], names)
    tests = _in_memory(inputs.real, order[half:][:TESTED], names)
    fake = _in_memory(inputs.fake, np.arange(len(inputs.fake)), names)
    results = _accuracies("fake", fake, tests, inputs.seed)
    for n in (n for n in SIZES if n <= half):
        few = real.select(np.arange(n))
        repeated = few.read(np.arange(len(fake)) % n, names)
        both = {name: np.concatenate([column, repeated[name]]) for name, column in fake.columns.items()}
        results |= _accuracies(f"real_{n}", few, tests, inputs.seed)
        results |= _accuracies(f"both_{n}", Source(fake.fields, both), tests, inputs.seed)
    return results


def _in_memory(source: Source, rows: np.ndarray, names: tuple[str, ...]) -> Source:
    return Source({name: source.fields[name] for name in names}, source.read(rows, names))


def _accuracies(name: str, train: Source, tests: Source, seed: int) -> dict[str, float]:
    seeds = range(seed, seed + SEEDS)
    found = [classifier.accuracy_score(train, tests, images=IMAGES, seed=each) for each in seeds]
    return {f"augmentation_{name}": float(np.mean(found)), f"augmentation_{name}_error": float(np.std(found))}


METRIC = Metric(
    compute,
    cas.why_not,
    needs_features=False,
    least=2 * SIZES[0],
    modalities=("image",),
    slow=True,
    settings={"images": IMAGES, "seeds": SEEDS},
    order=115,
)
