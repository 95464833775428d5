"""The command line behind main.py: what its flags do, and how a mistake is told in one line."""

import errno
import functools
import importlib.util
import inspect
import math
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from absl import flags, logging
from ml_collections import ConfigDict

from gan_jax.config import closest, flatten
from gan_jax.errors import Diverged, Interrupted, UserError


def explain(error: BaseException) -> tuple[int, str] | None:
    """The exit status and the line for an error that a person can mend; None for a bug."""
    match error:
        case UserError() | flags.Error():
            return 2, str(error)
        case Diverged():
            return 1, str(error)
        case Interrupted():
            return 128 + error.signal_number, str(error)
        case KeyboardInterrupt():
            return 128 + signal.SIGINT, "interrupted"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EACCES | errno.EROFS):
            where = error.filename or "while writing"
            return (
                2,
                f"{error.strerror}: {where}; what was saved before is whole: mend that and run the same command again",
            )
    return None


def one_line_errors(function: Callable) -> Callable:
    """Makes `function` end the program with one line for an error that a person can mend; a bug keeps its traceback."""

    @functools.wraps(function)
    def guarded(*args):
        try:
            return function(*args)
        except (Exception, KeyboardInterrupt) as error:
            if (explained := explain(error)) is None:
                raise
            say(explained[1])
            sys.exit(explained[0])

    return guarded


def say(message: str) -> None:
    """One line to stderr."""
    sys.stderr.write(f"gan_jax: {' '.join(message.split())}\n")  # in one piece: other threads may write too
    sys.stderr.flush()


def parse(argv: list[str], values: flags.FlagValues, default_config: Path) -> list[str]:
    """Parses the command line, with a default for --config.

    Raises:
        UserError or flags.Error: a flag, a config key or a value that cannot be.
    """
    normalise(argv)  # in place: config_flags looks for overrides in sys.argv itself
    given = [arg for arg in argv if arg.partition("=")[0].split(".")[0] == "--config"]
    paths = [arg.partition("=")[2] for arg in given if arg.startswith("--config=")]
    if not paths:
        argv.insert(1, f"--config={default_config}")
    known = flatten(load_config(paths[-1] if paths else default_config))
    for arg in given:
        key = arg.partition("=")[0].removeprefix("--config").removeprefix(".")
        if inside := [name for name in known if name.startswith(f"{key}.")]:
            raise UserError(f"{arg}: {key} is a group, set one of {', '.join(inside)}")
        if key and key not in known:
            raise UserError(f"{arg}: there is no key {key!r} in this config; {closest(key, known)}")
    rest = values(argv)[1:]
    if rest:
        raise UserError(f"{' '.join(rest)}: not a flag; flags are written --name=value")
    if given and values.mode in ("sample", "evaluate", "translate"):
        raise UserError(
            f"{given[0]} means nothing with --mode={values.mode}: it reads the config of the run in --workdir"
        )
    return argv[:1]


def default_workdir(config: str) -> Path:
    """runs/NAME for configs/NAME.py, runs/NAME_WORD for configs/NAME.py:WORD."""
    return Path("runs", Path(config).name.replace(".py:", "_").removesuffix(".py"))


def normalise(argv: list[str]) -> None:
    """Rewrites `-config X` and `--config.key X` as `--config=X` and `--config.key=X`, in place."""
    old = argv[1:]
    del argv[1:]
    for arg in old:
        waiting = argv[-1].startswith("--config") and "=" not in argv[-1]
        if waiting and not arg.startswith("-"):
            argv[-1] += f"={arg}"
        else:
            argv.append(f"-{arg}" if arg.startswith("-config") else arg)


