"""What single steps do to a file system."""
