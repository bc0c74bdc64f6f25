"""Values and grammars of the Open Container Initiative: digests, references, platforms, manifests.

Pure: no I/O, no clock, no environment.
"""
