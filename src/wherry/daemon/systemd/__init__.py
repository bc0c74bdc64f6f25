"""What systemd gives an engine that it starts, and what it is asked for.

passed.py     sockets that were passed (sd_listen_fds), found again by what they are bound to
manager.py    the service manager over D-Bus: is this machine going down?
scope.py      a cgroup of their own for containers, which outlives the service
"""
