"""The engine's values in the shapes of the API. Pure; one file for each kind of object."""
