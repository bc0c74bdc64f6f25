"""What the engine says of itself and of its machine."""
