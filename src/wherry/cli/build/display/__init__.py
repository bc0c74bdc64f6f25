"""What a user sees of a build: events become a board, which a terminal or a log shows.

`board` is the state, pure; `live` draws it on a terminal, `plain` writes lines, `raw` writes JSON.
Each takes events as the engine sends them (`wherry.build.progress`, decoded from JSON).
"""
