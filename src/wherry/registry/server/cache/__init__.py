"""The backend that keeps what other registries have, fetched when it is asked for."""
