"""RUN, SHELL, USER and WORKDIR: what runs, as whom, where, and what it leaves."""

from __future__ import annotations

from compat.build.cases.model import BY_NOBODY, Case, Like, a_file, a_folder, classic_differs

RUN = (
    Case(
        name="run-shell-form",
        dockerfile="""
            FROM busybox
            RUN echo "$0" >/zero; echo a   b >/words; echo 'c   d' >>/words
            """,
        tree={"/zero": "/bin/sh\n", "/words": "a b\nc   d\n"},
    ),
    Case(
        name="run-exec-form",
        dockerfile="""
            FROM busybox
            RUN ["touch", "/two words", "/a;b", "/$HOME"]
            """,
        tree={"/two words": "", "/a;b": "", "/$HOME": ""},
    ),
    Case(
        name="run-json-that-is-none-is-shell",
        dockerfile="""
            FROM busybox
            RUN [ -d /bin ] && echo yes >/out
            """,
        tree={"/out": "yes\n"},
    ),
    Case(
        name="run-json-in-single-quotes-is-shell",
        dockerfile="""
            FROM busybox
            RUN ['touch', '/x'] || echo refused >/out
            """,
        tree={"/out": "refused\n", "/x": None},
    ),
    Case(
        name="run-prints",
        dockerfile="""
            FROM busybox
            RUN echo out-$((40 + 2)); echo err-$((40 + 3)) >&2
            """,
        prints=("out-42", "err-43"),
        also_own_client=True,
    ),
    Case(
        name="run-long-and-continued",
        dockerfile=r"""
            FROM busybox
            RUN set -e; \
                for i in 1 2 3; do \
                    echo "line $i" >>/out; \
                done; \
                test -s /out
            """,
        tree={"/out": "line 1\nline 2\nline 3\n"},
    ),
    Case(
        name="run-environment",
        dockerfile="""
            FROM busybox
            ENV B=2
            ARG A=1
            RUN env | grep -v -e ^HOSTNAME= -e ^SHLVL= | sort >/env
            """,
        tree={
            "/env": "A=1\nB=2\nHOME=/root\n"
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\n"
        },
    ),
    Case(
        name="run-has-no-input",
        dockerfile="""
            FROM busybox
            RUN cat >/out; test -t 0 || echo none >>/out
            """,
        tree={"/out": "none\n"},
    ),
    Case(
        name="run-umask-and-limits",
        dockerfile="""
            FROM busybox
            RUN umask >/out; id -u >>/out; id -G >>/out
            """,
        tree={"/out": "0022\n0\n0 10\n"},
    ),
    Case(
        name="run-leaves-no-traces-of-its-container",
        dockerfile="""
            FROM busybox
            RUN ls /dev /proc /sys /etc >/dev/null
            """,
        tree={"/etc/resolv.conf": None, "/etc/hosts": None, "/.dockerenv": None, "/dev/null": None},
    ),
    Case(
        name="run-processes-left-behind-end",
        dockerfile="""
            FROM busybox
            RUN (sleep 1000 &) ; echo done >/out
            """,
        tree={"/out": "done\n"},
    ),
    Case(
        name="run-network-none",
        dockerfile="""
            FROM busybox
            RUN --network=none ls /sys/class/net | grep -v -x -e tunl0 -e sit0 >/out
            """,
        tree={"/out": "lo\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="run-network-default",
        dockerfile="""
            FROM busybox
            RUN --network=default ls /sys/class/net | grep -x eth0 >/out
            """,
        tree={"/out": "eth0\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="run-network-of-the-command-line",
        dockerfile="""
            FROM busybox
            RUN ls /sys/class/net | grep -x -e lo -e eth0 >/out
            """,
        flags=("--network", "none"),
        tree={"/out": "lo\n"},
        also_own_client=True,
    ),
    Case(
        name="run-extra-hosts",
        dockerfile="""
            FROM busybox
            RUN grep -w here /etc/hosts | tr -s '\\t ' ' ' >/out
            """,
        flags=("--add-host", "here:10.1.2.3"),
        tree={"/out": "10.1.2.3 here\n"},
        also_own_client=True,
    ),
    Case(
        name="run-security-insecure-not-allowed",
        dockerfile="""
            FROM busybox
            RUN --security=insecure true
            """,
        fails="security.insecure is not allowed",
        judges=BY_NOBODY,
    ),
    Case(
        name="run-may-do-what-containers-may",
        dockerfile="""
            FROM busybox
            RUN mknod /null c 1 3 && mkfifo /fifo && chown 1:1 /fifo && chmod 4755 /bin/busybox
            """,
        tree={
            "/fifo": Like("fifo", owner=(1, 1), mode=0o644),
            "/null": Like("character", mode=0o644),
            "/bin/busybox": a_file(mode=0o4755),
        },
    ),
)

SHELL = (
    Case(
        name="shell-for-run-and-commands",
        dockerfile="""
            FROM busybox
            SHELL ["/bin/sh", "-e", "-c"]
            RUN echo "$-" | grep -q e && echo yes >/out
            CMD one two
            ENTRYPOINT three
            HEALTHCHECK CMD four
            """,
        config={
            "Shell": ["/bin/sh", "-e", "-c"],
            "Cmd": ["/bin/sh", "-e", "-c", "one two"],
            "Entrypoint": ["/bin/sh", "-e", "-c", "three"],
        },
        tree={"/out": "yes\n"},
    ),
    Case(
        name="shell-changed-twice",
        dockerfile="""
            FROM busybox
            SHELL ["/bin/busybox", "echo"]
            RUN printed by echo
            SHELL ["/bin/sh", "-c"]
            RUN echo shell >/out
            """,
        config={"Shell": ["/bin/sh", "-c"]},
        tree={"/out": "shell\n"},
        prints=("printed by echo",),
    ),
    Case(
        name="shell-of-the-base",
        dockerfile="""
            FROM base-shell
            RUN echo "$-" | grep -q e && echo yes >/out
            CMD x
            """,
        bases=("base-shell",),
        config={"Shell": ["/bin/sh", "-e", "-c"], "Cmd": ["/bin/sh", "-e", "-c", "x"]},
        tree={"/out": "yes\n"},
    ),
    Case(
        name="shell-not-for-exec-form",
        dockerfile="""
            FROM busybox
            SHELL ["/bin/false"]
            RUN ["touch", "/out"]
            CMD ["x"]
            """,
        config={"Cmd": ["x"]},
        tree={"/out": ""},
    ),
)

USER = (
    Case(
        name="user-by-name",
        dockerfile="""
            FROM busybox
            USER nobody
            RUN id -u >/tmp/out; id -g >>/tmp/out; echo $HOME >>/tmp/out
            """,
        config={"User": "nobody"},
        tree={"/tmp/out": a_file("65534\n65534\n/home\n", owner=(65534, 65534))},
    ),
    Case(
        name="user-by-number-and-group",
        dockerfile="""
            FROM busybox
            USER 12:34
            RUN id -u >/tmp/out; id -G >>/tmp/out; echo $HOME >>/tmp/out
            """,
        config={"User": "12:34"},
        tree={"/tmp/out": a_file("12\n34\n/\n", owner=(12, 34))},
    ),
    Case(
        name="user-with-group-by-name",
        dockerfile="""
            FROM busybox
            USER nobody:wheel
            RUN id -u >/tmp/out; id -g >>/tmp/out
            """,
        tree={"/tmp/out": a_file("65534\n10\n", owner=(65534, 10))},
    ),
    Case(
        name="user-made-before",
        dockerfile="""
            FROM busybox
            RUN echo 'made:x:77:78::/made:/bin/sh' >>/etc/passwd && mkdir -m 777 /made
            USER made
            RUN id -un >/made/out; echo $HOME >>/made/out
            """,
        tree={"/made/out": a_file("made\n/made\n", owner=(77, 78))},
    ),
    Case(
        name="user-changes-back",
        dockerfile="""
            FROM busybox
            USER nobody
            RUN touch /tmp/nobody
            USER root
            RUN touch /root/root
            """,
        config={"User": "root"},
        tree={"/tmp/nobody": a_file(owner=(65534, 65534)), "/root/root": a_file(owner=(0, 0))},
    ),
    Case(
        name="user-of-the-base",
        dockerfile="""
            FROM base-rich
            RUN id -u >/tmp/out
            """,
        bases=("base-rich",),
        config={"User": "nobody"},
        tree={"/tmp/out": "65534\n", "/base-volume": None},
        differs=classic_differs(
            "the classic builder leaves mount points of volumes", "/base-volume"
        ),
    ),
    Case(
        name="user-does-not-own-what-is-copied",
        dockerfile="""
            FROM busybox
            USER nobody
            COPY a /a
            ADD a /b
            """,
        context={"a": "A"},
        tree={"/a": a_file("A", owner=(0, 0)), "/b": a_file("A", owner=(0, 0))},
    ),
    Case(
        name="user-unknown",
        dockerfile="""
            FROM busybox
            USER stranger
            RUN true
            """,
        fails="unable to find user stranger: no matching entries in passwd file",
    ),
    Case(
        name="user-unknown-but-not-used",
        dockerfile="""
            FROM busybox
            USER stranger
            """,
        config={"User": "stranger"},
    ),
    Case(
        name="user-may-not-write",
        dockerfile="""
            FROM busybox
            USER nobody
            RUN touch /file || echo refused >/tmp/out
            """,
        tree={"/file": None, "/tmp/out": "refused\n"},
    ),
)

WORKDIR = (
    Case(
        name="workdir-made",
        dockerfile="""
            FROM busybox
            WORKDIR /a/b/c
            RUN pwd >out
            """,
        config={"WorkingDir": "/a/b/c"},
        tree={"/a": a_folder(0o755, (0, 0)), "/a/b/c/out": "/a/b/c\n"},
    ),
    Case(
        name="workdir-relative",
        dockerfile="""
            FROM busybox
            WORKDIR a
            WORKDIR b/c
            WORKDIR ../d
            """,
        config={"WorkingDir": "/a/b/d"},
        tree={"/a/b/c": a_folder(), "/a/b/d": a_folder()},
    ),
    Case(
        name="workdir-cleaned",
        dockerfile="""
            FROM busybox
            WORKDIR //a/./b//../c/
            WORKDIR ../../../..
            WORKDIR x/
            """,
        config={"WorkingDir": "/x"},
        tree={"/a/c": a_folder(), "/x": a_folder(), "/a/b": None},
    ),
    Case(
        name="workdir-that-is-there",
        dockerfile="""
            FROM base-tree
            WORKDIR /d/sub
            """,
        bases=("base-tree",),
        config={"WorkingDir": "/d/sub"},
        tree={"/d/sub": a_folder(0o750, (7, 8))},
    ),
    Case(
        name="workdir-behind-a-user",
        dockerfile="""
            FROM busybox
            USER nobody
            WORKDIR /own/dir
            """,
        tree={"/own": a_folder(0o755, (65534, 65534)), "/own/dir": a_folder(0o755, (65534, 65534))},
        differs=classic_differs("only BuildKit gives it to the user", "/own", "/own/dir"),
    ),
    Case(
        name="workdir-with-blanks",
        dockerfile="""
            FROM busybox
            WORKDIR /two words
            RUN pwd >out
            """,
        config={"WorkingDir": "/two words"},
        tree={"/two words/out": "/two words\n"},
    ),
    Case(
        name="workdir-for-copy-and-add",
        dockerfile="""
            FROM busybox
            WORKDIR /w
            COPY a .
            COPY a b/
            ADD a c
            """,
        context={"a": "A"},
        tree={"/w/a": "A", "/w/b/a": "A", "/w/c": "A"},
    ),
    Case(
        name="workdir-of-the-base",
        dockerfile="""
            FROM base-rich
            WORKDIR below
            COPY a a
            """,
        bases=("base-rich",),
        context={"a": "A"},
        config={"WorkingDir": "/base-dir/below"},
        tree={"/base-dir/below": a_folder(0o755, (65534, 65534)), "/base-dir/below/a": "A"},
        differs=classic_differs("only BuildKit gives it to the user", "/base-dir/below"),
    ),
    Case(
        name="workdir-through-a-link",
        dockerfile="""
            FROM base-links
            WORKDIR /to-dir/new
            RUN pwd -P >out
            """,
        bases=("base-links",),
        config={"WorkingDir": "/to-dir/new"},
        tree={"/real/new/out": "/real/new\n", "/to-dir": Like("link", target="/real")},
    ),
    Case(
        name="workdir-that-is-a-file",
        dockerfile="""
            FROM base-tree
            WORKDIR /f
            """,
        bases=("base-tree",),
        fails="/f",
        fails_there="Cannot mkdir: /f is not a directory",
    ),
    Case(
        name="workdir-removed-before-run",
        dockerfile="""
            FROM busybox
            WORKDIR /w
            RUN rmdir /w
            RUN pwd >/out
            """,
        tree={"/out": "/w\n", "/w": a_folder()},
    ),
)

CASES = (*RUN, *SHELL, *USER, *WORKDIR)
