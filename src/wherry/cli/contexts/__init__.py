"""Named engines, in docker's own store: what its client writes is read here, and the reverse."""
