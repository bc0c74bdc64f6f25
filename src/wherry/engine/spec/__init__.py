"""From a container's record to the configuration that a runtime consumes: pure.

`container` puts the runtime-spec document together; the other modules each make a part of it.
"""
