"""Which commands there are, and in which module each lives; no command is imported here.

A line is `name module:attribute summary`. `SECTIONS` are the commands that need no group, in the
order of the overview; groups (`wherry image ls`) have a table of their own. What the engine cannot
do is not here: `LATER` names docker's commands that are still missing, for a clear answer.
"""

from __future__ import annotations

SECTIONS = {
    "Common Commands": """
run        containers.run:RUN          Create and run a new container from an image
exec       containers.execute:EXEC     Execute a command in a running container
ps         containers.listing:PS       List containers
logs       containers.logs:LOGS        Fetch the logs of a container
stop       containers.verbs:STOP       Stop one or more running containers
rm         containers.verbs:RM         Remove one or more containers
images     images.listing:IMAGES       List images
build      builds.build:BUILD          Build an image from a Dockerfile
pull       images.transfer:PULL        Download an image from a registry
push       images.transfer:PUSH        Upload an image to a registry
inspect    inspect:INSPECT             Return low-level information on objects
""",
    "Containers": """
attach     containers.attach:ATTACH    Attach local streams to a running container
create     containers.run:CREATE       Create a new container
kill       containers.verbs:KILL       Kill one or more running containers
pause      containers.verbs:PAUSE      Pause all processes within one or more containers
port       containers.state:PORT       List port mappings for a container
rename     containers.verbs:RENAME     Rename a container
restart    containers.verbs:RESTART    Restart one or more containers
start      containers.start:START      Start one or more stopped containers
top        containers.state:TOP        Display the running processes of a container
unpause    containers.verbs:UNPAUSE    Unpause all processes within one or more containers
wait       containers.verbs:WAIT       Wait until containers stop, print their exit codes
""",
    "Images": """
commit     images.make:COMMIT          Create a new image from a container's changes
history    images.listing:HISTORY      Show the history of an image
import     images.make:IMPORT          Import the contents from a tarball to create an image
load       images.archive:LOAD         Load an image from a tar archive or STDIN
rmi        images.change:RMI           Remove one or more images
save       images.archive:SAVE         Save one or more images to a tar archive
search     images.search:SEARCH        Search a registry for images
tag        images.change:TAG           Create a tag that refers to an image
""",
    "Engine": """
doctor     system.doctor:DOCTOR        Look at the machine, say what mends it
events     system.events:EVENTS        Get real time events from the server
info       system.info:INFO            Display system-wide information
login      system.login:LOGIN          Authenticate to a registry
logout     system.login:LOGOUT         Log out from a registry
registry   registry:REGISTRY           Serve a registry, or look after one
version    system.about:VERSION        Show the wherry version information
""",
}

