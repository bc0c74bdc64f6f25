"""What is counted."""

from __future__ import annotations

from fixtures.exchanges import exchange
from fixtures.prometheus import Samples, read_metrics, value
from wherry.registry.server.collect.report import Report
from wherry.registry.server.operate.exposition import render
from wherry.registry.server.operate.metrics import BOUNDS, Metrics
from wherry.registry.server.operate.process import process_families


def samples(metrics: Metrics) -> Samples:
    return read_metrics(render(metrics.families()).decode())


def test_exchanges_are_counted_by_route_method_and_class() -> None:
    metrics = Metrics()
    for status, seconds in ((200, 0.0004), (206, 0.3), (404, 100.0)):
        metrics.finished(
            exchange(
                route="blob", status=status, seconds=seconds, sent=10, received=3,
                action="pull", error="BLOB_UNKNOWN" if status == 404 else "",
            )
        )  # fmt: skip
    metrics.finished(exchange("BREW", route="unknown", status=405))
    found = samples(metrics)
    name = "wherry_registry_requests_total"
    assert value(found, name, route="blob", method="GET", status="2xx") == 2
    assert value(found, name, route="blob", method="GET", status="4xx") == 1
    assert value(found, name, route="unknown", method="other", status="4xx") == 1
    assert value(found, "wherry_registry_sent_bytes_total", route="blob") == 30
    assert value(found, "wherry_registry_received_bytes_total", route="blob") == 9
    assert value(found, "wherry_registry_actions_total", action="pull") == 2
    assert value(found, "wherry_registry_errors_total", code="BLOB_UNKNOWN") == 1


def test_times_are_a_histogram() -> None:
    metrics = Metrics()
    for seconds in (0.0004, 0.001, 0.3, 100.0):
        metrics.finished(exchange(route="blob", status=200, seconds=seconds))
    found = samples(metrics)
    name = "wherry_registry_request_seconds"
    counts = [value(found, f"{name}_bucket", route="blob", le=f"{bound:g}") for bound in BOUNDS]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (2, 3)
    assert value(found, f"{name}_bucket", route="blob", le="+Inf") == 4
    assert value(found, f"{name}_count", route="blob") == 4
    assert value(found, f"{name}_sum", route="blob") == 100.3014


def test_collections_failures_caches_and_gauges() -> None:
    metrics = Metrics()
    metrics.collected(Report(tags=1, blobs=2, bytes=300, seconds=1.5))
    metrics.collected(Report(bytes=30, seconds=0.5))
    metrics.failed("storage")
    metrics.cached(hit=True)
    metrics.uploads += 2
    metrics.gauge("log_lines_dropped", "Dropped.", lambda: 5)
    found = samples(metrics)
    assert value(found, "wherry_registry_collections_total") == 2
    assert value(found, "wherry_registry_collection_seconds_total") == 2
    assert value(found, "wherry_registry_collected_total", kind="bytes") == 330
    assert value(found, "wherry_registry_failures_total", part="storage") == 1
    assert value(found, "wherry_registry_cache_blobs_total", result="hit") == 1
    assert value(found, "wherry_registry_cache_blobs_total", result="miss") == 0
    assert value(found, "wherry_registry_uploads_in_flight") == 2
    assert value(found, "wherry_registry_log_lines_dropped") == 5


def test_the_process_is_known() -> None:
    found = read_metrics(render(process_families()).decode())
    assert value(found, "process_resident_memory_bytes") > 1 << 20
    assert value(found, "process_open_fds") >= 3
    assert value(found, "process_cpu_seconds_total") > 0
    import time

    assert time.time() - 86400 < value(found, "process_start_time_seconds") < time.time()
