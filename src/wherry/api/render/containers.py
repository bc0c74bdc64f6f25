"""Containers as inspect and list show them."""

from __future__ import annotations

from typing import Any

from wherry.api.render.config import config, host_config
from wherry.api.render.network_settings import mount, network_settings, networks, port_list
from wherry.engine.containers.record import Container, State, Status
from wherry.engine.containers.view import ContainerView
from wherry.wire.human import human_duration
from wherry.wire.times import SECOND, rfc3339_nano


def inspect(view: ContainerView) -> dict[str, Any]:
    """Render GET /containers/{id}/json."""
    record = view.record
    directory = view.directory
    return {
        "Id": record.id,
        "Created": rfc3339_nano(record.created),
        "Path": record.path,
        "Args": record.args,
        "State": state(record.state),
        "Image": record.image_id,
        "ResolvConfPath": f"{directory}/resolv.conf",
        "HostnamePath": f"{directory}/hostname",
        "HostsPath": f"{directory}/hosts",
        "LogPath": view.log_path,
        "Name": f"/{record.name}",
        "RestartCount": record.restart_count,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": record.exec_ids or None,
        "HostConfig": host_config(record.host_config),
        "GraphDriver": {"Name": "overlay2", "Data": view.graph_data},
        **_sizes(view),
        "Mounts": [mount(point) for point in record.mounts],
        "Config": config(record.config),
        "NetworkSettings": network_settings(record),
    }


def state(value: State) -> dict[str, Any]:
    """Render State."""
    return {
        "Status": value.status.value,
        "Running": value.running or value.status is Status.RESTARTING,
        "Paused": value.status is Status.PAUSED,
        "Restarting": value.status is Status.RESTARTING,
        "OOMKilled": value.oom_killed,
        "Dead": value.status is Status.DEAD,
        "Pid": value.pid if value.running else 0,
        "ExitCode": value.exit_code,
        "Error": value.error,
        "StartedAt": rfc3339_nano(value.started_at),
        "FinishedAt": rfc3339_nano(value.finished_at),
    }


def summary(view: ContainerView, now: int) -> dict[str, Any]:
    """Render an entry of GET /containers/json."""
    record = view.record
    return {
        "Id": record.id,
        "Names": [f"/{record.name}"],
        "Image": record.image_name,
        "ImageID": record.image_id,
        "Command": command(record),
        "Created": record.created // SECOND,
        "Ports": port_list(record.ports) if record.state.running else [],
        **_sizes(view),
        "Labels": record.config.labels or {},
        "State": record.state.status.value,
        "Status": status_text(record.state, now),
        "HostConfig": {"NetworkMode": record.host_config.network_mode},
        "NetworkSettings": {"Networks": networks(record.networks)},
        "Mounts": [mount(point) for point in record.mounts],
    }


def _sizes(view: ContainerView) -> dict[str, int]:
    if view.size_rw is None:
        return {}
    return {"SizeRw": view.size_rw, "SizeRootFs": view.size_root_fs or 0}


def command(record: Container) -> str:
    """Write path and arguments as list shows them: quoted only where there is a space."""
    words = [f"'{word}'" if " " in word else word for word in record.args]
    return " ".join([record.path, *words])


def status_text(value: State, now: int) -> str:
    """Say where a container is in its life, in dockerd's words."""
    up = human_duration(now - value.started_at)
    ago = human_duration(now - value.finished_at)
    match value.status:
        case Status.RUNNING:
            return f"Up {up}"
        case Status.PAUSED:
            return f"Up {up} (Paused)"
        case Status.RESTARTING:
            return f"Restarting ({value.exit_code}) {ago} ago"
        case Status.EXITED:
            return f"Exited ({value.exit_code}) {ago} ago"
        case Status.REMOVING:
            return "Removal In Progress"
        case Status.DEAD:
            return "Dead"
    return "Created"
