"""What those who look after a registry need: figures, logs, health, webhooks, processes.

exposition.py     the text that Prometheus reads, and several processes' in one
metrics.py        what is counted, as an observer of exchanges
measured.py       storage, caches and uploads, counted on their way
process.py        what the kernel knows of this process
site.py           /metrics, /healthz, /readyz
access_log.py     a line of JSON for each request
line_sink.py      lines that go to a file in another thread
envelope.py       events in the form of Docker's notifications; pure
endpoint.py       one receiver of events: a signed POST
webhooks.py       events of the catalog, delivered in their order at least once
pull_events.py    events of pulls, as well as it goes
tls.py            certificates, read again when they change
logs.py           the program's own log
workers.py        several processes that share a port
"""
