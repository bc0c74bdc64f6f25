"""The OCI runtime: from a bundle's `config.json` to a process, and nothing else.

Consumes runtime-spec 1.x; knows no images, no networks and no engine. Standard library only, no
asyncio, no threads but one that waits (`cgroups.begin_join`): the keeper forks from a process that
has this loaded.
"""
