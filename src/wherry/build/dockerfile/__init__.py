"""The language of Dockerfiles: pure, standard library only."""
