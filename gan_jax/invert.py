"""Files in, latents out: what a run's generator makes that is nearest to some pictures."""

import contextlib
import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from gan_jax import averages, images, translate
from gan_jax.data import pictures
from gan_jax.errors import Interrupted, UserError
from gan_jax.evaluation.features import logits_of, needs_download, open_features, resolve_features
from gan_jax.evaluation.image_quality import psnr
from gan_jax.latent.inversion import Search, examples_at_once, make_inverter
from gan_jax.latent.model import Latents, Model
from gan_jax.latent.pivotal import tune
from gan_jax.loop import open_workdir
from gan_jax.progress import progress
from gan_jax.run import Run, load
from gan_jax.sampling import labels_for
from gan_jax.signals import StopRequest

FILE = "latents.npz"


def invert_files(
    workdir: Path,
    given: Path,
    out: Path,
    *,
    search: Search,
    label: str | None,
    tuned: Path | None,
    tune_steps: int,
    ema: bool | str,
    checkpoint: str,
    overwrite: bool,
) -> None:
    """Finds the latents of a picture, or of all pictures in a folder and the folders in it.

    Each projection, what the generator makes of the latents, has the name of its picture, and lies in `out` where the
    picture lies in the folder; in `out`/side_by_side are the picture, the projection and their absolute difference.
    All latents are in `out`/latents.npz, with notes: "picture", "psnr", "distance". The same command goes on where it
    was stopped.

    Args:
        workdir: of the run.
        given: the picture or the folder.
        out: a folder, made if there is none.
        search: how the latents are searched for.
        label: of a conditional run, the class of the pictures; None: it is searched for too.
        tuned: a folder for a copy of the run, with a generator moved to the pictures by `pivotal.tune`; the same files
            are written of it in `tuned`/inverted. None: there is none.
        tune_steps: of that move.
        ema: see `Run.variables`.
        checkpoint: see `load`.
        overwrite: whether files that this library has made may be replaced.

    Raises:
        UserError: see its message.
        Interrupted: SIGTERM or SIGINT; what was found is kept.
    """
    run = load(workdir, checkpoint)
    model, features = run.model(ema), run.config.evaluation.features
    if tuned is not None and tuned.exists():
        raise UserError(f"--tuned={tuned} is there already: choose another folder")
    if model.makes.modality.read is None:
        raise UserError(f"{workdir} makes {model.makes.modality.name}, of which no file can be read")
    label = None if label is None else int(labels_for(1, model.classes, label)[0])
    model.space(search.space)
    resumes = (out / FILE).exists() and not overwrite
    found = translate.find(given, out, model.makes, model.makes, False, overwrite or resumes)
    targets = np.stack([read_target(source, model, run.config.data.fit) for source, _ in found])
    how = json.dumps({**dataclasses.asdict(search), "label": label})
    notes = {
        "picture": np.array([str(name) for _, name in found]),
        "sha256": np.array([hashlib.sha256(target).hexdigest() for target in targets]),
        "search": np.array([how] * len(found)),
    }
    before = resumed(model, out / FILE, notes) if resumes else None
    latents = search_all(model, search, label, targets, notes, out, before)
    print(f"{summary(model, latents, targets, features)} -> {out}")
    if tuned is not None:
        bar = progress("tuning", tune_steps, "steps")
        params = tune(model, latents, targets, steps=tune_steps, tick=lambda: next(bar))
        copy = save_copy(run, params, tuned).model()
        latents = write(copy, latents, targets, tuned / "inverted")
        copy.save(latents, tuned / "inverted" / FILE)
        print(f"{summary(copy, latents, targets, features)} -> {tuned}, a run, and {tuned / 'inverted'}")


def read_target(path: Path, model: Model, fit: str) -> np.ndarray:
    """A picture as the model's examples are, uint8 [H, W, C].

    Raises:
        UserError: it cannot be read, or it has colors and they have not.
    """
    field = model.makes
    picture = field.modality.read(path, field)
    if field.shape[-1] == 1 and pictures.has_colors(path.read_bytes()):
        raise UserError(f"{path} has colors, but this run makes gray pictures: convert it first")
    return pictures.resize(picture, field.shape[:2], fit)[0]


