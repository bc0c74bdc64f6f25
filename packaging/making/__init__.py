"""From this repository to packages: a wheel, two for dpkg and two for rpm.

`targets` says for which machines and interpreters, `wheels` fetches what is in requirements.lock,
`elf` takes from compiled libraries what only debuggers read, `tree` lays out /opt/wherry, `staging`
the files beside it, `packages` describes each package to nfpm, and `__main__` is the program.
Nothing of it is installed.

The same commit gives the same bytes, wherever and whenever it is built: every time is that of the
commit, every owner is root, modes come from here and not from the umask, lists are sorted, and
libraries are fetched by their hashes.
"""
