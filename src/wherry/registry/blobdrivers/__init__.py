"""Where a registry keeps bytes: the file system, or an object store that several machines share."""
