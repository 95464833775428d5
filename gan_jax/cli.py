"""The command line: finds the mode, its flags and its config, and says a user error in one line.

Flags are absl's, each mode's on a `FlagValues` of its own, see `gan_jax.modes`. --config and --config.KEY=VALUE are
parsed here instead of by ml_collections' config_flags: that knows the keys that a file sets and no others, but here a
name decides which keys there are, of a network, an optimizer or a game, and it may be changed in the same command.
"""

import errno
import functools
import importlib
import inspect
import os
import re
import shutil
import signal
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from absl import flags, logging
from ml_collections import ConfigDict

from gan_jax import configs, modes, own_code
from gan_jax.errors import Diverged, Interrupted, UserError
from gan_jax.keys import closest
from gan_jax.lookup import import_by_name, modules_of

DEFAULT_MODE = "train"


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
        except BrokenPipeError:  # who reads the output wants no more of it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor does Python when it flushes at its end
            sys.exit(128 + signal.SIGPIPE)
        except (Exception, KeyboardInterrupt) as error:
            if (explained := explain(error)) is None:
                raise
            log_error(explained[1])
            sys.exit(explained[0])

    return guarded


def log_error(message: str) -> None:
    """One line to stderr."""
    sys.stderr.write(f"gan_jax: {' '.join(message.split())}\n")  # in one piece: other threads may write too
    sys.stderr.flush()


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """The program.

    Args:
        argv: the command line, with the program's name first; None: that of this process.
    """
    argv = sys.argv if argv is None else argv
    mode, arguments = parse(argv[1:])
    if arguments is None:
        print_help(mode, program(argv[0]))
    else:
        find_mode(mode).run(**arguments)
    sys.stdout.flush()


def program(path: str) -> str:
    """How this program was started: python main.py, python -m gan_jax or gan_jax."""
    name = Path(path).name
    return {"main.py": "python main.py", "__main__.py": "python -m gan_jax"}.get(name, name)


def parse(args: list[str]) -> tuple[str, dict[str, Any] | None]:
    """The name of the mode and the arguments for its `run`; None in place of them if help is wanted.

    Raises:
        UserError or flags.Error: a mode or a flag that there is not, or a value that it cannot have.
    """
    mode, changes, args = split(args)
    values = flags_of(find_mode(mode))
    if {"--help", "-help", "-h", "--helpshort", "--helpfull"} & set(args):
        return mode, None
    values.set_gnu_getopt(True)  # flags may follow anything
    try:
        rest = values(["", *args])[1:]
    except flags.UnrecognizedFlagError as error:
        raise flag_of_other_modes(mode, error.flagname) or error from None
    if rest:
        raise UserError(f"{' '.join(rest)}: not a flag; flags are written --name=value")
    arguments = {name: values[name].value for name in values}
    if "config" in arguments:
        arguments["changes"] = changes
    elif changes:
        raise flag_of_other_modes(mode, "config.{}={}".format(*next(iter(changes.items()))))
    return mode, arguments


def split(args: list[str]) -> tuple[str, dict[str, str], list[str]]:
    """A command line's mode, its changes of the config, {"dotted.key": "value"}, and all the rest.

    Raises:
        UserError: a key without a value.
    """
    mode, changes, rest = DEFAULT_MODE, {}, []
    args = list(args)
    while args:
        arg = args.pop(0)
        name, given, value = arg.partition("=")
        name = name.removeprefix("-").removeprefix("-")
        if not arg.startswith("-") or not (name == "mode" or name.startswith("config.")):
            rest.append(arg)
            continue
        if not given:
            if not args or re.match(r"-+[a-zA-Z]", args[0]):
                raise UserError(f"--{name} needs a value: --{name}=VALUE")
            value = args.pop(0)
        if name == "mode":
            mode = value
        else:
            changes[name.removeprefix("config.")] = value
    return mode, changes, rest


def find_mode(name: str) -> ModuleType:
    """The module of a mode: of `gan_jax.modes`, or any that Python can import.

    Raises:
        UserError: there is none.
    """
    if name not in modules_of(modes):
        own_code.add_to_path([Path.cwd()])
    try:
        return sys.modules[import_by_name(modes, name, "mode", member="run").__module__]
    except UserError as error:  # which names the key of a config
        raise UserError(str(error).replace(f"--config.mode={name!r}", f"--mode={name}")) from None


def flags_of(mode: ModuleType) -> flags.FlagValues:
    """The flags of a mode, at their defaults."""
    values = flags.FlagValues()
    mode.define(values)
    return values


def flag_of_other_modes(mode: str, flag: str) -> UserError | None:
    """What to raise for a flag that other modes have; None if none has it."""
    name = flag.partition(".")[0]
    having = {other: flags_of(find_mode(other)) for other in modules_of(modes)}
    if not any(name in values or name.removeprefix("no") in values for values in having.values()):
        return None
    cure = ""
    if name == "config" and "workdir" in flags_of(find_mode(mode)):
        cure = ": it reads the config of the run in --workdir"
    return UserError(f"--{flag} means nothing with --mode={mode}{cure}")


