"""Frames between harness and worker, as bench/message.c has them: one JSON object and one block of bytes."""

import json
import os
import socket
import struct

MAGIC = 0x47534D4252
HEAD = struct.Struct("=QQQ")  # magic, bytes of JSON, bytes of the block

# Of resbench/status.h.
OK, USAGE, INPUT, OUTPUT, MEMORY, UNSUPPORTED, ENGINE = range(7)


class Refused(Exception):
    """A request that fails with one sentence."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


def take_socket() -> socket.socket:
    """The one that is standard input, out of the way of libraries that read."""
    connection = socket.socket(fileno=os.dup(0))
    connection.setblocking(True)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return connection


def read_exactly(connection: socket.socket, count: int) -> bytearray | None:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = connection.recv_into(view)
        if got == 0:
            return None  # the harness has closed its end
        view = view[got:]
    return data


def receive(connection: socket.socket) -> tuple[dict, bytearray] | None:
    head = read_exactly(connection, HEAD.size)
    if head is None:
        return None
    magic, json_bytes, block_bytes = HEAD.unpack(head)
    if magic != MAGIC:
        return None
    text = read_exactly(connection, json_bytes)
    block = read_exactly(connection, block_bytes)
    if text is None or block is None:
        return None
    return json.loads(text), block


def send(connection: socket.socket, answer: dict, block: bytes = b"") -> None:
    text = json.dumps(answer, allow_nan=False).encode()
    connection.sendall(HEAD.pack(MAGIC, len(text), len(block)) + text)
    if block:  # else the harness may have gone by now
        connection.sendall(block)
