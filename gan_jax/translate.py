"""Pictures in, pictures out: a trained game that translates, used on any files."""

import sys
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from gan_jax import images
from gan_jax.data import folders, pictures
from gan_jax.errors import UserError
from gan_jax.games.cyclegan import goes_back, turned
from gan_jax.sampling import Run, load_run, make_averager, make_sampler

BESIDE = ("side_by_side", "animated")  # folders in that of the results


def translate_files(
    workdir: Path,
    given: Path,
    out: Path,
    *,
    direction: str,
    image_size: str,
    halves: bool,
    animate: bool,
    seed: int,
    ema: bool,
    checkpoint: str,
) -> None:
    """Translates a picture, or all pictures in a folder and the folders in it.

    Each result has the name of its picture, and lies in `out` where the picture lies in the folder. Beside it, in
    `out`/side_by_side, input and output are one picture, and in `out`/animated they take turns, if wanted.

    Args:
        workdir: of the run.
        given: the picture or the folder.
        out: a folder, made if there is none.
        direction: "ab", from inputs to targets, or "ba", if the game knows the way back.
        image_size: "run", the size that the run was trained on, to which pictures are stretched, and the result back to
            the picture's own; "native", the pictures' own; or a size, as in `data.image_size`. A run that enlarges
            images takes all at their own size, and its results are larger.
        halves: whether the pictures hold input and target side by side, as those that the run was trained on.
        animate: whether to write the animations.
        seed: of the generator's noise.
        ema: whether by the averaged generator.
        checkpoint: "best", "last" or a number of rounds.

    Raises:
        UserError: see its message. Nothing that is there already is overwritten.
    """
    from tqdm import tqdm

    run = load_run(workdir, checkpoint)
    if run.experiment.view is None:
        raise UserError(f"{workdir} does not translate images: use --mode=sample")
    if halves and run.config.data.pair == "none":
        raise UserError("--halves: this run was not trained on halves of pictures (config.data.pair)")
    found = find(given, out, animate)
    translate = make_translator(run, direction=direction, image_size=image_size, seed=seed, ema=ema)
    for number, (source, target) in enumerate(tqdm(found, unit=" pictures", disable=not sys.stderr.isatty())):
        try:
            picture = read(source)
            if halves:
                left = (run.config.data.pair == "left_right") == (direction == "ab")
                picture = picture.crop(pictures.halves(picture)[0 if left else 1])
            before, after = translate(picture, number)
        except UserError as error:
            raise UserError(f"{source}: {error}; {number} pictures before it are translated") from None
        result, beside, moving = places(out, target)
        for path in (result, beside, *[moving] * animate):
            path.parent.mkdir(parents=True, exist_ok=True)
        images.save(after, result)
        images.save(np.concatenate([before, after], axis=1), beside)
        if animate:
            images.save_turns([before, after], moving)
    print(f"{len(found)} translated -> {out}, beside their inputs -> {out / BESIDE[0]}")


def find(given: Path, out: Path, animate: bool) -> list[tuple[Path, Path]]:
    """The pictures, and their names in the folder `out`.

    Raises:
        UserError: there are none, or something that is there would be overwritten.
    """
    if given.is_dir():
        names = map(Path, folders.names("folder", str(given)))
        found = [(given / name, name) for name in names if name.parts[0] not in BESIDE]  # if it is an earlier --out
    elif given.is_file():
        found = [(given, Path(given.name))]
    else:
        raise UserError(f"--input={given}: there is no such file or folder")
    if not found:
        raise UserError(f"--input={given}: there are no pictures, {', '.join(folders.SUFFIXES)}, in it")
    if unknown := [source for source, _ in found if source.suffix.lower() not in folders.SUFFIXES]:
        raise UserError(f"--input={unknown[0]}: must be a picture, {', '.join(folders.SUFFIXES)}")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out={out}: must be a folder")
    for _, target in found:
        result, beside, moving = places(out, target)
        for path in (result, beside, *[moving] * animate):
            if path.exists():
                raise UserError(f"{path} is there already: choose another --out")
    return found


def read(path: Path):
    """A picture as `pictures.decode` gives it.

    Raises:
        UserError: it is none.
    """
    try:
        return pictures.decode(path.read_bytes())
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        raise UserError(f"cannot be read ({folders.brief(error)})") from None


def places(out: Path, target: Path) -> tuple[Path, Path, Path]:
    """Where a result, the picture of both and the animation lie."""
    return out / target, out / BESIDE[0] / target, out / BESIDE[1] / f"{target}.gif"


def make_translator(run: Run, *, direction: str, image_size: str, seed: int, ema: bool) -> Callable:
    """`(picture, number) -> (before, after)`, uint8 [H, W, C], of one size; the number is that of its noise.

    Pictures become grey or coloured as the run's inputs are.

    Raises:
        UserError: the run knows no way back, or the size is none.
    """
    (game, view), shape = (run.experiment.game, run.experiment.view), tuple(run.record["image_shape"])
    variables = make_averager(game)(run.state) if ema else run.state.variables
    if direction == "ba":
        if not goes_back(variables):
            raise UserError("--direction=ba: this run knows no way back, only one of config.game=cyclegan does")
        variables = turned(variables)
    enlarges = view.shape[0] > view.input_shape[0]
    if image_size not in ("run", "native") and enlarges:
        raise UserError(f"--image_size={image_size}: this run enlarges pictures of any size, leave it native")
    size = None if enlarges or image_size == "native" else shape[:2]
    if image_size not in ("run", "native"):
        try:
            size = pictures.parse_size(image_size)
        except UserError as error:  # which names the key of a config
            raise UserError(str(error).replace("data.image_size", "--image_size")) from None
    mode = "L" if view.input_shape[2] == 1 else "RGB"
    sample, key = make_sampler(game, at_once=1), jax.random.key(seed)

    def translate(picture, number):
        own = (picture.height, picture.width)
        picture = picture.convert(mode)
        scaled = pictures.fitted(picture, size, "stretch")
        given = np.asarray(scaled).reshape(1, scaled.height, scaled.width, -1)
        made = sample(variables, key, given, np.array([number], np.int32))
        after = made if enlarges else pictures.resize(made, own, "stretch")
        before = np.asarray(picture).reshape(1, *own, -1)
        shape = (*after.shape[1:3], max(before.shape[3], after.shape[3]))
        return pictures.like(before, shape)[0], pictures.like(after, shape)[0]

    return translate
