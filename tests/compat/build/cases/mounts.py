"""RUN --mount: what a step sees for its time, and that nothing of it stays."""

from __future__ import annotations

from compat.build.cases.model import BY_BUILDAH, BY_NOBODY, Case

CASES = (
    Case(
        name="mount-bind-of-the-context",
        dockerfile="""
            FROM busybox
            RUN --mount=type=bind,source=dir,target=/m cat /m/x >/out
            """,
        context={"dir/x": "x"},
        tree={"/out": "x", "/m/x": None},
        judges=BY_BUILDAH,
    ),
    Case(
        name="mount-bind-is-the-default",
        dockerfile="""
            FROM busybox
            RUN --mount=target=/m ls /m | sort >/out
            """,
        context={"a": "", "b": ""},
        tree={"/out": "Dockerfile\na\nb\n"},
        judges=BY_BUILDAH,
    ),
    Case(
        name="mount-bind-of-a-file",
        dockerfile="""
            FROM busybox
            RUN --mount=type=bind,source=a,target=/somewhere/file cat /somewhere/file >/out
            """,
        context={"a": "A"},
        tree={"/out": "A"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-bind-is-read-only",
        dockerfile="""
            FROM busybox
            RUN --mount=target=/m touch /m/new || echo refused >/out
            """,
        tree={"/out": "refused\n"},
        judges=BY_BUILDAH,
    ),
    Case(
        name="mount-bind-writable-is-thrown-away",
        dockerfile="""
            FROM busybox
            RUN --mount=target=/m,rw echo new >/m/a && cat /m/a >/out
            RUN --mount=target=/m cat /m/a >>/out
            """,
        context={"a": "old\n"},
        tree={"/out": "new\nold\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-bind-from-a-stage",
        dockerfile="""
            FROM busybox AS made
            RUN mkdir /lib && echo lib >/lib/x
            FROM busybox
            RUN --mount=type=bind,from=made,source=/lib,target=/lib cat /lib/x >/out
            """,
        tree={"/out": "lib\n", "/lib/x": None},
        judges=BY_BUILDAH,
    ),
    Case(
        name="mount-bind-from-an-image",
        dockerfile="""
            FROM busybox
            RUN --mount=from=base-tree,target=/base cat /base/d/one >/out
            """,
        bases=("base-tree",),
        tree={"/out": "1\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-relative-to-workdir",
        dockerfile="""
            FROM busybox
            WORKDIR /w
            RUN --mount=target=m cat /w/m/a >/out
            """,
        context={"a": "A"},
        tree={"/out": "A"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-cache-keeps-between-steps",
        dockerfile="""
            FROM busybox
            RUN --mount=type=cache,target=/cache echo kept >/cache/x
            RUN --mount=type=cache,target=/cache cat /cache/x >/out
            """,
        tree={"/out": "kept\n", "/cache/x": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-cache-by-id",
        dockerfile="""
            FROM busybox
            RUN --mount=type=cache,id=mount-cache-by-id,target=/one echo kept >/one/x
            RUN --mount=type=cache,id=mount-cache-by-id,target=/two cat /two/x >/out
            RUN --mount=type=cache,id=mount-cache-other,target=/one ls /one >>/out
            """,
        tree={"/out": "kept\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-cache-mode-and-owner",
        dockerfile="""
            FROM busybox
            RUN --mount=type=cache,target=/owned,mode=0700,uid=12,gid=34 \\
                stat -c '%a %u %g' /owned >/out
            """,
        tree={"/out": "700 12 34\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-cache-private-and-locked",
        dockerfile="""
            FROM busybox
            RUN --mount=type=cache,target=/p,sharing=private echo p >/p/x && cat /p/x >/out
            RUN --mount=type=cache,target=/l,sharing=locked echo l >/l/x && cat /l/x >>/out
            """,
        tree={"/out": "p\nl\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-cache-filled-from-a-stage",
        dockerfile="""
            FROM busybox AS seed
            RUN mkdir /s && echo seed >/s/x
            FROM busybox
            RUN --mount=type=cache,id=mount-cache-filled,target=/c,from=seed,source=/s \\
                cat /c/x >/out
            """,
        tree={"/out": "seed\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-tmpfs",
        dockerfile="""
            FROM busybox
            RUN --mount=type=tmpfs,target=/t grep ' /t ' /proc/mounts | cut -d' ' -f3 >/out \\
                && echo x >/t/x
            """,
        tree={"/out": "tmpfs\n", "/t/x": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-tmpfs-hides",
        dockerfile="""
            FROM base-tree
            RUN --mount=type=tmpfs,target=/d ls -A /d >/out
            """,
        bases=("base-tree",),
        tree={"/out": "", "/d/one": "1\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-secret",
        dockerfile="""
            FROM busybox
            RUN --mount=type=secret,id=key cat /run/secrets/key >/out
            """,
        secrets={"key": "hidden"},
        tree={"/out": "hidden", "/run/secrets/key": None},
        judges=BY_BUILDAH,
        own_client=True,
    ),
    Case(
        name="mount-secret-with-target-mode-owner",
        dockerfile="""
            FROM busybox
            RUN --mount=type=secret,id=key,target=/k,mode=0440,uid=3,gid=4 \\
                stat -c '%a %u %g' /k >/out && cat /k >>/out
            """,
        secrets={"key": "hidden"},
        tree={"/out": "440 3 4\nhidden"},
        judges=BY_NOBODY,
        own_client=True,
    ),
    Case(
        name="mount-secret-as-variable",
        dockerfile="""
            FROM busybox
            RUN --mount=type=secret,id=key,env=KEY echo "$KEY" >/out
            RUN echo "[$KEY]" >>/out
            """,
        secrets={"key": "hidden"},
        tree={"/out": "hidden\n[]\n"},
        judges=BY_NOBODY,
        own_client=True,
    ),
    Case(
        name="mount-secret-missing",
        dockerfile="""
            FROM busybox
            RUN --mount=type=secret,id=absent test -e /run/secrets/absent || echo none >/out
            """,
        tree={"/out": "none\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-secret-required",
        dockerfile="""
            FROM busybox
            RUN --mount=type=secret,id=absent,required=true true
            """,
        fails="absent: not found",
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-ssh-required",
        dockerfile="""
            FROM busybox
            RUN --mount=type=ssh,required=true true
            """,
        fails="ssh",
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-several",
        dockerfile="""
            FROM busybox
            RUN --mount=type=bind,source=a,target=/a --mount=type=tmpfs,target=/t \\
                --mount=type=cache,target=/c cp /a /t/a && cp /t/a /c/a && cat /c/a >/out
            """,
        context={"a": "A"},
        tree={"/out": "A"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-with-arguments",
        dockerfile="""
            FROM busybox
            ARG WHERE=/m
            RUN --mount=target=$WHERE cat /m/a >/out
            """,
        context={"a": "A"},
        tree={"/out": "A"},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-points-are-not-kept",
        dockerfile="""
            FROM busybox
            RUN --mount=type=tmpfs,target=/made/for/mount true
            """,
        tree={"/made": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-without-target",
        dockerfile="""
            FROM busybox
            RUN --mount=type=cache,id=x true
            """,
        fails="target",
        judges=BY_BUILDAH,
    ),
    Case(
        name="mount-of-an-unknown-type",
        dockerfile="""
            FROM busybox
            RUN --mount=type=strange,target=/x true
            """,
        fails="strange",
        judges=BY_BUILDAH,
    ),
    Case(
        name="mount-with-an-unknown-key",
        dockerfile="""
            FROM busybox
            RUN --mount=type=bind,targe=/x true
            """,
        fails="unexpected key 'targe'",
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-source-not-found",
        dockerfile="""
            FROM busybox
            RUN --mount=source=absent,target=/x true
            """,
        fails='"/absent": not found',
        judges=BY_NOBODY,
    ),
)
