"""Commands about builds: `build`, and the cache that builds leave."""
