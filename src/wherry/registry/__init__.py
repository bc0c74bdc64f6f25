"""The OCI distribution protocol: what both sides of it share, and the client side.

`protocol` has routes, media types and error codes as data. `auth` answers a registry's challenge
with credentials. `client` fetches and pushes. Nothing here knows the store, images on disk, or how
progress is shown: blobs go into a sink and come from a file that the caller opens.
"""
