"""Builds over HTTP: what a request asks for, and where its context comes from."""
