"""Ours against the peers' own code, by numbers that theirs computed.

`make/NAME.py` runs a peer's code and writes NAME.npz; `test_*.py` compares. A package, as tests elsewhere have the same
names.
"""
