"""The verbs of images: `pull`, `push`, `commit`, `remove` and the others, each in its own module.

`service` is the group that the API sees. What is written is held by a lease until an image names
it, so that collection never takes it away in between.
"""
