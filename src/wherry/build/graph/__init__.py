"""From instructions to a plan: pure."""
