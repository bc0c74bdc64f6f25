"""Reference pages, manual pages and completions, made of the tables that the programs use.

`entries` collects what there is, as values; `markdown` and `roff` write them down; `docker` is the
table of docker's own client, which `docs/compatibility` says the truth about.
"""
