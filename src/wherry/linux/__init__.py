"""The only door to the kernel: thin, typed calls without policy.

Every function raises `OSError` with the kernel's errno and the name of the call. Standard library
only; nothing here blocks longer than its system call.
"""
