"""What lies in the cache is read ahead, as far as memory can keep it; the rest is tested by the sources."""

import os
from pathlib import Path

import pytest

from gan_jax.data.cache import read_ahead


@pytest.mark.parametrize("memory, is_read", [(200, True), (199, False)])
def test_a_file_is_read_ahead_if_half_of_the_memory_holds_it(tmp_path, monkeypatch, memory, is_read):
    path, opened = tmp_path / "images.npy", []
    path.write_bytes(bytes(100))
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PHYS_PAGES": memory, "SC_PAGE_SIZE": 1}[name])
    opening = Path.open

    def watched(self, *args, **kwargs):
        file = opening(self, *args, **kwargs)
        opened.append(file)
        return file

    monkeypatch.setattr(Path, "open", watched)
    thread = read_ahead(path)
    if not is_read:
        assert thread is None and not opened
        return
    thread.join()
    assert [file.name for file in opened] == [str(path)] and opened[0].closed
