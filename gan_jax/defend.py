"""A run and a classifier in, a table out: how well a generator cleans attacked images before they are classified.

Reference: Samangouei et al. 2018 (Defense-GAN): an image is replaced by the nearest one that the generator makes, found
from several starts. What differs: Adam in place of gradient descent with momentum, see `latent.inversion`; attacked
images have 256 levels, as files do; the attack of Carlini and Wagner has the steps that it needs. Attacks that know of
the defense stand beside those that do not (Athalye et al. 2018), as it is by those that a defense is judged.
"""

import contextlib
import dataclasses
import functools
import json
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import __version__, attacks, images
from gan_jax.data import Source
from gan_jax.errors import Interrupted, UserError
from gan_jax.evaluation import classifier as classifiers
from gan_jax.evaluation.classifier import Classifier
from gan_jax.evaluation.real_sets import real_for_noise
from gan_jax.files import claim, replacing
from gan_jax.latent.inversion import NO_NOISE, Search, examples_at_once, make_inverter
from gan_jax.latent.model import Latents, Model
from gan_jax.progress import progress
from gan_jax.run import load
from gan_jax.sampling import in_parts
from gan_jax.signals import StopRequest

ADAPTIVE = ("bpda", "manifold")  # attacks that know of the cleaning
CHUNK = 64  # images that are attacked at a time
STARTS = 10  # of a search, unless it is said
CONFIDENCE = 5.0  # of images of another class that are made, so that they still are of it when they are cleaned
SHOWN = 8  # images of each attack in its picture
CAVEAT = (
    "This is no defense against those who know of it: bpda takes the gradient of cleaning for that of the identity, "
    "manifold looks for an image of another class among those that the generator makes."
)


class Setting(NamedTuple):
    """What attacks are measured with.

    Attributes:
        model: the generator.
        classifier: that is attacked.
        find: `uint8 images [n, ...] -> Latents`, of the nearest images that it makes.
        space: the name of that of these latents.
        epsilon: see `attacks`.
    """

    model: Model
    classifier: Classifier
    find: Callable
    space: str
    epsilon: float

    def clean(self, stored: np.ndarray) -> np.ndarray:
        """The nearest images that the generator makes, uint8 [n, ...]."""
        return self.model.decode(self.find(stored))

    def logits(self, x: jax.Array) -> jax.Array:
        """Of images in [0, 1], [B, K]."""
        return classifiers.features(self.classifier, 255 * x)[1]


