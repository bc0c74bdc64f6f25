"""The web pages: repositories, tags, layers, and how to pull them. Made here, without scripts."""
