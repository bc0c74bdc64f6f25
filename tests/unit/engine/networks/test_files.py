"""The files of names that containers get."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.engine.networks import files


def test_hosts_has_the_usual_lines_extra_ones_and_its_own() -> None:
    extra = ["db:10.0.0.9", "six=::1", "old:[2001:db8::1]", "here:host-gateway"]
    text = files.hosts(extra, ["172.17.0.2"], "web", "example.org", "172.17.0.1")
    assert text.startswith("127.0.0.1\tlocalhost\n")
    assert text.endswith(
        "10.0.0.9\tdb\n::1\tsix\n2001:db8::1\told\n172.17.0.1\there\n"
        "172.17.0.2\tweb.example.org web\n"
    )


def test_hosts_of_the_machine_stay_and_extra_ones_follow() -> None:
    text = files.hosts(
        ["db:10.0.0.9"], [], "web", "", "127.0.0.1", "127.0.0.1 localhost\n1.2.3.4 x"
    )
    assert text == "127.0.0.1 localhost\n1.2.3.4 x\n10.0.0.9\tdb\n"


@pytest.mark.parametrize(
    "entry",
    [
        "db", "db:", ":10.0.0.1", "db:10.0.0.256", "db:10.0.0.1\n6.6.6.6 bank", "db:gateway",
        "a b:10.0.0.1", "a\tb=10.0.0.1", "a\n6.6.6.6 bank:10.0.0.1", "a#:10.0.0.1", "a:fe80::1%x\n",
        "a\x00:10.0.0.1",
    ],
)  # fmt: skip
def test_what_would_become_another_line_is_refused(entry: str) -> None:
    with pytest.raises(InvalidError, match=r"add-host"):
        files.split_extra(entry)


HOST = {"nameserver": ["127.0.0.53", "192.0.2.1", "::1"], "search": ["lan"], "options": ["edns0"]}


def test_resolv_conf_leaves_out_what_the_container_cannot_reach() -> None:
    assert files.resolv_conf(HOST) == "nameserver 192.0.2.1\nsearch lan\noptions edns0\n"


def test_resolv_conf_on_the_machines_own_network_is_the_machines() -> None:
    text = files.resolv_conf(HOST, loopback=True)
    assert text.startswith("nameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver ::1\n")


def test_resolv_conf_with_nothing_names_public_servers() -> None:
    text = files.resolv_conf({"nameserver": ["127.0.0.1"]})
    assert text == "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"


def test_resolv_conf_with_the_embedded_resolver() -> None:
    text = files.resolv_conf(
        HOST, embedded="127.0.0.11", servers=["1.1.1.1"], search=["."], options=["ndots:2"]
    )
    assert text == "nameserver 127.0.0.11\noptions ndots:2\n"
    assert "ndots:0" in files.resolv_conf(HOST, embedded="127.0.0.11")
