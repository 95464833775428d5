"""A run in, directions of its latent space out: found, drawn, measured."""

import csv
import io
from pathlib import Path

import numpy as np

from gan_jax import images
from gan_jax.attributes import default_attributes, open_attributes
from gan_jax.errors import UserError
from gan_jax.files import MARK, __version__, claim, replacing
from gan_jax.latent import directions
from gan_jax.latent.directions import Directions
from gan_jax.latent.mixing import parse_layers
from gan_jax.latent.model import Model
from gan_jax.run import load
from gan_jax.sampling import labels_for

ROWS, STEPS = 6, np.linspace(-3, 3, 7)  # of a sheet
MEASURED_ON = 1_000  # samples, for the effects


def directions_to_folder(
    workdir: Path,
    out: Path,
    *,
    method: str,
    attributes: str | None,
    space: str | None,
    layers: str,
    label: str | None,
    num: int,
    components: int,
    conditional: bool,
    seed: int,
    ema: bool | str,
    checkpoint: str,
    overwrite: bool,
) -> None:
    """Writes directions.npz, a sheet of each direction, and effects.csv if there are attributes.

    Args:
        workdir: of the run.
        out: a folder, made if it is not there.
        method: a function of `gan_jax.latent.directions`: pca, sefa, labels, means.
        attributes: see `open_attributes`; None: `default_attributes`.
        space: its name; None: the one that is best to move in.
        layers: that are moved, see `parse_layers`.
        label: of a conditional run, the class of all samples; None: each in turn.
        num: samples that directions are found by.
        components: directions of pca and sefa, at most.
        conditional: see `directions.labels`; also of means.
        seed: of the samples.
        ema: see `Run.variables`.
        checkpoint: see `load`.
        overwrite: whether files that this library has made may be replaced.

    Raises:
        UserError: see its message.
    """
    model, file, table = load(workdir, checkpoint).model(ema), out / "directions.npz", out / "effects.csv"
    for path in (file, table):
        if path.exists():
            claim(path, overwrite)
    names = attributes or default_attributes(model.makes)
    measured = open_attributes(names, model.makes) if names else None
    of_attributes = method in ("labels", "means")
    if of_attributes and measured is None:
        raise UserError(f"--method={method} needs --attributes, such as classifier:FILE of --mode=train_classifier")
    numbers = np.arange(num + MEASURED_ON)
    latents = model.draw(numbers, labels_for(numbers, model.classes, label), space, seed)
    used, fresh = latents.take(slice(num)), latents.take(slice(num, None))
    chosen = parse_layers(layers, latents.values.shape[1])
    find = getattr(directions, method)
    found = find(model, used, measured, chosen, conditional) if of_attributes else find(model, used, chosen, components)
    paths = {name: out / f"{name}.png" for name in found.names}
    out.mkdir(parents=True, exist_ok=True)
    for path in paths.values():
        claim(path, overwrite)
    found.save(file, model)
    for name, path in paths.items():
        images.save(sheet(model, fresh.take(slice(ROWS)), found[name]), path, mark=True)
    if measured:
        matrix = directions.effects(model, found, fresh, measured)
        write_table(table, found.names, measured.names, matrix)
        print(told(found, measured.names, matrix))
    print(f"{len(paths)} directions in {found.space} -> {out}")


def sheet(model: Model, latents, vector: np.ndarray) -> np.ndarray:
    """Rows of samples, moved from -3 to 3 steps along a direction: one picture."""
    columns = [directions.moved(latents, step * vector) for step in STEPS]
    shown = np.stack([model.pictures(each) for each in columns], axis=1)
    return images.grid(np.concatenate(list(shown)), len(STEPS))


def write_table(path: Path, rows: tuple[str, ...], columns: tuple[str, ...], matrix: np.ndarray) -> None:
    """Writes a matrix with titles as .csv; a last line says who wrote it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["a step along", *columns])
    writer.writerows([name, *(f"{value:.4f}" for value in values)] for name, values in zip(rows, matrix, strict=True))
    with replacing(path) as file:
        file.write(f"{text.getvalue()}# {MARK} {__version__}\n".encode())


def told(found: Directions, columns: tuple[str, ...], matrix: np.ndarray) -> str:
    """The matrix as a person reads it, with what is known of each prediction."""
    width = max(map(len, (*found.names, *columns, "a step along"))) + 2
    lines = ["a step along".ljust(width) + "".join(name.rjust(width) for name in columns)]
    for name, values in zip(found.names, matrix, strict=True):
        scores = [
            f"{what} {found.about[f'{name} {what}']:.2f}"
            for what in ("r2", "accuracy")
            if f"{name} {what}" in found.about
        ]
        lines.append(
            name.ljust(width) + "".join(f"{value:.2f}".rjust(width) for value in values) + "   " + ", ".join(scores)
        )
    return "\n".join(line.rstrip() for line in lines)
