"""What runs in the forked child, between the fork and the exec. Each stage is a file.

`container` prepares a container's first process, `execute` one that joins a running container;
both end in `process`, which gives up privileges and execs.
"""
