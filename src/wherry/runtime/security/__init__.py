"""Capabilities by name, Docker's default seccomp profile, and its compilation to a BPF program."""
