"""The commands of the program, one for each module; `main.py` puts them together.

A module declares its flags (`declare`) and does its work (`run`), which returns the exit status.
"""
