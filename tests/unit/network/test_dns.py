"""DNS messages, judged by another implementation of DNS."""

from __future__ import annotations

import pytest
from dnslib import EDNS0, QTYPE, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from wherry.network import dns

LABEL = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_", min_size=1, max_size=63)
NAME = st.lists(LABEL, min_size=1, max_size=6).map(".".join).filter(lambda name: len(name) < 250)


def parsed(data: bytes) -> dns.Query:
    query = dns.parse(data)
    assert query is not None
    return query


@given(NAME, st.sampled_from(["A", "AAAA", "PTR", "MX", "TXT", "SRV", "ANY"]))
def test_what_another_writes_is_read(name: str, kind: str) -> None:
    query = parsed(bytes(DNSRecord.question(name, kind).pack()))
    assert (query.name, query.kind) == (name.lower(), QTYPE.reverse[kind])
    assert (query.internet, query.recursion, query.largest) == (True, True, 512)


@given(NAME, st.integers(0, 5))
def test_what_is_written_another_reads(name: str, count: int) -> None:
    asked = DNSRecord.question(name)
    records = [(dns.A, bytes([10, 0, 0, number])) for number in range(count)]
    reply = DNSRecord.parse(dns.reply(parsed(bytes(asked.pack())), records, ttl=600))
    assert reply.header.id == asked.header.id
    assert (reply.header.qr, reply.header.aa, reply.header.ra, reply.header.rd) == (1, 1, 1, 1)
    assert str(reply.q.qname) == str(asked.q.qname)
    assert [str(one.rdata) for one in reply.rr] == [f"10.0.0.{n}" for n in range(count)]
    assert all(one.rname == asked.q.qname and one.ttl == 600 for one in reply.rr)


@given(NAME)
def test_a_name_is_an_answer(name: str) -> None:
    query = parsed(bytes(DNSRecord.question("1.0.0.10.in-addr.arpa", "PTR").pack()))
    reply = DNSRecord.parse(dns.reply(query, [(dns.PTR, dns.encoded_name(name))]))
    assert str(reply.rr[0].rdata) == f"{name}."


@pytest.mark.parametrize("name", ["a" * 300, "b." * 300, "", ".", "a..b", "x\udcff"])
def test_a_name_that_is_none_is_still_a_message(name: str) -> None:
    query = parsed(bytes(DNSRecord.question("1.0.0.10.in-addr.arpa", "PTR").pack()))
    DNSRecord.parse(dns.reply(query, [(dns.PTR, dns.encoded_name(name))]))


@given(st.binary(max_size=600))
def test_noise_is_no_query_or_one_that_can_be_answered(data: bytes) -> None:
    query = dns.parse(data)
    if query is not None:
        assert dns.reply(query, [(dns.A, bytes(4))])[:2] == data[:2]


@given(st.binary(max_size=40), st.integers(0, 40))
def test_changed_queries_are_none_or_can_be_answered(noise: bytes, at: int) -> None:
    data = bytearray(DNSRecord.question("some.name.example").pack())
    data[at : at + len(noise)] = noise
    query = dns.parse(bytes(data))
    if query is not None:
        dns.reply(query, code=dns.SERVER_FAILURE)


@pytest.mark.parametrize("size", [512, 100, 1232, 4096, 65535])
def test_the_announced_size_counts_from_512_on(size: int) -> None:
    asked = DNSRecord.question("web")
    asked.add_ar(EDNS0(udp_len=size))
    assert parsed(bytes(asked.pack())).largest == max(size, 512)


def test_what_does_not_fit_is_left_out_and_said() -> None:
    query = parsed(bytes(DNSRecord.question("web").pack()))
    reply = dns.reply(query, [(dns.A, bytes(4))] * 100, largest=512)
    assert len(reply) <= 512
    read = DNSRecord.parse(reply)
    assert (read.header.tc, len(read.rr)) == (1, (512 - 12 - 9) // 16)
    assert len(dns.reply(query, [(dns.A, bytes(4))] * 9000)) <= 65535


def test_codes_are_read_of_answers_only() -> None:
    query = parsed(bytes(DNSRecord.question("web").pack()))
    assert dns.response_code(dns.reply(query, code=dns.REFUSED)) == dns.REFUSED
    assert dns.response_code(bytes(DNSRecord.question("web").pack())) is None
    assert dns.response_code(b"short") is None


def test_a_dot_in_a_label_is_no_separator() -> None:
    data = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"\x07web.net\0" + b"\0\1\0\1"
    assert parsed(data).name == "web\\.net"
