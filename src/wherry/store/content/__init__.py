"""Blobs: immutable bytes named by their digest, exactly as a registry sends them."""
