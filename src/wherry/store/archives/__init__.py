"""Archives of images: what `docker save` writes and `docker load` reads."""
