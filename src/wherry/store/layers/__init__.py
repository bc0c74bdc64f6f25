"""Layers: tar archives with whiteouts, unpacked into overlay lower directories, and the way back.

`tar` reads archives and `headers` writes them; `unpack` makes a directory of an archive, `settle`
fits it onto the layers below; `diff` makes an archive of a writable layer, `seal` a layer of one
where it lies; `view` looks through a stack without mounting it.
"""
