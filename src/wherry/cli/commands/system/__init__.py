"""Commands on the engine itself."""
