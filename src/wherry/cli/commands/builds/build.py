"""`build`: from a Dockerfile to an image."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare

FLAGS = declare("""
   --add-host list  Add a custom host-to-IP mapping (host:ip)
   --allow list  Allow extra privileged entitlement (network.host, security.insecure)
   --annotation list  Add annotation to the image
   --attest list  Attestations are not made; accepted with disabled=true
   --build-arg list  Set build-time variables; NAME alone takes it from the environment
   --build-context list  Additional build contexts (name=directory, name=docker-image://…, URL)
   --builder string  There is one builder: default
   --cache-from list  Accepted for compatibility; the engine's own cache is used
   --cache-to list  Not supported; the cache stays in the engine
   --call string  What to do ("build", "check", "outline", "targets"), with ",format=json"
   --cgroup-parent string  Set the parent cgroup for the RUN instructions during build
   --check  Only check the Dockerfile: same as --call=check
   --compress  Accepted for compatibility; without effect
   --cpu-period int  Limit the CPU CFS (Completely Fair Scheduler) period
   --cpu-quota int  Limit the CPU CFS (Completely Fair Scheduler) quota
-c --cpu-shares int  CPU shares (relative weight)
   --cpuset-cpus string  CPUs in which to allow execution (0-3, 0,1)
   --cpuset-mems string  MEMs in which to allow execution (0-3, 0,1)
   --disable-content-trust  Accepted for compatibility; without effect
-f --file string  Name of the Dockerfile (default: PATH/Dockerfile), - for standard input
   --force-rm  Accepted for compatibility; nothing intermediate is left
   --iidfile string  Write the image ID to a file
   --isolation string  Container isolation technology
   --label list  Set metadata for an image
   --load  Same as --output=type=docker: the image is in the engine
-m --memory bytes  Memory limit of the RUN instructions
   --memory-swap bytes  Swap limit equal to memory plus swap: -1 to enable unlimited swap
   --metadata-file string  Write build result metadata to a file
   --network string  Set the networking mode for the RUN instructions during build
   --no-cache  Do not use cache when building the image
   --no-cache-filter list  Do not use cache for these stages
-o --output list  Output destination (directory, -, type=local|tar|oci|docker|image,dest=path)
   --platform string  Set target platform for build
   --policy list  Not supported
   --progress string  Type of progress output (auto, plain, tty, rawjson, quiet, none)
   --provenance string  Attestations are not made; accepted when false
   --pull  Always attempt to pull all referenced images
   --push  Push the image once it is built
-q --quiet  Suppress the build output and print image ID on success
   --resource list  Resource limits (memory=2g, cpu-quota=50000)
   --rm  Accepted for compatibility; nothing intermediate is left (default true)
   --sbom string  Attestations are not made; accepted when false
   --secret list  Secret to expose to the build (id=mysecret,src=file or id=mysecret,env=NAME)
   --security-opt list  Accepted for compatibility; without effect
   --shm-size bytes  Shared memory size for build containers
   --squash  Not supported
   --ssh list  SSH agent socket or keys to expose to the build (default, id=path[,path])
-t --tag list  Name and optionally a tag (name:tag)
   --target string  Set the target build stage to build
   --ulimit ulimit  Ulimit options
   --why  Say for every step why it was cached or not, and which files changed
""")


def build(context: Context, options: Options, arguments: list[str]) -> int:
    """Build what a Dockerfile says."""
    from wherry.cli.build.perform import perform  # noqa: PLC0415 - much that --help does not need

    return perform(context, options, arguments[0])


BUILD = Command(
    "[OPTIONS] PATH | URL | -",
    "Build an image from a Dockerfile",
    build,
    flags=FLAGS,
    minimum=1,
    maximum=1,
    examples="""
    -t app .                                  the Dockerfile of this directory
    -t app -f deploy/Dockerfile --target test .
    --secret id=token,env=TOKEN --ssh default -t app .
    --why .                                   and why each step was not cached
    --check .                                 what could be better in the Dockerfile
    -o out .                                  the files of the result, into ./out
    - < Dockerfile                            without any files
    https://github.com/user/project.git#main:docker
    """,
)
