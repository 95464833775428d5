"""Breeds pictures: children of one differ from it, children of two are between them.

python main.py --mode=breed --workdir=runs/digits_dcgan --seeds=3 --children=12 --strength=0.3 --out=LIBRARY
python main.py --mode=breed --workdir=runs/digits_dcgan --parents=ID,ID --children=6 --out=LIBRARY

LIBRARY gets, for each picture, ID.png and ID.json, its recipe: operation, both parents, latents, classes. family.png
shows who is whose child. With --replay all of it is made anew from the samples it began with, and compared.
"""

from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.modes import _latents, average, shared


def define(values: flags.FlagValues) -> None:
    text, real = partial(flags.DEFINE_string, flag_values=values), partial(flags.DEFINE_float, flag_values=values)
    shared(values, "workdir")
    text("out", None, "The folder of the library; it is added to.")
    text("seeds", None, "Parents: numbers of samples from 0, as --mode=sample shows them: 1 or 1,2.")
    text("latents", None, "Parents: those of a file of latents of this run, such as of --mode=invert.")
    text("parents", None, "Parents: pictures of the library, by their names: ID or ID,ID.")
    text(
        "classes", None, "Of samples: a class, or some with their weights: 3:0.7,8:0.3; by default that of each sample."
    )
    text("space", None, "Of samples: z or w; by default the one that is best to move in.")
    flags.DEFINE_integer("children", 6, "How many; 0: only the samples.", flag_values=values)
    real("strength", 0.3, "Of one parent: the share of the way to other latents.")
    real("class_strength", 0.0, "Of one parent: the share of the way to another class.")
    text("layers", "all", "Of two parents: in which layers children go from the first to the second: 0-3,6.")
    flags.DEFINE_bool(
        "replay", False, "Make the whole library anew, and say whether it is the same.", flag_values=values
    )
    shared(values, "seed", "ema", "half_life", "checkpoint", "code")


def run(*, workdir, out, seeds, latents, parents, replay: bool, seed, ema, half_life, checkpoint, code, **how) -> None:
    wanted = [seeds, latents, parents, replay or None]
    if workdir is None or out is None or sum(each is not None for each in wanted) != 1:
        given = "--seeds=1,2 or --latents=FILE or --parents=ID,ID or --replay"
        raise UserError(f"--mode=breed needs --workdir=DIR, --out=FOLDER and {given}")
    cli.check_seed(seed)
    if not (0 <= how["children"] <= _latents.MOST and 0 <= how["strength"] <= 1 and 0 <= how["class_strength"] <= 1):
        raise UserError("--children must not be negative, --strength and --class_strength must be from 0 to 1")
    if seeds is not None:
        _latents.parse_seeds(seeds)
    workdir, out = Path(workdir).expanduser(), Path(out).expanduser()
    if out.exists() and not out.is_dir():
        raise UserError(f"--out={out}: must be a folder")
    cli.start_jax()
    from gan_jax import images
    from gan_jax.breed import GRAPH, Library
    from gan_jax.latent.breeding import make
    from gan_jax.run import load

    with own_code.trusting(workdir, code):
        library = Library(out, load(workdir, checkpoint).model(average(ema, half_life)))
        if replay:
            return print_replay(library)
        found = find_parents(library, seeds, latents, parents, seed, how["classes"], how["space"])
        operations = [operation(found, number, seed, **how) for number in range(how["children"])]
        for recipe in found:
            library.add(recipe)
        for each in operations:
            library.add(make(library.model, each, tuple(found)))
        images.save(library.family(), out / GRAPH, mark=True)
    print(f"{len(library.recipes)} pictures -> {out}, who is whose child -> {out / GRAPH}")


def find_parents(
    library, seeds: str | None, latents: str | None, parents: str | None, seed: int, classes, space
) -> list:
    """The recipes that the flags mean.

    Raises:
        UserError: see its message.
    """
    from gan_jax.latent.breeding import GIVEN, Recipe, make

    model = library.model
    if parents is not None:
        return [library.find(name.strip()) for name in parents.split(",")]
    if latents is not None:
        found = model.load(Path(latents).expanduser())
        return [Recipe(GIVEN, (), found.take(slice(i, i + 1)), model.fingerprint) for i in range(len(found))]
    numbers, own = _latents.parse_seeds(seeds), {"name": "sample", "space": model.space(space)[0], "seed": seed}
    labels = parse_classes(classes, numbers, model.classes)
    return [make(model, {**own, "number": number, "label": y}) for number, y in zip(numbers, labels, strict=True)]


def operation(found: list, number: int, seed: int, *, children, strength, class_strength, layers: str, **_) -> dict:
    """The operation that makes a child.

    Raises:
        UserError: there are more than two parents, or two that cannot be mixed, or no such layers.
    """
    from gan_jax.latent.mixing import parse_layers

    if len(found) == 1:
        own = {"strength": strength, "class_strength": class_strength, "number": number, "seed": seed}
        return {"name": "mutate", **own}
    if len(found) > 2 or found[0].latents.space != found[1].latents.space:
        raise UserError("a child has one parent, or two of the same space; --children=0 takes any number")
    parse_layers(layers, found[0].latents.values.shape[1])
    return {"name": "mix", "share": (number + 1) / (children + 1), "layers": layers}


def parse_classes(text: str | None, numbers: list[int], classes: tuple[str, ...]) -> list:
    """The class of each sample, or weights over the classes.

    Raises:
        UserError: they are written otherwise, or there is no such class.
    """
    import numpy as np

    from gan_jax.sampling import labels_for

    if text is None or ":" not in text:
        return labels_for(np.array(numbers), classes, text).tolist()
    mixed = np.zeros(len(classes), np.float32)
    for part in text.split(","):
        name, _, weight = part.rpartition(":")
        try:
            mixed[labels_for(1, classes, name.strip())[0]] += float(weight)
        except ValueError:
            raise UserError(f"--classes={text}: must be a class, or such as 3:0.7,8:0.3") from None
    if not (np.isfinite(mixed).all() and mixed.min() >= 0 and mixed.sum() > 0):
        raise UserError(f"--classes={text}: weights must be positive numbers")
    return [(mixed / mixed.sum()).tolist()] * len(numbers)


def print_replay(library) -> None:
    """Says how many pictures are the same when they are made anew.

    Raises:
        UserError: not all are.
    """
    changed = [name for name in library.recipes if library.replay(name).identity != name]
    if changed:
        raise UserError(
            f"{len(changed)} of {len(library.recipes)} pictures are others when made anew: {changed[0]}, ..."
        )
    print(f"{len(library.recipes)} pictures made anew: all are the same, bit for bit")
