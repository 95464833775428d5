"""What the README shows, works."""

import re
from pathlib import Path

from tiny import get_config

from gan_jax.runners import make_runner
from gan_jax.train import train

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_gan_of_your_own(tmp_path, monkeypatch):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bigan.py").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    train(get_config(game="mine.bigan", total_kimg=0.032), tmp_path / "run", make_runner("jit"))
    assert (tmp_path / "run" / "samples" / "000002.png").exists()


def test_every_config_is_in_the_tables():
    objectives = (ROOT / "docs" / "objectives.md").read_text()
    for path in (ROOT / "configs").glob("[!_]*.py"):
        assert f"`{path.stem}`" in README and f"`{path.stem}`" in objectives


def test_every_file_that_is_named_exists():
    (tree,) = re.findall(r"## Where things are\n\n```\n(.*?)```", README, re.DOTALL)
    for name in re.findall(r"^(\S+)", tree, re.MULTILINE):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\((docs/\S+)\)", README):
        assert (ROOT / name).exists(), name