def load_config(name: str | Path) -> ConfigDict:
    """What `get_config()` of a Python file returns, or, for FILE.py:WORD, `get_config("WORD")`.

    A config in FOLDER/ may import its neighbours as `FOLDER.NAME`, wherever Python was started.

    Raises:
        UserError: there is no such file, or it is no config, or it knows no such word.
    """
    file, colon, word = str(name).partition(".py:")
    path = Path(f"{file}.py" if colon else file)
    if not path.is_file():
        raise UserError(f"--config={path}: there is no such file")
    path = path.absolute()
    if str(path.parent.parent) not in sys.path:
        sys.path.append(str(path.parent.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        if colon and not inspect.signature(module.get_config).parameters:
            raise UserError(f"--config={name}: this config takes no word after the colon, only {path.name} itself")
        config = module.get_config(word) if colon else module.get_config()
    except UserError:
        raise
    except SyntaxError as error:
        raise UserError(f"--config={path}: line {error.lineno}: {error.msg}") from None
    except Exception as error:  # the user's own code
        line = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"line {line[-1]}: " if line else ""
        raise UserError(f"--config={path}: {where}{type(error).__name__}: {error}") from None
    if not isinstance(config, ConfigDict):
        raise UserError(f"--config={path}: get_config() must return a ConfigDict, not {type(config).__name__}")
    return config


def refuse(values: flags.FlagValues, modes: dict[str, tuple[str, ...]]) -> None:
    """Raises UserError if a flag was given that only other modes have; `modes` are {mode: its flags}."""
    for name in {name for names in modes.values() for name in names} - set(modes[values.mode]):
        if name != "config" and values[name].present:
            raise UserError(f"--{name} means nothing with --mode={values.mode}")


def start_jax() -> None:
    """Quiets the libraries and keeps compiled programs between runs (in JAX_COMPILATION_CACHE_DIR, if that is set)."""
    import jax

    logging.set_verbosity(logging.ERROR)
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_jax" / "xla"
        jax.config.update("jax_compilation_cache_dir", str(cache))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def train(config, workdir: str, *, runner, devices, **hosts) -> None:
    """`--mode=train`; see `gan_jax.train.train`, and `join_hosts` for `hosts`."""
    start_jax()
    import jax

    from gan_jax.runners import make_runner
    from gan_jax.train import train

    join_hosts(**hosts)
    try:
        train(config, Path(workdir), make_runner(runner, devices))
    except Exception as error:
        if jax.process_count() == 1 or isinstance(error, Interrupted):  # which all processes have agreed on
            raise
        # An orderly exit would wait for the other processes, which may be lost, or wait for this one.
        status, message = explain(error) or (1, f"{type(error).__name__}: {error}".splitlines()[0])
        hint = "if another process was lost, start all of them again to go on"
        say(f"process {jax.process_index()} stopped: {message} ({hint})")
        if not explain(error):
            traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(status)


def join_hosts(distributed: bool, coordinator_address: str | None, num_processes, process_id) -> None:
    """Makes this process one of several, if it was told to be.

    Raises:
        UserError: what was told is not enough, or cannot be, or no cluster was found.
    """
    import jax

    hosts = (coordinator_address, num_processes, process_id)
    if distributed:
        if any(value is not None for value in hosts):
            raise UserError("--distributed finds --coordinator_address, --num_processes and --process_id by itself")
    elif all(value is None for value in hosts):
        return
    elif any(value is None for value in hosts):
        raise UserError("several hosts need --coordinator_address, --num_processes and --process_id together")
    else:
        host, _, port = coordinator_address.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 2**16:
            raise UserError(f"--coordinator_address={coordinator_address}: must be HOST:PORT")
        if not 0 <= process_id < num_processes:
            raise UserError(f"--process_id={process_id} and --num_processes={num_processes}: the first counts from 0")
    try:
        # A lost process is noticed, and the others ended, within this time.
        jax.distributed.initialize(*hosts, heartbeat_timeout_seconds=30)
    except (ValueError, RuntimeError) as error:
        if not distributed:
            raise
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(
            f"--distributed: JAX finds no cluster to join ({reason}): start with srun, or on all workers of a TPU pod, "
            f"or give --coordinator_address, --num_processes and --process_id"
        ) from None


def sample(workdir: str | None, out: str | None, num: int | None, **options) -> None:
    """`--mode=sample`; see `gan_jax.sampling.sample_to_file`."""
    if workdir is None or out is None:
        raise UserError("--mode=sample needs --workdir=DIR and --out=FILE.png or FILE.npz")
    check_seed(options["seed"])
    start_jax()
    from gan_jax.sampling import sample_to_file

    sample_to_file(Path(workdir), Path(out), num=64 if num is None else num, **options)


def evaluate(workdir, images_a, images_b, image_size, num, seed, out, ema, checkpoint, **options) -> None:
    """`--mode=evaluate`; see `gan_jax.evaluate.evaluate_run` and `evaluate_sets`."""
    if (workdir is None) == (images_a is None) or (images_a and images_b is None):
        raise UserError("--mode=evaluate needs --workdir=DIR of a run, or --images_a=PATH and --images_b=PATH")
    if workdir and image_size:
        raise UserError("--image_size is for --images_a: a run's samples have the size that it was trained on")
    if images_a and (checkpoint != "last" or not ema):
        raise UserError("--checkpoint and --noema are for --workdir: --images_a are taken as they are")
    if out is not None and not (out.endswith(".json") and Path(out).absolute().parent.is_dir()):
        raise UserError(f"--out={out}: must be a .json file in a folder that exists")
    num = 50_000 if num is None else num
    if num < 1:
        raise UserError(f"--num={num}: must be positive")
    check_seed(seed)
    start_jax()
    from gan_jax.evaluate import evaluate_run, evaluate_sets

    options |= {"num": num, "seed": seed, "out": out and Path(out)}
    if workdir:
        evaluate_run(Path(workdir), real=images_b, ema=ema, checkpoint=checkpoint, **options)
    else:
        evaluate_sets(images_a, images_b, image_size=image_size or "native", **options)


def translate(workdir: str | None, input: str | None, out: str | None, direction, image_size, **options) -> None:
    """`--mode=translate`; see `gan_jax.translate.translate_files`."""
    if workdir is None or input is None or out is None:
        raise UserError("--mode=translate needs --workdir=DIR, --input=FILE_OR_FOLDER and --out=FOLDER")
    check_seed(options["seed"])
    start_jax()
    from gan_jax.translate import translate_files

    paths = (Path(path).expanduser() for path in (workdir, input, out))
    translate_files(*paths, direction=direction, image_size=image_size or "run", **options)


def train_classifier(config, out: str | None, test: str | None, kimg: float, seed: int) -> None:
    """`--mode=train_classifier`; see `gan_jax.evaluation.classifier.train_to_file`."""
    if out is None or not out.endswith(".npz") or not Path(out).absolute().parent.is_dir():
        raise UserError("--mode=train_classifier needs --out=FILE.npz, in a folder that exists")
    if not 0 < kimg < math.inf:
        raise UserError(f"--kimg={kimg}: must be positive")
    check_seed(seed)
    start_jax()
    from gan_jax.evaluation.classifier import train_to_file

    train_to_file(config.data, Path(out), test=test, images=int(1000 * kimg), seed=seed)


def check_seed(seed: int) -> None:
    if not 0 <= seed < 2**32:
        raise UserError(f"--seed={seed}: must be between 0 and {2**32 - 1}")
