"""The OCI distribution-spec 1.1 over HTTP, on aiohttp: routes, bodies, errors; no storage."""
