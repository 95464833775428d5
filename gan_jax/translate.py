"""Files in, files out: what a trained game makes of examples, such as pictures, used on any files."""

import os
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import jax
import numpy as np

from gan_jax import images
from gan_jax.data import pictures
from gan_jax.errors import UserError
from gan_jax.files import claim
from gan_jax.keys import closest
from gan_jax.modalities import Field
from gan_jax.run import Run, load
from gan_jax.sampling import make_sampler

BESIDE = ("side_by_side", "animated")  # folders in that of the results


def translate_files(
    workdir: Path,
    given: Path,
    out: Path,
    *,
    direction: str | None,
    image_size: str,
    halves: bool,
    animate: bool,
    seed: int,
    ema: bool | str,
    checkpoint: str,
    style: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Translates a file, or all files in a folder and the folders in it; of clips also folders of frames.

    Each result has the name of its file, and lies in `out` where the file lies in the folder; a result of another kind
    has an extension of its own behind that name. Beside it, in `out`/side_by_side, what is given and what is made are
    one picture, and in `out`/animated they take turns, if wanted.

    Args:
        workdir: of the run.
        given: the file or the folder.
        out: a folder, made if there is none.
        direction: the name of one of the run's maps, such as "ab", from inputs to targets, and "ba", back; None: the
            first that makes something of files.
        image_size: "run", the size that the run was trained on, to which pictures are stretched, and the result back to
            the picture's own; "native", the pictures' own; or a size, as in `data.image_size`. A run that enlarges
            images takes all at their own size, and its results are larger.
        halves: whether the pictures hold input and target side by side, as those that the run was trained on.
        animate: whether to write the animations.
        seed: of the generator's noise.
        ema: see `Run.variables`.
        checkpoint: "best", "last" or a number of rounds.
        style: a picture like those that the run makes, whose style the results get; None: of noise, by the seed.
        overwrite: whether files that this library has made may be replaced.

    Raises:
        UserError: see its message.
    """
    from tqdm import tqdm

    run = load(workdir, checkpoint)
    name = find_map(run, direction, style)
    if halves and run.config.data.pair == "none":
        raise UserError("--halves: this run was not trained on halves of pictures (--config.data.pair)")
    field, made = fields_of(run, name)
    found = find(given, out, field, made, animate, overwrite)
    half = {"half": half_of(run, name)} if halves else {}
    translate = make_translator(run, name, image_size=image_size, seed=seed, ema=ema, style=style)
    for number, (source, target) in enumerate(tqdm(found, unit=" files", disable=not sys.stderr.isatty())):
        example = None
        try:
            example = field.modality.read(source, field, **half)
            result = translate(example, number)
        except UserError as error:
            where = "" if example is None else f"{source}: "  # an error of reading names the file
            raise UserError(f"{where}{_as_flag(error)}; {number} files before it are translated") from None
        paths = places(out, target, field, made, animate)
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        made.modality.write(result, paths[0], made, None)
        turns = side_by_side(example, field, result, made)
        images.save(np.concatenate(turns, axis=1), paths[1], mark=True)
        if animate:
            widest = max(turn.shape[1] for turn in turns)
            images.save_turns([images.centered(turn, turn.shape[0], widest) for turn in turns], paths[2])
    print(f"{len(found)} translated -> {out}, beside their inputs -> {out / BESIDE[0]}")


def find_map(run: Run, name: str | None, style: Path | None = None) -> str:
    """The name of a map that makes something that can be written of one example that can be read, or of two with style.

    Raises:
        UserError: the run has none, or none of that name.
    """
    fields, maps = run.experiment.fields, run.experiment.game.maps
    able = [
        own
        for own, each in maps.items()
        if len(each.given) == (2 if style else 1)
        and all(fields[given].modality.read for given in each.given)
        and fields[each.makes].modality.write
    ]
    if not able and style:
        wanted = "--config.networks.generator.name=spade --config.networks.generator.style=true"
        raise UserError(f"--style={style}: {run.workdir} knows no styles: train a run with {wanted}")
    if not able:
        raise UserError(f"{run.workdir} does not translate files: use --mode=sample")
    if name is not None and name not in able:
        raise UserError(f"--direction={name}: {run.workdir} has no such map; {closest(name, able)}")
    return name or able[0]


def fields_of(run: Run, name: str) -> tuple[Field, Field]:
    """What a map is given, and what it makes."""
    each = run.experiment.game.maps[name]
    return run.experiment.fields[each.given[0]], run.experiment.fields[each.makes]


def find(given: Path, out: Path, field: Field, made: Field, animate: bool, overwrite: bool) -> list[tuple[Path, Path]]:
    """The files, and their names in the folder `out`.

    Raises:
        UserError: there are none, or something that is there would be overwritten.
    """
    reads = field.modality.reads
    kinds = ", ".join(reads)
    if given.is_dir():
        names = field.modality.find(given) if field.modality.find else files_in(given, reads)
        names = [name for name in names if not {*name.parts[:1]} & {*BESIDE}]  # of an earlier --out
        found = [(given / name, name if name.name else Path(given.resolve().name)) for name in names]
    elif given.is_file():
        found = [(given, Path(given.name))]
    else:
        raise UserError(f"--input={given}: there is no such file or folder")
    if not found:
        raise UserError(f"--input={given}: there are no files in it that can be translated, {kinds}")
    if given.is_file() and not given.name.lower().endswith(reads):
        raise UserError(f"--input={given}: the extension must be one of {kinds}")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out={out}: must be a folder")
    written = set()
    for path in (path for _, target in found for path in places(out, target, field, made, animate)):
        if path in written:  # a folder of frames and a file, say
            raise UserError(f"--input={given}: two of them would be {path}: rename one")
        written.add(path)
        if os.path.lexists(path):
            claim(path, overwrite)
    return found


def files_in(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The names of the files with these extensions in a folder and the folders in it, but for hidden ones, sorted."""
    names = []
    for directory, _, files in os.walk(folder, followlinks=True):
        inside = PurePosixPath(Path(directory).relative_to(folder).as_posix())
        if not any(part.startswith(".") or part == "__MACOSX" for part in inside.parts):
            found = (file for file in files if file.lower().endswith(suffixes) and not file.startswith("."))
            names += [str(inside / file) for file in found]
    return list(map(Path, sorted(names)))


def places(out: Path, target: Path, field: Field, made: Field, animate: bool) -> list[Path]:
    """Where a result, the picture of both and, if wanted, the animation lie.

    A result has the name of its file, with another extension behind it if it cannot be written so.
    """
    kept = field.modality.reads if field.modality is made.modality else made.modality.suffixes
    result = target if target.suffix.lower() in kept else f"{target}{made.modality.suffixes[0]}"
    picture = target if target.suffix.lower() in pictures.SUFFIXES else f"{target}.png"
    paths = [out / result, out / BESIDE[0] / picture]
    return [*paths, out / BESIDE[1] / f"{target}.gif"] if animate else paths


def half_of(run: Run, name: str) -> int:
    """Which half of the pictures that the run was trained on a map is given: 0, the left one, or 1."""
    target = next(iter(run.experiment.fields))
    return int((run.config.data.pair == "left_right") == (run.experiment.game.maps[name].given[0] == target))


def make_translator(
    run: Run, name: str, *, image_size: str, seed: int, ema: bool | str, style: Path | None = None
) -> Callable:
    """`(example [1, ...], number) -> result [1, ...]`, as stored; the number is that of its noise.

    Args:
        run: whose map is used.
        name: of the map.
        image_size, seed, ema: see `translate_files`. A result has the example's size, if it has any, unless the map
            itself changes it.
        style: the picture that a map of two fields is given as the second.

    Raises:
        UserError: the size is none, or the style cannot be read.
    """
    field, made = fields_of(run, name)
    sized = field.modality.resize and made.modality.resize
    run_size = field.modality.size(field.shape)
    enlarges = sized and run_size != made.modality.size(made.shape)
    if image_size not in ("run", "native") and enlarges:
        raise UserError(f"--image_size={image_size}: this run enlarges pictures of any size, leave it native")
    size = None if enlarges or image_size == "native" else run_size
    if image_size not in ("run", "native"):
        try:
            size = pictures.parse_size(image_size)
        except UserError as error:
            raise UserError(_as_flag(error)) from None
    sample = make_sampler(run.experiment.game.maps[name], run.experiment.fields, at_once=1)
    variables, key, (given, *others) = run.variables(ema), jax.random.key(seed), run.experiment.game.maps[name].given
    columns = {other: read_style(style, run.experiment.fields[other]) for other in others}

    def translate(example, number):
        scaled = field.modality.resize(example, size) if field.modality.resize else example
        result = sample(variables, key, {given: scaled, **columns}, np.array([number]))
        own_size = field.modality.size(example.shape[1:])
        return made.modality.resize(result, own_size) if sized and not enlarges else result

    return translate


def read_style(path: Path, field: Field) -> np.ndarray:
    """A picture as an example of a field, [1, ...], of its size.

    Raises:
        UserError: it is none that can be read.
    """
    if not path.is_file() or not path.name.lower().endswith(field.modality.reads):
        raise UserError(f"--style={path}: there is no such file of {', '.join(field.modality.reads)}")
    example = field.modality.read(path, field)
    return field.modality.resize(example, field.modality.size(field.shape)) if field.modality.resize else example


def side_by_side(example: np.ndarray, field: Field, result: np.ndarray, made: Field) -> list[np.ndarray]:
    """Pictures of an example and of what is made of it, uint8 [H, W, C], of one height, in color if either is."""
    before, after = field.modality.thumbnails(example, field), made.modality.thumbnails(result, made)
    height, channels = after.shape[1], max(before.shape[3], after.shape[3])
    widths = (round(each.shape[2] * height / each.shape[1]) for each in (before, after))
    shown = zip((before, after), widths, strict=True)
    return [pictures.like(each, (height, width, channels))[0] for each, width in shown]


def _as_flag(error: UserError) -> str:
    """The message, which may name the size by the key of a config."""
    return str(error).replace("--config.data.image_size", "--image_size")
