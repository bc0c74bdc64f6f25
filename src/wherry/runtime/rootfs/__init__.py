"""A container's file system: planned as operations, executed inside its mount namespace.

`plan` turns a configuration into operations (pure), `operations` says what each does.
"""