def defend_to_folder(
    workdir: Path,
    out: Path,
    *,
    classifier: Path | None,
    test: str,
    names: tuple[str, ...],
    num: int,
    adaptive: int,
    epsilon: float,
    steps: int,
    restarts: int | None,
    seed: int,
    ema: bool | str,
    checkpoint: str,
    overwrite: bool,
) -> None:
    """Writes report.json and, for each attack, a picture: clean, attacked, cleaned. The same command goes on.

    Args:
        workdir: of a run that makes images.
        out: a folder, made if it is not there.
        classifier: a file of `--mode=train_classifier`; None: that of digits.
        test: the data set whose images are attacked, see `real_sets.open_set`; "": what the run held out of its own, or
            what it is compared with.
        names: of attacks, see `attack`.
        num: images.
        adaptive: images that the adaptive attacks are tried on, which clean in each step.
        epsilon: see `attacks`.
        steps: of the search for a clean image.
        restarts: its starts for each image, and for each class of a conditional generator; None: STARTS in all.
        seed: of the choice of images, of attacks, and of starts.
        ema: see `Run.variables`.
        checkpoint: see `load`.
        overwrite: whether files that this library has made may be replaced.

    Raises:
        UserError: see its message.
        Interrupted: SIGTERM or SIGINT; attacks that are done are kept.
    """
    run = load(workdir, checkpoint)
    model, judge = run.model(ema), classifiers.load(classifier or classifiers.DIGITS)
    source, called = real_for_noise(run.config, None, test, model.makes)
    if not test and "held_out" in source.splits:
        source, called = source.splits["held_out"], f"{called} (held out)"
    check(model, judge, source, called)
    restarts = restarts or max(STARTS // (len(model.classes) or 1), 1)
    search = Search(steps=steps, restarts=restarts, prior=0.0, seed=seed)
    rows = np.sort(np.random.default_rng(seed).permutation(len(source))[:num])
    stored, labels = source.read(rows, (source.target,))[source.target], source.labels[rows]
    settings = {
        "generator": model.fingerprint, "classifier": judge.sha256, "test": called, "images": len(rows),
        "adaptive": adaptive, "epsilon": epsilon, **dataclasses.asdict(search),
    }  # fmt: skip
    report = opened(out, settings, overwrite)
    setting = set_up(model, judge, search, epsilon)
    with StopRequest() as stop:

        def tick():
            if stop.received:
                raise Interrupted(stop.received, f"stopped, {len(report['attacks'])} attacks are done: rerun to go on")

        for name in names:
            if name not in report["attacks"]:
                n = min(adaptive, len(rows)) if name in ADAPTIVE else len(rows)
                report["attacks"][name], picture = measured(setting, name, stored[:n], labels[:n], seed, tick)
                images.save(picture, out / f"{name}.png", mark=True)
                with replacing(out / "report.json") as file:
                    file.write(json.dumps(report, indent=1).encode())
    print(f"{table(report)}\n{CAVEAT}\n-> {out}")


def check(model: Model, judge: Classifier, source: Source, called: str) -> None:
    """Raises UserError if the generator, the classifier and the test set do not fit together."""
    if model.makes.modality.name != "image":
        raise UserError(f"--mode=defend is for runs that make images, this one makes {model.makes.modality.name}")
    shape = tuple(model.makes.shape)
    if shape != tuple(judge.image_shape):
        of = ["x".join(map(str, each)) for each in (judge.image_shape, shape)]
        raise UserError(f"--classifier takes images {of[0]}, this run makes {of[1]}: train one of that size")
    if len(source.class_names) != judge.num_classes:
        has = f"has {len(source.class_names)} classes" if source.class_names else "has no labels"
        raise UserError(f"--classifier knows {judge.num_classes} classes, {called} {has}: choose another --test")


def opened(out: Path, settings: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    """The report that is there, if it is of these settings, or a new one.

    Raises:
        UserError: another one is there, and may not be replaced.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / "report.json"
    if path.exists() and not overwrite:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            report = json.loads(path.read_text())
            if report["settings"] == settings:
                return report
        raise UserError(f"{path} is of other settings: choose another --out, or replace it with --overwrite")
    claim(path, overwrite)
    return {"protocol": {"gan_jax": __version__}, "settings": settings, "attacks": {}}


def set_up(model: Model, judge: Classifier, search: Search, epsilon: float) -> Setting:
    """The setting of all attacks."""
    chunk = examples_at_once(search, len(model.classes) or 1)
    invert = make_inverter(model, search, chunk)

    def find(stored):
        parts = [invert(stored[start : start + chunk], None).latents for start in range(0, len(stored), chunk)]
        return functools.reduce(Latents.followed_by, parts)

    return Setting(model, judge, find, model.space(search.space)[0], epsilon)


def measured(
    setting: Setting, name: str, stored: np.ndarray, labels: np.ndarray, seed: int, tick: Callable
) -> tuple[dict[str, Any], np.ndarray]:
    """What is measured of an attack, and a picture of some images: clean, attacked, cleaned.

    Args:
        setting: see there.
        name: of the attack.
        stored: uint8 [n, H, W, C].
        labels: int [n], the true ones.
        seed: of the attack.
        tick: called often.
    """
    attacked, begun = attack(setting, name, stored, labels, seed, tick), time.perf_counter()
    parts = []
    for number in progress(f"cleaning {name}", math.ceil(len(stored) / CHUNK), "parts"):
        tick()
        parts.append(setting.clean(attacked[number * CHUNK :][:CHUNK]))
    cleaned, seconds = np.concatenate(parts), time.perf_counter() - begun
    change = (attacked.astype(np.float64) - stored) / 255
    right = lambda x: float(np.mean(classes_of(setting.classifier, x) == labels))
    found = {
        "images": len(stored),
        "accuracy": right(attacked),
        "accuracy_cleaned": right(cleaned),
        "largest_change": float(np.abs(change).max()),
        "root_mean_square_change": float(np.sqrt(np.mean(change**2))),
        "milliseconds_to_clean": 1000 * seconds / len(stored),
    }
    shown = np.stack([each[:SHOWN] for each in (stored, attacked, cleaned)])
    return found, images.grid(shown.reshape(-1, *stored.shape[1:]), shown.shape[1])


def classes_of(judge: Classifier, stored: np.ndarray) -> np.ndarray:
    """The classes that a classifier tells, int [n]."""
    logits = lambda params, x: classifiers.features(judge._replace(params=params), x)[1]
    return in_parts(logits, judge.params, (stored,), CHUNK).argmax(axis=1)


def attack(
    setting: Setting, name: str, stored: np.ndarray, labels: np.ndarray, seed: int, tick: Callable
) -> np.ndarray:
    """Attacked images, uint8."""
    if name == "none":
        return stored
    cleaned = lambda x: jnp.asarray(setting.clean(to_stored(x)), jnp.float32) / 255
    made = {
        "fgsm": partial(attacks.make_fgsm, setting.logits, setting.epsilon),
        "rand_fgsm": partial(attacks.make_rand_fgsm, setting.logits, setting.epsilon),
        "pgd": partial(attacks.make_pgd, setting.logits, setting.epsilon, tick=tick),
        "cw": partial(attacks.make_carlini_wagner, setting.logits, tick=tick),
        "bpda": partial(attacks.make_pgd, setting.logits, setting.epsilon, cleaned=cleaned, tick=tick),
        "manifold": partial(attacks.make_carlini_wagner, setting.logits, **among_made(setting), tick=tick),
    }[name]()
    parts, key = [], jax.random.key(seed)
    for number in progress(f"attacking by {name}", math.ceil(len(stored) / CHUNK), "parts"):
        tick()
        rows = slice(number * CHUNK, (number + 1) * CHUNK)
        x = jnp.asarray(stored[rows], jnp.float32) / 255
        parts.append(np.asarray(made(x, jnp.asarray(labels[rows]), jax.random.fold_in(key, number))))
    return to_stored(np.concatenate(parts))


def to_stored(x: np.ndarray) -> np.ndarray:
    """Images in [0, 1] -> uint8."""
    return np.rint(255 * np.asarray(x)).astype(np.uint8)


def among_made(setting: Setting) -> dict[str, Callable]:
    """From where, and how, an attack searches among the images that the generator makes, of all mixtures of classes."""
    model = setting.model

    def start(x):
        latents = setting.find(to_stored(x))
        moved = {"values": latents.values}
        if model.classes:
            moved["classes"] = np.log(0.9 * model.class_weights(latents.given["label"]) + 0.1 / len(model.classes))
        return jax.tree.map(jnp.asarray, moved)

    def make(moved):
        given = {"label": jax.nn.softmax(moved["classes"])} if model.classes else {}
        decode, noise = model.space(setting.space)[1].decode, jnp.full(len(moved["values"]), NO_NOISE)
        made = decode(model.variables, moved["values"], given, jax.random.key(0), noise)
        return 0.5 * (jnp.clip(made, -1, 1) + 1)

    return {"start": start, "make": make, "confidence": CONFIDENCE}


def table(report: dict[str, Any]) -> str:
    """The report as a person reads it."""
    titles = "attack", "images", "accuracy", "cleaned", "largest change", "rms change", "ms to clean"
    lines = [titles]
    for name, found in report["attacks"].items():
        count, *numbers, seconds = found.values()
        lines.append((name, f"{count:,}", *(f"{number:.3f}" for number in numbers), f"{seconds:.0f}"))
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
