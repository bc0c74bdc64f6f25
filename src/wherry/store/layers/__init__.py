"""Layers: tar archives with whiteouts, unpacked into overlay lower directories, and the way back.

`tar` reads archives, `unpack` makes a directory of one, `settle` fits it onto the layers below,
`diff` makes an archive of a writable layer, `view` looks through a stack without mounting it.
"""
