"""Containers: one verb for each module; `record` is what is kept, `service` the group.

`table` holds all records and their locks, `waiters` who waits for what. `start` and `exits` are the
two ends of a run; everything in between is the keeper's.
"""
