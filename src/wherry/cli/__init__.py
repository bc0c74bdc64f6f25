"""The client program `wherry`: docker's commands, flags and output over `wherry.client`.

One file per command or small group in `commands/`; only the asked-for one is imported. Parsing of
flag values is pure (`options/`), as are tables and templates (`output/`). `build/` is what
`wherry build` does on this side.
"""
