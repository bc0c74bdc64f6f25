"""The registry: keeps images in repositories, and serves them to every client of the protocol.

    backend.py      what the HTTP side serves: a port, its values and its errors
    settings.py     every setting, typed; configuration/ reads them from TOML, with lines
    http/           the routes of the OCI distribution-spec over a backend
    access/         who may do what: accounts, rules, tokens, robots, limits, the audit log
    catalog/        what is where, in SQL: SQLite or PostgreSQL
    hosted/         the backend of a registry that keeps images: catalog and blob driver
    cache/          the backend that keeps what other registries have
    collect/        garbage collection and retention, while everything goes on
    pages/          the web pages
    operate/        metrics, access log, health, webhooks
    main.py         the program: reads the settings, builds the parts, serves

The engine serves its own images with the same `http/` over a backend of its own.
"""
