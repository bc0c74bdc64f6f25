"""The composition root of wherryd: configuration, every part built once, listeners, signals.

Knows all the others and is imported by none of them.
"""
