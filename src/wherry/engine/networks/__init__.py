"""Networks that users make, and the network side of a container's life.

`record` is what is kept, `fabric` what is done in the kernel, `service` the verbs, `sandbox` what a
start and an end need, `files` the content of /etc/hosts and /etc/resolv.conf (pure).
"""