def print_help(mode: str, program: str) -> None:
    """Prints the flags of a mode with their defaults; of the default one also which others there are."""
    module = find_mode(mode)
    if mode == DEFAULT_MODE:
        docs = {name: inspect.getdoc(find_mode(name)) for name in modules_of(modes)}
        print(f"usage: {program} [--mode=MODE] [--FLAG=VALUE ...]\n\nmodes, each with a --help of its own:")
        print_table((f"  {name}", doc.partition("\n")[0]) for name, doc in docs.items())
        print()
    print(f"--mode={mode}: {inspect.getdoc(module).replace('python main.py', program)}\n")
    values = flags_of(module)
    print_table(describe_flag(values[name]) for name in values)


def describe_flag(flag: flags.Flag) -> tuple[str, str]:
    """How a flag is written, and what it is, may be, and is by default."""
    doc = flag.help.partition(";\n")[0]  # absl's own remark about flags that may be repeated follows
    if flag.default is not None:
        default = flag.default_as_str.strip("'")
        doc = f"{doc} (default: {default})"
    return f"  --{'[no]' if flag.boolean else ''}{flag.name}", doc


def print_table(rows: Iterable[tuple[str, str]]) -> None:
    """Prints names and what they are in two columns, fit to the terminal; a line each where there is none."""
    rows = list(rows)
    indent = max((len(name) for name, _ in rows), default=0) + 2
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    for name, text in rows:
        lines = textwrap.wrap(text, max(width - indent, 30), break_on_hyphens=False)
        print((f"{name:<{indent}}" + f"\n{' ' * indent}".join(lines)).rstrip())


def config_names() -> dict[str, Path]:
    """{name: file} of the configs that come with the library."""
    folder = Path(configs.__path__[0])
    return {path.stem: path for path in sorted(folder.glob("[!_]*.py"))}


def configure(name: str, changes: Mapping[str, str]) -> ConfigDict:
    """The config that the command line asks for.

    Args:
        name: what --config gives.
        changes: {"dotted.key": "value"}, what --config.KEY=VALUE gives.

    Raises:
        UserError: see its message.
    """
    from gan_jax.config import override

    return override(load_config(name), changes)


def load_config(name: str | Path) -> ConfigDict:
    """What `get_config()` of a config returns, or, for NAME:WORD and FILE.py:WORD, `get_config("WORD")`.

    A config in a file of the user's may import its neighbors, as NAME or, in FOLDER/, as FOLDER.NAME, wherever Python
    was started.

    Raises:
        UserError: there is no such config, or it is none, or it knows no such word.
    """
    path, word = find_config(str(name))
    if str(path.parent) not in configs.__path__:
        own_code.add_to_path([path.parent, path.parent.parent])
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        if word is not None and not inspect.signature(module.get_config).parameters:
            raise UserError(f"this config takes no word after the colon, only {path.name} itself")
        config = module.get_config() if word is None else module.get_config(word)
    except UserError as error:
        raise UserError(f"--config={name}: {error}") from None
    except SyntaxError as error:
        raise UserError(f"--config={path}: line {error.lineno}: {error.msg}") from None
    except Exception as error:  # the user's own code
        line = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"line {line[-1]}: " if line else ""
        raise UserError(f"--config={path}: {where}{type(error).__name__}: {error}") from None
    if not isinstance(config, ConfigDict):
        raise UserError(f"--config={path}: get_config() must return a ConfigDict, not {type(config).__name__}")
    return config


def find_config(name: str) -> tuple[Path, str | None]:
    """The file of a config, by its name or path, and the word after the colon, if there is one.

    Raises:
        UserError: there is none.
    """
    own = config_names()
    if ".py" not in name:
        stem, colon, word = name.partition(":")
        if stem not in own:
            raise UserError(f"--config={name}: there is no such config, and files end in .py; {closest(stem, own)}")
        return own[stem], word if colon else None
    file, colon, word = name.partition(".py:")
    path = Path(f"{file}.py" if colon else file).expanduser()
    if not path.is_file():
        known = f"; the library's own is --config={path.stem}" if path.stem in own else ""
        raise UserError(f"--config={path}: there is no such file{known}")
    return path.absolute(), word if colon else None


def start_jax() -> None:
    """Quiets the libraries and keeps compiled programs between runs (in JAX_COMPILATION_CACHE_DIR, if that is set)."""
    import jax

    logging.set_verbosity(logging.ERROR)
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_jax" / "xla"
        jax.config.update("jax_compilation_cache_dir", str(cache))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def check_seed(seed: int) -> None:
    if not 0 <= seed < 2**32:
        raise UserError(f"--seed={seed}: must be between 0 and {2**32 - 1}")
