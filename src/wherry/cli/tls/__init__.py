"""An authority of one's own, for an engine on TCP: what is issued, and how it lies on disk."""
