"""What the user sees: tables, templates, units, progress. Nothing here talks to the engine."""
