"""Networks that users make, and the network side of a container's life.

`record` is what is kept, `fabric` what is done in the kernel, `service` the verbs, `sandbox` what a
start and an end need, `answers` what the resolver is told, `names` who is called what. Pure:
`modes`, what --network and --publish ask for, `published`, what became of it, and `files`, the
content of /etc/hosts and /etc/resolv.conf.
"""
