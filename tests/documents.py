"""What the tests of the README and docs/ share: their parts, and what it is to check a command."""

import re
import shlex
from pathlib import Path

from gan_jax import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = {"README.md": README, **{f"docs/{path.name}": path.read_text() for path in (ROOT / "docs").glob("*.md")}}


def blocks(page: str) -> list[str]:
    """The blocks of Python code."""
    return re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def files(page: str) -> dict[str, str]:
    """{name: content} of the blocks whose first line is # NAME.py"""
    named = {re.match(r"# (\w+\.py)\n", block): block for block in blocks(page)}
    return {match[1]: block for match, block in named.items() if match}


def table(page: str, head: str) -> list[list[str]]:
    """The rows of the table with this head."""
    (rows,) = re.findall(rf"^{re.escape(head)}\n\|[-|]+\|\n((?:\|.*\|\n)+)", page, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.splitlines()]


def commands(page: str) -> list[str]:
    """All commands of the program, but for forms such as --mode=MODE, [--seed=0] and best|last."""
    page = re.sub(r"\\\n\s*", "", page)
    found = re.findall(r"`(python main\.py[^`]*)`", page)
    for code in re.findall(r"^```(?:python)?\n(.*?)^```$|^( {4}\S[^\n]*)$", page, re.DOTALL | re.MULTILINE):
        found += re.findall(r"python3? main\.py[^\n#]*", "\n".join(code))
    plain = (" ".join(command.split()).removesuffix(" &").rstrip('"') for command in found)
    return [command for command in plain if not re.search(r"\[|\||\.\.\.|MODE|KEY|;", command)]


def check_command(command: str) -> None:
    """Raises the error that the command would end with before it does anything."""
    arguments = shlex.split(command.replace("$i", "0"))[2:]
    _, values = cli.parse(arguments)
    if values and values.get("config"):
        cli.configure(values["config"], values["changes"])
