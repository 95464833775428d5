"""Progress of long work."""

from gan_jax import progress


def test_progress_is_logged_where_there_is_no_terminal(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS", -1)
    assert list(progress.progress("classifier", 3)) == [0, 1, 2]
    assert "classifier: 1 of 3 batches, 0 min left" in capsys.readouterr().err
