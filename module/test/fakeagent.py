#!/usr/bin/env python3
"""An agent that is none, for tests of the module alone: fakeagent.py SOCKET [HOW]

It has one token with a key pair, whose signatures are the digest of what was signed, as long as they have to be. With HOW it answers
as an agent never would: see hostile. With "restart" it ends after each answer to LOGIN or CRYPT and is another one from then on."""

import hashlib
import os
import socket
import struct
import sys
import threading

HELLO, SLOTS, LOGIN, LOGOUT, RESUME, INITTOKEN, INITPIN, SETPIN, CLOSE, CLOSEALL, FIND, GET, CREATE, COPY, DESTROY, SET = range(1, 17)
CRYPT, GENERATE, GENERATEPAIR, WRAP, UNWRAP, DERIVE, RANDOM, WAIT = 20, 30, 31, 32, 33, 34, 40, 50
OK, HANDLE_INVALID, PIN_INCORRECT, SIGNATURE_INVALID, SESSION_HANDLE_INVALID = 0, 0x82, 0xA0, 0xC0, 0xB3
USER_ALREADY_LOGGED_IN, USER_ANOTHER_ALREADY_LOGGED_IN = 0x100, 0x104
NONE = 2**64 - 1
RSA, EC, AES = 0, 3, 0x1F


def n(*numbers):
    return struct.pack("=%dQ" % len(numbers), *numbers)


def s(text):
    return n(len(text)) + text


def padded(text, width):
    return text.encode().ljust(width)


class Arguments:
    def __init__(self, rest):
        self.rest = rest

    def take(self, count):
        taken, self.rest = self.rest[:count], self.rest[count:]
        assert len(taken) == count, "a request is too short"
        return taken

    def number(self):
        return struct.unpack("=Q", self.take(8))[0]

    def string(self):
        return self.take(self.number())

    def template(self):
        return {self.number(): self.string() for _ in range(self.number())}


def slot():
    info = padded("Fake reader", 64) + padded("Nobody", 32) + n(1) + bytes(8)
    token = padded("fake", 32) + padded("Nobody", 32) + padded("Fake", 16) + padded("0001", 16) + n(0x40D, 0, 0, 0, 0, 15, 6) + n(NONE, NONE, NONE, NONE) + bytes(4) + padded("", 16) + bytes(4)
    every = 0x100 | 0x200 | 0x800 | 0x2000
    mechanisms = [(1, every, RSA), (9, 0x300, RSA), (0xD, 0x2800, RSA), (0x40, 0x2800, RSA), (0x1041, 0x2800, EC), (0x1050, 0x80000, EC),
                  (0x250, 0x400, NONE), (0x260, 0x400, NONE), (0, 0x10000, RSA), (0x80000001, 0x60000, RSA), (0x1082, 0x300, AES), (0x1085, 0x300, AES), (0x1086, 0x300, AES)]
    rows = b"".join(n(type, 1024, 4096, flags, key) for type, flags, key in mechanisms)
    return n(1) + info + token + n(len(mechanisms)) + rows


def record(handle, output, attributes):
    values = b"".join(n(type, NONE) if value is None else n(type) + s(value) for type, value in attributes)
    return n(handle, output, len(attributes)) + values


TRUE, FALSE = b"\1", b"\0"
RECORDS = {
    0x11: record(0x11, 256, [(0, n(2)), (1, TRUE), (3, b"key"), (0x100, n(RSA)), (0x104, TRUE), (0x10A, TRUE), (0x120, bytes(256)), (0x102, b"")]),
    0x12: record(0x12, 256, [(0, n(3)), (1, TRUE), (2, TRUE), (3, b"key"), (0x100, n(RSA)), (0x105, TRUE), (0x107, TRUE), (0x108, TRUE), (0x123, None)]),
    0x13: record(0x13, 64, [(0, n(3)), (3, b"ec"), (0x100, n(EC)), (0x108, FALSE), (0x10C, TRUE)]),
    0x14: record(0x14, 0, [(0, n(0)), (3, b"data"), (0x11, b"some data")]),
    0x15: record(0x15, 0, [(0, n(4)), (0x100, n(AES)), (0x104, TRUE), (0x105, TRUE)]),
    0x17: record(0x17, 256, [(0, n(3)), (0x100, n(RSA)), (0x108, TRUE), (0x40000600, n(0x40, 0x0D) + b"rest")]),
    0x18: record(0x18, 256, [(0, n(3)), (0x100, n(RSA)), (0x108, TRUE), (0x40000600, b""), (0x80000108, n(0))]),
}


CHANGING = 0x16  # its label is set while an answer is on its way that has the old one, until RANDOM is asked for


