"""Bridges, sandboxes, firewall, published ports and names: what containers reach each other by.

Blocking and thread-safe. Knows no containers and no API: everything is given as values. Whatever it
makes in the kernel carries the engine's id, so that the next engine finds what a crash left, and
several engines never touch each other's.

    namespaces   a network namespace held by a descriptor, with a netlink socket of its own
    links        bridges and veth pairs
    addresses    subnets and addresses (pure)
    firewall     one nftables table for each engine
    ports        sockets that hold published ports, and the map elements that forward them
    resolver     who answers at 127.0.0.11, with `dns` for messages and `upstream` for foreign names
"""
