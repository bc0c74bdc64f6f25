"""docker-py against wherryd."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import docker.errors
import pytest

from fixtures.engine import Engine
from fixtures.waiting import eventually


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    """A client that negotiates nothing: it believes what /version says."""
    made = docker.DockerClient(base_url=engine.host)
    yield made
    for container in made.containers.list(all=True):
        container.remove(force=True, v=True)
    made.close()


def test_run_returns_what_was_printed(client: docker.DockerClient) -> None:
    assert client.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"


def test_a_failing_command_raises_with_its_output(client: docker.DockerClient) -> None:
    with pytest.raises(docker.errors.ContainerError) as failure:
        client.containers.run("busybox", ["sh", "-c", "echo no >&2; exit 3"], remove=True)
    assert failure.value.exit_status == 3
    assert b"no" in failure.value.stderr


def test_list_logs_exec_stop(client: docker.DockerClient) -> None:
    script = "echo one; echo two; exec sleep 300"
    made = client.containers.run("busybox", ["sh", "-c", script], detach=True, labels={"a": "b"})
    assert [c.id for c in client.containers.list(filters={"label": "a=b"})] == [made.id]
    stream = made.logs(stream=True, follow=True)
    assert next(stream) in (b"one\n", b"one\ntwo\n")
    stream.close()
    eventually(lambda: made.logs(tail=1) == b"two\n")
    done = made.exec_run(["sh", "-c", "echo out; echo err >&2; exit 4"], demux=True)
    assert (done.exit_code, done.output) == (4, (b"out\n", b"err\n"))
    made.reload()
    assert made.status == "running"
    made.stop(timeout=0)
    assert made.wait()["StatusCode"] == 137
    made.reload()
    assert made.status == "exited"


def test_missing_things_are_the_right_errors(client: docker.DockerClient) -> None:
    with pytest.raises(docker.errors.NotFound):
        client.containers.get("nobody")
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("nothing:here")


def test_networks_and_volumes(client: docker.DockerClient) -> None:
    network = client.networks.create("pynet", labels={"x": "y"})
    volume = client.volumes.create("pyvol")
    try:
        made = client.containers.run(
            "busybox",
            ["sleep", "300"],
            detach=True,
            network="pynet",
            volumes={"pyvol": {"bind": "/v", "mode": "rw"}},
        )
        network.reload()
        assert [c.id for c in network.containers] == [made.id]
        made.remove(force=True)
    finally:
        network.remove()
        volume.remove()