class Agent:
    def __init__(self, how):
        self.how = how
        self.label, self.asked, self.told = b"old", threading.Event(), threading.Event()
        self.clients = 0
        self.anew()

    def anew(self):
        self.instance = struct.unpack("=Q", os.urandom(8))[0]
        self.generation = 1 + self.instance % 1000
        self.operations = {}
        self.user = None

    def answer(self, call, slot_id, session, a):
        if call == HELLO:
            assert a.number() == 1
            client, _ = a.number(), a.string()
            if client and client >> 32 != self.instance >> 32:
                return SESSION_HANDLE_INVALID, b""
            self.clients += client == 0
            client = client or (self.instance >> 32) << 32 | self.clients
            return OK, n(self.instance, client) + s(b"secret")
        if call == SLOTS:
            return OK, b"" if a.number() == self.generation else n(self.generation, 1) + slot()
        if call == LOGIN:
            kind, pin = a.number(), a.string()
            if kind < 2 and self.user is not None:
                return USER_ALREADY_LOGGED_IN if kind == self.user else USER_ANOTHER_ALREADY_LOGGED_IN, b""
            if pin != b"123456":
                return PIN_INCORRECT, b""
            self.user = kind
            return OK, s(b"ticket")
        if call in (LOGOUT, SETPIN):  # the latter as if another process had set another PIN
            self.user = None
            return OK, b""
        if call == RESUME:
            return (OK, b"") if a.string() == b"ticket" else (PIN_INCORRECT, b"")
        if call == FIND:
            label = a.template().get(3)
            found = [r for r in RECORDS.values() if label is None or s(label) in r]
            return OK, n(len(found)) + b"".join(found)
        if call == GET:
            handle = a.number() & 0xFFFFFFFFFFFF
            if handle == CHANGING:
                found = record(handle, 0, [(0, n(0)), (3, self.label)])
                self.asked.set()
                self.told.wait()
                return OK, found
            return (OK, RECORDS[handle]) if handle in RECORDS else (HANDLE_INVALID, b"")
        if call == CRYPT:
            return self.crypt(session, a)
        if call == CREATE:
            return OK, n(1 << 62 | 0x12)
        if call == COPY:  # an alias, as GET below knows it
            return OK, n(1 << 48 | 0x12)
        if call in (GENERATE, UNWRAP, DERIVE):
            return OK, n(0x12)
        if call == GENERATEPAIR:
            return OK, n(0x11, 0x12)
        if call == WRAP:
            return OK, s(b"wrapped")
        if call == SET and a.number() == CHANGING:
            self.asked.wait()
            self.label = b"new"
            self.generation += 1
        if call == RANDOM:
            self.told.set()
            return OK, s(os.urandom(a.number()))
        if call == WAIT:
            return OK, n(NONE)
        return OK, b""

    def crypt(self, session, a):
        operation, stage, begins = a.number(), a.number(), a.number()
        at = session, operation
        if begins:
            if at in self.operations:
                return 0x90, s(b"")
            self.operations[at] = [a.number(), a.string(), a.number(), hashlib.sha256()]
        data, signature = a.string(), a.string()
        if at not in self.operations:
            return 0x91, s(b"")
        running = self.operations[at][3]
        running.update(data)
        if stage in (1, 3, 4):
            del self.operations[at]
        if stage in (2, 4):
            return OK, s(b"" if operation > 2 else data)
        digest = running.digest()
        if operation == 3:
            return OK, s(digest * 8)
        if operation == 4:
            return OK if signature == digest * 8 else SIGNATURE_INVALID, s(b"")
        return OK, s(digest if operation == 5 else data)


def hostile(how, call, rv, results):
    """The bytes of an answer that no agent gives; None for the end of the connection."""
    body = n(rv, 7) + results
    whole = struct.pack("=II", len(body), 0) + body
    if call == HELLO:
        return whole
    if how == "truncated":  # the results are shorter than they say
        body = body[:-3] if len(body) > 19 else body
        return struct.pack("=II", len(body), 0) + body
    return {
        "ending": None,
        "half": whole[:len(whole) // 2],
        "huge": struct.pack("=II", 2**32 - 1, 0) + body,
        "tiny": struct.pack("=II", 3, 0) + body,
        "longer": whole + b"more",
        "reserved": struct.pack("=II", len(body), 1) + body,
        "counts": struct.pack("=II", 40, 0) + n(0, 7, 2**61, 2**63, 2**64 - 1),
        "lengths": struct.pack("=II", 56, 0) + n(0, 7, 1, 0x12, 256, 1, 2**64 - 2),
        "zeros": struct.pack("=II", 16 + 4096, 0) + n(0, 7) + bytes(4096),
        "empty": struct.pack("=II", 16, 0) + n(0, 7),
        "small": struct.pack("=II", 16, 0) + n(0x150, 7),
        "noise": struct.pack("=II", 16 + 4096, 0) + n(0, 7) + os.urandom(4096),
    }[how]


def receive(connection, count):
    got = b""
    while len(got) < count:
        part = connection.recv(count - len(got))
        if not part:
            return None
        got += part
    return got


def serve(agent, connection):
    while True:
        head = receive(connection, 8)
        if head is None:
            return
        size, call, _ = struct.unpack("=IHH", head)
        body = receive(connection, size)
        if body is None:
            return
        slot_id, session = struct.unpack("=QQ", body[:16])
        generation = agent.generation
        rv, results = agent.answer(call, slot_id, session, Arguments(body[16:]))
        if agent.how not in (None, "restart"):
            out = hostile(agent.how, call, rv, results)
            if out is None:
                return
            connection.sendall(out)
            if agent.how == "half" and call != HELLO:
                return
            continue
        last = agent.how == "restart" and call in (LOGIN, CRYPT)
        if last:  # so that the module cannot write any more when it has the answer
            connection.shutdown(socket.SHUT_RD)
        body = n(rv, generation if call == GET else agent.generation) + results
        if last:
            agent.anew()
        connection.sendall(struct.pack("=II", len(body), 0) + body)
        if last:
            return


def handle(agent, connection):
    with connection:
        try:
            serve(agent, connection)
        except (ConnectionError, BrokenPipeError):
            pass


def main():
    path, how = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    agent, listener = Agent(how), socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(128)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=handle, args=(agent, connection), daemon=True).start()


if __name__ == "__main__":
    main()
