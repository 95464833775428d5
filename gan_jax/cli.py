"""The command line behind main.py: what its flags do, and how a mistake is told in one line."""

import errno
import functools
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from absl import flags, logging
from ml_collections import ConfigDict

from gan_jax.config import closest, flatten
from gan_jax.errors import Diverged, Interrupted, UserError


def one_line_errors(function: Callable) -> Callable:
    """Turns the errors that a person can mend into one line and an exit status; others keep their traceback."""

    @functools.wraps(function)
    def guarded(*args):
        try:
            return function(*args)
        except (UserError, flags.Error) as error:
            status, message = 2, error
        except Diverged as error:
            status, message = 1, error
        except Interrupted as error:
            status, message = 128 + error.signal_number, error
        except KeyboardInterrupt:  # before the loop, which stops cleanly, has begun
            status, message = 128 + signal.SIGINT, "interrupted; nothing had begun yet"
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise
            status, message = 2, f"{error.strerror}: {error.filename or 'while writing the run'}"
        print("gan_jax:", " ".join(str(message).split()), file=sys.stderr)
        sys.exit(status)

    return guarded


def parse(argv: list[str], values: flags.FlagValues, default_config: Path) -> list[str]:
    """Parses the command line, with a default for --config.

    Raises:
        UserError or flags.Error: a flag, a config key or a value that cannot be.
    """
    given = [arg.partition("=")[2] for arg in argv if arg.startswith("--config=")]
    if not given:
        argv.insert(1, f"--config={default_config}")  # in place: config_flags looks for overrides in sys.argv itself
    known = flatten(load_config(Path(given[-1] if given else default_config)))
    for arg in argv:
        key = arg.partition("=")[0].removeprefix("--config.")
        if arg.startswith("--config.") and key not in known:
            raise UserError(f"{arg}: there is no key {key!r} in this config; {closest(key, known)}")
    rest = values(argv)[1:]
    if rest:
        raise UserError(f"{' '.join(rest)}: not a flag; flags are written --name=value")
    return argv[:1]


def load_config(path: Path) -> ConfigDict:
    """What `get_config()` of a Python file returns.

    Raises:
        UserError: there is no such file, or it is no config.
    """
    if not path.is_file():
        raise UserError(f"--config={path}: there is no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise UserError(f"--config={path}: line {error.lineno}: {error.msg}") from None
    if not hasattr(module, "get_config"):
        raise UserError(f"--config={path}: it has no function get_config()")
    return module.get_config()


def refuse(values: flags.FlagValues, mode: str, names: Iterable[str]) -> None:
    """Raises UserError if a flag that means nothing in this mode was given."""
    for name in names:
        if values[name].present:
            raise UserError(f"--{name} means nothing with --mode={mode}")


def start_jax() -> None:
    """Quiets the libraries and keeps compiled programs between runs (in JAX_COMPILATION_CACHE_DIR, if that is set)."""
    import jax

    logging.set_verbosity(logging.ERROR)
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_jax" / "xla"
        jax.config.update("jax_compilation_cache_dir", str(cache))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def train(config, workdir: str, *, runner, devices, coordinator_address, num_processes, process_id) -> None:
    """`--mode=train`; see `gan_jax.train.train`."""
    start_jax()
    import jax

    from gan_jax.runners import make_runner
    from gan_jax.train import train

    hosts = (coordinator_address, num_processes, process_id)
    if any(value is not None for value in hosts):
        if any(value is None for value in hosts):
            raise UserError("several hosts need --coordinator_address, --num_processes and --process_id together")
        # A lost process is noticed, and the others ended, within this time.
        jax.distributed.initialize(*hosts, heartbeat_timeout_seconds=30)
    try:
        train(config, Path(workdir), make_runner(runner, devices))
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        reason = str(error).splitlines()[0][:150]
        print(
            f"gan_jax: another process was lost ({reason}); start all of them again to go on",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)  # an orderly exit would wait for the lost process


def sample(workdir: str | None, out: str | None, **options) -> None:
    """`--mode=sample`; see `gan_jax.sampling.sample_to_file`."""
    if workdir is None or out is None:
        raise UserError("--mode=sample needs --workdir=DIR and --out=FILE.png or FILE.npz")
    start_jax()
    from gan_jax.sampling import sample_to_file

    sample_to_file(Path(workdir), Path(out), **options)
