"""What this engine is not: a swarm manager, or a host of plugins.

`docker inspect NAME` asks for services, tasks, nodes, plugins, secrets and configs of that name,
one after the other, and takes 404 and 503 for "not here".
"""

from __future__ import annotations

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Reply
from wherry.api.table import Route
from wherry.base.errors import NotFoundError, UnavailableError

RESOURCES = ("swarm", "services", "tasks", "nodes", "secrets", "configs")
METHODS = ("GET", "POST", "DELETE")


async def no_manager(_: Call) -> Reply:
    """Refuse what only a swarm manager can do."""
    raise UnavailableError(
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to '
        "connect this node to swarm and try again."
    )


async def no_plugins(_: Call) -> Reply:
    """List no plugins."""
    return json_reply([])


async def no_plugin(call: Call) -> Reply:
    """Know no plugin."""
    raise NotFoundError(f'plugin "{call.name}" not found')


ROUTES = (
    Route("GET", "/plugins", no_plugins),
    Route("GET", "/plugins/{name:.*}/json", no_plugin),
    *(Route(m, f"/{r}", no_manager) for r in RESOURCES for m in METHODS),
    *(Route(m, f"/{r}/{{name:.*}}", no_manager) for r in RESOURCES for m in METHODS),
)
