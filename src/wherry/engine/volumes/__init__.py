"""The verbs of volumes, and what containers need of them."""
