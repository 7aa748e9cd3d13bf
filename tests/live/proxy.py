#!/usr/bin/env python3
"""A proxy before a server on this machine, by TLS where it has a certificate, for tests.

    proxy.py SERVER_PORT LOG [--tls CERTIFICATE KEY] [--block PATH]...

Writes its port to standard output, and each request's first line, with " +key" when it came with one, to
LOG. A blocked path is not found. What the server sends goes on as it comes.
"""
import argparse
import socket
import ssl
import threading

arguments = argparse.ArgumentParser()
arguments.add_argument("server", type=int)
arguments.add_argument("log")
arguments.add_argument("--tls", nargs=2)
arguments.add_argument("--block", action="append", default=[])
options = arguments.parse_args()

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
context = None
if options.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*options.tls)


def receive(client):
    """A request as it came, whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(65536)
        if not part:
            return b""
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    length = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
              if line.lower().startswith(b"content-length:")]
    while length and len(body) < length[0]:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def serve(client):
    with client:
        if context:
            try:
                client = context.wrap_socket(client, server_side=True)
            except (ssl.SSLError, OSError):
                return
        request = receive(client)
        if not request:
            return
        line = request.split(b"\r\n", 1)[0].decode()
        key = " +key" if b"\r\nauthorization: bearer " in request.lower() else ""
        with open(options.log, "a", encoding="utf-8") as log:
            log.write(line + key + "\n")
        if line.split()[1].split("?")[0] in options.block:
            client.sendall(NOT_FOUND)
        else:
            with socket.create_connection(("127.0.0.1", options.server)) as server:
                server.sendall(request)
                while part := server.recv(65536):
                    client.sendall(part)
        if context:
            try:
                client = client.unwrap()
            except (ssl.SSLError, OSError):
                pass
        client.close()


with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
