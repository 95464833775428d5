"""Files that are whole or not there."""

import os

import pytest

from gan_jax.files import replacing


def test_a_file_takes_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["numbers.txt"]
    other = tmp_path / "other.txt"
    other.write_text("")
    assert path.stat().st_mode == other.stat().st_mode  # readable by whom other files are


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match="no"), replacing(path) as file:
        file.write(b"ne")
        raise ValueError("no")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["numbers.txt"]
