"""Reads the settings of the registry from TOML and flags, and says by file and line what is wrong.

positions.py    on which line of a TOML text each key stands; pure
document.py     a text, parsed, with its lines and with the flags that go before it
addresses.py    what a value has to be that says where something is; others: base.configuration
tables.py       the tables, each with its keys, become the dataclasses of settings.py
agreement.py    what no single value shows: conflicts, and files that cannot be used
load.py         the way in: `load`, and `from_flags`
"""
