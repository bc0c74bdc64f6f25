"""The process that outlives the engine: forks containers, reaps them, stores their output.

`protocol` is what engine and keeper say to each other; `client` and `start` are the engine's side,
everything else runs in the keeper. Standard library only; never blocks; parses nothing that a
container controls.
"""
