"""Lists the configs that come with the library: what each is, and its measured time and result.

python main.py --mode=configs
"""

import ast
import re
from pathlib import Path

from absl import flags

from gan_jax import cli


def define(values: flags.FlagValues) -> None:
    del values  # it has no flags


def run() -> None:
    cli.print_table((name, describe(path)) for name, path in cli.config_names().items())


def describe(path: Path) -> str:
    """The first line of a config's docstring, and the first sentence of its paragraph "Result:"."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""  # so nothing is imported
    result = re.search(r"^Result: (.*?)(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    sentence = re.match(r".*?\.(?= [A-Z(`]|$)", " ".join(result[1].split())) if result else None
    return text.partition("\n")[0] + (f" Result: {sentence[0]}" if sentence else "")
