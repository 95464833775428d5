"""Modules of the user's: found again without a question where they were trained, rejected in runs from elsewhere."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from gan_jax import games, lookup, own_code
from gan_jax.errors import UserError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A machine on which nothing was trained yet, and nothing of the user's is imported."""
    monkeypatch.setenv("GAN_JAX_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(lookup, "foreign", set())
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def game(folder, name, line="x = 1"):
    """A module with a game; `line` is the code at its top."""
    path = folder / f"{name.replace('.', '/')}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{line}\ndef make_game(config, fields): ...\n")


def run(workdir, name):
    workdir.mkdir(exist_ok=True)
    (workdir / "config.json").write_text(json.dumps({"game": name}))
    return workdir


def find(name):
    return lookup.import_by_name(games, name, "game", member="make_game")


def remembered(workdir, here):
    """Without the folders from which pytest has imported tests."""
    return [Path(folder) for folder in own_code.trusted(workdir)[0] if Path(folder).is_relative_to(here)]


def forget(*names):
    """As another process would: nothing is imported, and the path is Python's own."""
    for name in names:
        for known in [known for known in sys.modules if f"{known}.".startswith(f"{name}.")]:
            del sys.modules[known]
    sys.path[:] = [entry for entry in sys.path if "/code" not in entry]


@pytest.mark.parametrize("name", ["bigan_of_mine", "mine_of_mine.bigan"])
def test_a_run_that_was_trained_here_finds_its_modules(here, name):
    game(here / "code", name, "import helper_of_mine")
    (here / "other_code").mkdir()
    (here / "other_code" / "helper_of_mine.py").write_text("")
    own_code.add_to_path([here / "code", here / "other_code", here])
    find(name)
    workdir = run(here / "run", name)
    own_code.remember(workdir)
    assert remembered(workdir, here) == [here / "code", here / "other_code"]  # those that were needed
    assert not list(workdir.glob("[!c]*"))
    forget(name.partition(".")[0], "helper_of_mine")
    sys.path.remove(str(here / "other_code"))
    with own_code.trusting(workdir):
        assert find(name).__module__ == name
        with pytest.raises(UserError, match=r"'os\.path' is not part of gan_jax"):  # only what it was trained with
            find("os.path")


def test_a_run_from_elsewhere_may_not_choose_what_is_executed(here):
    game(here / "code", "evil_of_mine", f"open({str(here / 'executed')!r}, 'w')")
    workdir = run(here / "run", "evil_of_mine")
    own_code.add_to_path([here / "code"])  # even if it can be imported
    for name in ("evil_of_mine", "os.path", "antigravity"):
        with (
            own_code.trusting(workdir),
            pytest.raises(UserError, match=rf"'{name}' is not part of gan_jax.*--code=FOLDER"),
        ):
            find(name)
    assert not (here / "executed").exists() and "antigravity" not in sys.modules
    with own_code.trusting(workdir):
        find("adversarial")
    forget()
    with own_code.trusting(workdir, [str(here / "code")]):
        find("evil_of_mine")
    assert (here / "executed").exists()
    with (
        pytest.raises(UserError, match="--code=nowhere: there is no such folder"),
        own_code.trusting(workdir, ["nowhere"]),
    ):
        pass


@pytest.mark.parametrize("change", ["copied", "another config", "another folder's note"])
def test_another_run_is_not_the_one_that_was_trained_here(here, change):
    game(here / "code", "bigan_of_mine")
    own_code.add_to_path([here / "code"])
    find("bigan_of_mine")
    workdir = run(here / "run", "bigan_of_mine")
    own_code.remember(workdir)
    match change:
        case "copied":
            workdir = shutil.copytree(workdir, here / "copy")
        case "another config":
            run(workdir, "os.path")
        case _:
            workdir = shutil.copytree(workdir, here / "copy")
            (note,) = (here / "state" / "own_code").iterdir()
            shutil.copy(note, own_code._note(workdir))
    assert own_code.trusted(workdir) == ([], [])


def test_a_run_of_the_librarys_own_leaves_no_note(here):
    find("adversarial")
    own_code.remember(run(here / "run", "adversarial"))
    assert not (here / "state").exists() and own_code.trusted(here / "run") == ([], [])


def test_what_lies_in_the_run_itself_is_not_trusted(here):
    workdir = run(here / "run", "bigan_of_mine")
    game(workdir / "code", "bigan_of_mine")
    own_code.add_to_path([workdir / "code"])
    find("bigan_of_mine")
    own_code.remember(workdir)
    assert remembered(workdir, here) == []


def test_a_state_folder_that_cannot_be_written_is_a_warning(here, monkeypatch, capsys):
    (here / "file").touch()
    monkeypatch.setenv("GAN_JAX_STATE", str(here / "file"))
    lookup.foreign.add("bigan_of_mine")
    own_code.remember(run(here / "run", "bigan_of_mine"))
    assert capsys.readouterr().err.count("\n") == 1 and own_code.trusted(here / "run") == ([], [])


def test_where_the_state_lies(monkeypatch, tmp_path):
    for name in ("GAN_JAX_STATE", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_code.state_folder() == tmp_path / ".local" / "state" / "gan_jax"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a"))
    assert own_code.state_folder() == tmp_path / "a" / "gan_jax"
