"""A trained run: in a notebook, where nothing but the library is needed, and its samples in a file."""

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from absl import logging
from ml_collections import ConfigDict

from gan_jax import config as configs
from gan_jax import migration, modalities
from gan_jax.checkpoints import Checkpoints
from gan_jax.data import captions
from gan_jax.errors import UserError
from gan_jax.experiment import Experiment, build
from gan_jax.files import claim
from gan_jax.game import State, Variables
from gan_jax.keys import closest
from gan_jax.latent.model import Model
from gan_jax.sampling import captions_for, labels_for, make_averager, make_sampler, told


@dataclass(frozen=True)
class Run:
    """A trained run, as it lies in a workdir at one checkpoint.

    Example:
        import gan_jax

        run = gan_jax.load("runs/digits_dcgan")
        images = run.sample(64)  # by the averaged generator, uint8 [64, 28, 28, 1]
        others = run.sample(64, seed=1, ema=False)

        run = gan_jax.load("runs/acgan", checkpoint="best")
        sevens = run.sample(8, label=7)

        run = gan_jax.load("runs/stackgan")
        images = run.sample(8, text="a thick red three on blue")

        run = gan_jax.load("runs/facades_cyclegan")
        run.experiment.game.maps  # what it can do: "ab" makes images of inputs, "ba" inputs of images
        photographs = run.apply("ab", {"input": drawings})  # of uint8 [n, H, W, C] as many

    Attributes:
        workdir: where it lies.
        config: of the run.
        experiment: what the config makes of the fields of its data.
        state: of the checkpoint.
        record: what the checkpoint holds beside it, see `gan_jax.loop`.
    """

    workdir: Path
    config: ConfigDict
    experiment: Experiment
    state: State
    record: dict

    def variables(self, ema: bool | str = True) -> Variables:
        """The averaged ones, with running statistics re-estimated for them, or the newest.

        Args:
            ema: whether the averaged ones; or which of them, the half-life of a further average, see
                `gan_jax.averages`.

        Raises:
            UserError: there is no such average.
        """
        return self._averaged(ema if isinstance(ema, str) else None) if ema else self.state.variables

    def sample(
        self,
        num: int = 64,
        seed: int = 0,
        label: str | int | None = None,
        ema: bool | str = True,
        truncation: float = 1.0,
        cutoff: int | None = None,
        text: str | Sequence[str] | None = None,
    ) -> np.ndarray:
        """Examples from noise, and of what a person says; the first of many are those of few.

        Args:
            num: how many.
            seed: of the noise.
            label: of a conditional game, the name of a class or its number; None: each class in turn.
            ema: see `variables`.
            truncation: psi, how far latents keep from their mean, see `gan_jax.latent.spaces.truncate`.
            cutoff: of how many layers, from the coarsest on; None: all.
            text: of a game that makes examples of captions, one or several, which take turns; None: some of those that
                it was trained on.

        Returns:
            [num, ...] as stored: images are uint8 [num, H, W, C].

        Raises:
            UserError: the run makes nothing from noise, or does not have the label, or the words.
            Diverged: they are not finite.
        """
        if num < 1:
            raise UserError(f"num={num}: must be positive")
        labels = labels_for(num, self.class_names, label)
        if truncation != 1:
            model = self.model(ema)
            drawn = model.draw(range(num), labels, seed=seed, text=text)
            return model.decode(model.truncated(drawn, truncation, cutoff), seed)
        given = {"label": labels} if self.class_names else {}
        given |= captions_for(np.arange(num), self.experiment.game, self.experiment.fields, text)
        return self._run(self.noise_map, given, num, seed, ema)

    def apply(self, name: str, given: Mapping[str, np.ndarray], seed: int = 0, ema: bool | str = True) -> np.ndarray:
        """What a map of the game makes of examples.

        Args:
            name: of the map, see `experiment.game.maps`.
            given: {field: [n, ...]} for each field that it takes, as stored: images are uint8 [n, H, W, C], labels
                int [n], or, to mix classes, weights over them, float [n, K].
            seed: of the noise, if there is any.
            ema: see `variables`.

        Returns:
            [n, ...] of the field that the map makes, as stored.

        Raises:
            UserError: there is no such map, or it takes other fields.
            Diverged: they are not finite.
        """
        maps, given = self.experiment.game.maps, {field: np.asarray(examples) for field, examples in given.items()}
        if name not in maps:
            raise UserError(f"{self.workdir} has no map {name!r}; {closest(name, maps)}")
        fields = maps[name].given
        if set(given) != set(fields) or len({len(examples) for examples in given.values()}) != 1:
            wanted = f"takes {' and '.join(fields)}, as many of each" if fields else "takes nothing: use sample"
            raise UserError(f"the map {name!r} {wanted}")
        return self._run(name, given, len(given[fields[0]]), seed, ema)

    def model(self, ema: bool | str = True) -> Model:
        """The generator, as the tools of latent space use it.

        Args:
            ema: see `variables`.
        """
        return self._models(ema)

    @property
    def noise_map(self) -> str:
        """The name of the first map that makes examples from noise, and of what a person says.

        Raises:
            UserError: the run has none.
        """
        maps = self.experiment.game.maps
        for name, each in maps.items():
            if told(each):
                return name
        raise UserError(
            f"{self.workdir} makes nothing from noise, but something of what it is given ({', '.join(maps)}): use "
            f"--mode=translate --input=FILE_OR_FOLDER --out=FOLDER, or run.apply in Python"
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the classes that the game is conditioned on; () if it is unconditional."""
        conditional = "label" in self.experiment.game.maps[self.noise_map].given
        return self.experiment.fields["label"].names if conditional else ()

    def _run(self, name: str, given: dict[str, np.ndarray], num: int, seed: int, ema: bool | str) -> np.ndarray:
        return self._samplers[name](self.variables(ema), jax.random.key(seed), given, np.arange(num))

    @functools.cached_property
    def _averaged(self) -> Callable[[str | None], Variables]:
        return functools.cache(functools.partial(make_averager(self.experiment.game), self.state))

    @functools.cached_property
    def _models(self) -> Callable[[bool | str], Model]:
        game, fields = self.experiment.game, self.experiment.fields
        makes = fields[game.maps[self.noise_map].makes]
        return functools.cache(lambda ema: Model(game, fields, self.variables(ema), makes, self.class_names))

    @functools.cached_property
    def _samplers(self) -> dict[str, Callable]:
        maps, fields = self.experiment.game.maps, self.experiment.fields
        return {name: make_sampler(each, fields) for name, each in maps.items()}


def load(workdir: str | Path, checkpoint: str = "last") -> Run:
    """Reads one checkpoint of a run, also of an older version's.

    Args:
        workdir: of the run.
        checkpoint: "last", the latest intact one, "best", or that of a number of rounds.

    Raises:
        UserError: there is no run, or no such checkpoint.
    """
    workdir = Path(workdir)
    if not (workdir / "config.json").is_file() or not (workdir / "checkpoints").is_dir():
        raise UserError(f"{workdir} holds no trained run: train one with --workdir={workdir} first")
    config = configs.load(workdir / "config.json")

    whole = config.copy_and_resolve_references().unlock()
    whole.remat = False  # what is recomputed cannot be looked into, and without a backward pass nothing is

    def experiment(record):
        return build(whole, modalities.from_json(migration.record(record, config)["fields"]))

    with _errors_alone():
        checkpoints = Checkpoints(workdir / "checkpoints", read_only=True)
        found = checkpoints.restore(lambda record: experiment(record).state_shapes, str(checkpoint))
    if found is None:
        raise UserError(f"{workdir} has no checkpoint yet: resume it with --workdir={workdir}")
    state, record = found
    return Run(workdir, config, experiment(record), state, migration.record(record, config))


@contextlib.contextmanager
def _errors_alone():
    """Orbax warns that a folder which is only read is only read."""
    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(level)


def sample_to_file(
    workdir: Path,
    out: Path,
    *,
    num: int,
    seed: int,
    label: str | int | None,
    ema: bool | str,
    truncation: float = 1.0,
    cutoff: int | None = None,
    text: Sequence[str] | None = None,
    checkpoint: str = "last",
    overwrite: bool = False,
) -> None:
    """Writes samples of a run into a file of a kind that their modality can write, such as .png or .npz of images, or
    a file each into a folder.

    Args:
        workdir: of the run.
        out: the file, or the folder.
        num, seed, label, ema, truncation, cutoff, text: see `Run.sample`.
        checkpoint: see `load`.
        overwrite: whether it may replace a file that this library has made.

    Raises:
        UserError: no checkpoint, an unfit label, an output that cannot be written.
    """
    if num < 1:
        raise UserError(f"--num={num}: must be positive")
    claim(out, overwrite, folder=not out.suffix)
    run = load(workdir, checkpoint)
    field = run.experiment.fields[run.experiment.game.maps[run.noise_map].makes]
    if field.modality.write is None:
        raise UserError(f"{workdir} makes {field.modality.name}, of which no file can be written")
    if out.suffix.lower() not in field.modality.suffixes:
        wanted = ", ".join(filter(None, field.modality.suffixes))
        folder = ", or none, for a folder" if "" in field.modality.suffixes else ""
        raise UserError(f"--out={out}: the extension must be one of {wanted}{folder}")
    samples = run.sample(num, seed, label, ema, truncation, cutoff, text)
    beside = {}
    if captions.NAME in run.experiment.game.maps[run.noise_map].given:
        said = text or run.experiment.fields[captions.NAME].fitted["examples"]
        beside["captions"] = [said[number % len(said)] for number in range(num)]
    field.modality.write(samples, out, field, labels_for(num, run.class_names, label), **beside)
    print(f"{num} samples of step {int(run.state.step)} -> {out}")
