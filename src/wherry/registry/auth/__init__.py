"""How a client proves to a registry who it is: challenges, credentials, tokens.

Pure but for the clock that is passed in: this folder says which request a token takes and what its
reply means; `wherry.registry.client` sends it.
"""
