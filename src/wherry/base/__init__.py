"""Ground that everything may stand on: error categories, ids, atomic files, undo, fault points.

Knows nothing of containers. Standard library only: keeper and runtime import from here.
"""
