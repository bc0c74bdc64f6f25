"""Holding on to running processes whatever dies: keepers, their replacement, custody, adoption.

`keepers` is the face of it; `slot` looks after one keeper; `exit_status` finds out how a process
ended that nobody of ours has seen end.
"""
