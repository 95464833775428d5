"""What docs/ shows, works: commands, keys, links, and the modules of one's own."""

import re
import runpy
import sys

import pytest
from documents import PAGES, README, ROOT, blocks, check_command, commands, files

from gan_jax import cli, games
from gan_jax.config import config_for, override
from gan_jax.errors import UserError
from gan_jax.lookup import modules_of

OWN = PAGES["docs/custom_games.md"]


@pytest.fixture
def own_modules(tmp_path, monkeypatch):
    """The folder that a person starts from, with the files that the pages show."""
    shown = {**files(OWN), "my_lsgan.py": blocks(README)[0]}
    for name, content in shown.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("GAN_JAX_STATE", str(tmp_path / "state"))
    yield tmp_path
    for name in shown:
        sys.modules.pop(name.removesuffix(".py"), None)


def run(*arguments):
    cli.main(["main.py", *arguments])


def train(workdir, *changes):
    small = "--config.total_kimg=0.032", "--config.batch_size=16", "--config.evaluation.features=none"
    run("--runner=jit", f"--workdir={workdir}", *small, *changes)


@pytest.mark.parametrize("page", ["configs.md", "cli.md"])
def test_generated_pages_are_up_to_date(page):
    make = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["PAGES"][page]
    assert make() == PAGES[f"docs/{page}"], "run: python docs/make_reference.py"


@pytest.mark.parametrize("page", ["configs.md", "results.md", "objectives.md", "reproduction.md"])
def test_every_config_is_there(page):
    for name in cli.config_names():
        assert f"`{name}`" in PAGES[f"docs/{page}"]


def test_tests_of_parity_exist():
    """Those that are named as what shows it, such as `test_losses::test_dragan`."""
    page, found = PAGES["docs/reproduction.md"], 0
    tests = {path.stem: path.read_text() for path in (ROOT / "tests" / "parity").glob("test_*.py")}
    for name in re.findall(r"`(?:\w+::)?(test_\w+)`", page):
        found += 1
        assert name in tests or any(f"def {name}(" in text for text in tests.values()), name
    for module, name in re.findall(r"`(test_\w+)::(test_\w+)`", page):
        assert f"def {name}(" in tests[module], f"{module}::{name}"
    assert found > 20


@pytest.mark.parametrize("page", PAGES)
def test_commands_can_be_typed(page, own_modules):
    for command in commands(PAGES[page]):
        check_command(command)


@pytest.mark.parametrize("page", PAGES)
def test_keys_exist(page, own_modules):
    configs = [config_for(game) for game in modules_of(games)]
    for key, value in re.findall(r"`--config\.([a-z_0-9.]+)=([^`\s]*)", PAGES[page]):
        if value.isupper():  # a placeholder
            continue
        errors = []
        for config in configs:
            try:
                override(config, {key: value})
            except UserError as error:
                errors.append(error)
        assert len(errors) < len(configs), errors


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text) + [
        (src, "") for src in re.findall(r'src="(.*?)"', text)
    ]
    for path, anchor in links:
        if path.startswith("http"):
            continue
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target.read_text()), f"{path}#{anchor}"


def anchors(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_file_that_is_named_exists():
    (tree,) = re.findall(r"## Where things are\n\n```\n(.*?)```", OWN, re.DOTALL)
    for name in re.findall(r"^(\S+)", tree, re.MULTILINE):
        assert (ROOT / name).exists(), name


def test_a_game_of_ones_own(own_modules, capsys):
    train("run", "--config=digits_mlp", "--config.game=aae")
    run("--mode=sample", "--workdir=run", "--out=aae.png", "--num=4")
    run("--mode=count", "--workdir=run")
    assert "generator: " in capsys.readouterr().out
    assert (own_modules / "run" / "samples" / "000002.png").exists()
    assert (own_modules / "aae.png").exists()


def test_a_term_a_network_and_a_metric_of_ones_own(own_modules, capsys):
    term = "--config.terms.smooth.function=smooth_term.total_variation", "--config.terms.smooth.weight=0.2"
    train("run", "--config.labels=ignore", *term, "--config.networks.generator.name=shallow")
    assert '"generator/total_variation"' in (own_modules / "run" / "metrics.jsonl").read_text()
    run("--mode=evaluate", "--workdir=run", "--metrics=brightness", "--code=.", "--num=40")
    assert "brightness" in capsys.readouterr().out


def test_a_source_and_a_modality_of_ones_own(own_modules):
    train("points", "--config=ring_mlp", "--config.data.source=checkers:4")
    train("curves", "--config=ring_mlp", "--config.data.source=curves")
    run("--mode=sample", "--workdir=curves", "--out=curves.csv", "--num=3", "--code=.")
    assert len((own_modules / "curves.csv").read_text().splitlines()) == 3
