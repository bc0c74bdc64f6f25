"""What `wherry build` does on this side: flags become a request, files are sent, results received.

Nothing here draws; `display/` does, and knows events only.
"""
