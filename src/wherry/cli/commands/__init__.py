"""One file per command or small group: typed options in, calls to the engine, words out."""