GROUPS = {
    "builder": (
        "Build images, manage the build cache",
        """
build      builds.build:BUILD          Build an image from a Dockerfile
du         builds.cache:DU             Show how much disk the build cache uses
prune      builds.cache:PRUNE          Remove build cache
""",
    ),
    "completion": (
        "Generate the autocompletion script for a shell",
        """
bash       system.completion:BASH      Generate the autocompletion script for bash
fish       system.completion:FISH      Generate the autocompletion script for fish
zsh        system.completion:ZSH       Generate the autocompletion script for zsh
""",
    ),
    "container": (
        "Manage containers",
        """
attach     containers.attach:ATTACH    Attach local streams to a running container
commit     images.make:COMMIT          Create a new image from a container's changes
create     containers.run:CREATE       Create a new container
exec       containers.execute:EXEC     Execute a command in a running container
inspect    inspect:CONTAINER           Display detailed information on containers
kill       containers.verbs:KILL       Kill one or more running containers
logs       containers.logs:LOGS        Fetch the logs of a container
ls         containers.listing:PS       List containers
pause      containers.verbs:PAUSE      Pause all processes within one or more containers
port       containers.state:PORT       List port mappings for a container
prune      prune:CONTAINERS            Remove all stopped containers
rename     containers.verbs:RENAME     Rename a container
restart    containers.verbs:RESTART    Restart one or more containers
rm         containers.verbs:RM         Remove one or more containers
run        containers.run:RUN          Create and run a new container from an image
start      containers.start:START      Start one or more stopped containers
stop       containers.verbs:STOP       Stop one or more running containers
top        containers.state:TOP        Display the running processes of a container
unpause    containers.verbs:UNPAUSE    Unpause all processes within one or more containers
wait       containers.verbs:WAIT       Wait until containers stop, print their exit codes
""",
    ),
    "context": (
        "Manage contexts: engines by name",
        """
create     context_changes:CREATE      Create a context
export     context_files:EXPORT        Export a context to a file
import     context_files:IMPORT        Import a context from a file
inspect    contexts:INSPECT            Display detailed information on contexts
ls         contexts:LS                 List contexts
rm         contexts:RM                 Remove one or more contexts
show       contexts:SHOW               Print the name of the current context
update     context_changes:UPDATE      Update a context
use        contexts:USE                Set the context of the commands to come
""",
    ),
    "image": (
        "Manage images",
        """
build      builds.build:BUILD          Build an image from a Dockerfile
history    images.listing:HISTORY      Show the history of an image
import     images.make:IMPORT          Import the contents from a tarball to create an image
inspect    inspect:IMAGE               Display detailed information on images
load       images.archive:LOAD         Load an image from a tar archive or STDIN
ls         images.listing:IMAGES       List images
pack       images.pack:PACK            Make an image from programs on this machine
prune      prune:IMAGES                Remove unused images
pull       images.transfer:PULL        Download an image from a registry
push       images.transfer:PUSH        Upload an image to a registry
rm         images.change:RMI           Remove one or more images
save       images.archive:SAVE         Save one or more images to a tar archive
tag        images.change:TAG           Create a tag that refers to an image
""",
    ),
    "network": (
        "Manage networks",
        """
connect    networks:CONNECT            Connect a container to a network
create     networks:CREATE             Create a network
disconnect networks:DISCONNECT         Disconnect a container from a network
inspect    inspect:NETWORK             Display detailed information on networks
ls         networks:LS                 List networks
prune      prune:NETWORKS              Remove all unused networks
rm         networks:RM                 Remove one or more networks
""",
    ),
    "service": (
        "Have the engine start at boot",
        """
install    system.service:INSTALL      Install the engine as a service that starts at boot
status     system.service:STATUS       Show whether the service is installed and runs
uninstall  system.service:UNINSTALL    Remove the service; ends nothing that runs
""",
    ),
    "system": (
        "Manage the engine",
        """
df         system.usage:DF             Show disk usage
dial-stdio system.dial:DIAL            Join standard streams to the engine, for ssh:// addresses
events     system.events:EVENTS        Get real time events from the server
info       system.info:INFO            Display system-wide information
prune      prune:SYSTEM                Remove unused data
""",
    ),
    "tls": (
        "Make certificates for an engine on TCP",
        """
client     system.tls:CLIENT           Make a certificate for another client
init       system.tls:INIT             Make an authority, and certificates for engine and client
show       system.tls:SHOW             Show certificates and when they expire
""",
    ),
    "volume": (
        "Manage volumes",
        """
create     volumes:CREATE              Create a volume
inspect    inspect:VOLUME              Display detailed information on volumes
ls         volumes:LS                  List volumes
prune      prune:VOLUMES               Remove unused local volumes
rm         volumes:RM                  Remove one or more volumes
""",
    ),
}

ALIASES = {"list": "ls", "ps": "ls", "remove": "rm"}
GROUP_ALIASES = {"buildx": "builder"}
LATER = ("cp", "diff", "export", "stats", "update")


def entries(table: str) -> dict[str, tuple[str, str]]:
    """Return name to (module:attribute, summary)."""
    found = {}
    for line in filter(None, table.splitlines()):
        name, where, summary = line.split(None, 2)
        found[name] = (where, summary)
    return found
