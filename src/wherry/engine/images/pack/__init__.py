"""Finds what programs of this machine need, and makes one layer of it; nothing is ever executed.

    host         paths as a program on this machine (or below another root) would follow them
    tree         what goes into the layer: places, and what is put there
    elf          what an ELF file says about itself
    libraries    the dynamic linker's search, by reading
    interpreters scripts, and Python with its standard library and virtual environments
    data         certificates, users, names of hosts: what programs open at run time
    collect      all of that for the words that a user gave; `layer` writes it

Plain blocking code: the engine calls it in a thread. It knows no image and no store.
"""