def resumed(model: Model, file: Path, notes: dict[str, np.ndarray]) -> Latents:
    """The latents that are there already.

    Raises:
        UserError: they are not of the first of these pictures, by this model, found in this way.
    """
    with contextlib.suppress(UserError):
        latents = model.load(file)
        if all(np.array_equal(latents.notes.get(name), own[: len(latents)]) for name, own in notes.items()):
            return latents
    there = f"--out={file.parent} has latents of other pictures, or found otherwise"
    raise UserError(f"{there}: choose another folder, or replace them with --overwrite")


def search_all(
    model: Model,
    search: Search,
    label: int | None,
    targets: np.ndarray,
    notes: dict[str, np.ndarray],
    out: Path,
    latents: Latents | None,
) -> Latents:
    """The latents of all pictures, of which those of the first may be known; a few at a time, which are written.

    Raises:
        Interrupted: see `invert_files`.
    """
    n, begin = len(targets), 0 if latents is None else len(latents)
    if begin:
        print(f"{begin} of {n} pictures are inverted already", file=sys.stderr)
    classes = len(model.classes) if label is None and model.classes else 1
    chunk = min(examples_at_once(search, classes), n)
    invert = make_inverter(model, search, chunk)
    parts = range(begin, n, chunk)
    bar = progress("inverting", len(parts) * search.steps, "steps")
    with StopRequest() as stop:

        def tick():
            if stop.received:
                left = f"{begin} of {n} pictures are inverted: rerun the same command to go on"
                raise Interrupted(stop.received, f"stopped, {left}")
            next(bar)

        for begin in parts:
            new = slice(begin, begin + chunk)
            own = {name: column[new] for name, column in notes.items()}
            found = invert(targets[new], None if label is None else np.full(len(targets[new]), label), tick)
            part = dataclasses.replace(found.latents, notes={**own, "distance": found.distance})
            part = write(model, part, targets[new], out)
            latents = part if latents is None else latents.followed_by(part)
            model.save(latents, out / FILE)
    return latents


def write(model: Model, latents: Latents, targets: np.ndarray, out: Path) -> Latents:
    """Writes the projections of pictures, and both side by side; returns the latents with a note of the "psnr"."""
    field, made = model.makes, model.decode(latents)
    difference = np.abs(targets.astype(np.int16) - made).astype(np.uint8)
    for i, name in enumerate(latents.notes["picture"]):
        projection, beside = translate.places(out, Path(str(name)), field, field, False)
        for path in (projection, beside):
            path.parent.mkdir(parents=True, exist_ok=True)
        field.modality.write(made[i : i + 1], projection, field, None)
        images.save(np.concatenate([targets[i], made[i], difference[i]], axis=1), beside, mark=True)
    return dataclasses.replace(latents, notes={**latents.notes, "psnr": np.asarray(psnr(targets, made))})


def summary(model: Model, latents: Latents, targets: np.ndarray, in_config: str) -> str:
    """How near the projections of pictures are to them, in a line; with the classes that their features tell."""
    close, distance = latents.notes["psnr"].mean(), latents.notes["distance"].mean()
    told = f"{len(latents)} pictures: PSNR {close:.2f} dB, {distance:.2f} deviations from the mean"
    name = resolve_features("auto", model.makes, in_config=in_config, has_targets=False)
    if needs_download(name) or not (features := open_features(name, model.makes)).logits:
        return told
    before, after = (logits_of(features, each).argmax(axis=1) for each in (targets, model.decode(latents)))
    agree = np.mean(before == after)
    return f"{told}, of the same class {agree:.1%} ({features.name.partition(' ')[0]})"


def save_copy(run: Run, params: dict, workdir: Path) -> Run:
    """A run as another one, but with these parameters of its generator, and of its average."""
    state = averages.choose(run.state, None)
    own = {**state.variables["generator"], "params": params}
    state = state.replace(variables={**state.variables, "generator": own}, ema={**state.ema, "generator": params})
    state = averages.begin(state, averages.half_lives(run.config))
    with contextlib.closing(open_workdir(workdir, run.config, run.experiment.optimizers, write=True)) as checkpoints:
        checkpoints.save(state, run.record)
    return load(workdir)
