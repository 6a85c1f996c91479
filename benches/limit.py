#!/usr/bin/env python3
"""The engine's own limit: the calls of the benchmark stack, made bare.

    limit.py N [--parallel 8] [--socket /var/run/docker.sock]

Makes what make-stack.sh describes (networks, volumes, containers; an app starts after its provider), looks at all
of it, and removes it. Prints seconds up, milliseconds of one look (lists and every inspect), seconds down. Touches
only objects named limit-*.
"""
import argparse
import concurrent.futures as futures
import http.client
import json
import socket
import threading
import time

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("n", type=int)
arguments.add_argument("--parallel", type=int, default=8)
arguments.add_argument("--socket", default="/var/run/docker.sock")
arguments = arguments.parse_args()
own = threading.local()


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(arguments.socket)


def call(method, path, body=None):
    if not hasattr(own, "connection"):
        own.connection = Connection("engine")
    data = None if body is None else json.dumps(body)
    own.connection.request(method, "/v1.41" + path, data, {"Content-Type": "application/json"})
    reply = own.connection.getresponse()
    text = reply.read()
    if reply.status >= 400:
        raise SystemExit(f"{method} {path}: {reply.status} {text[:200]!r}")
    return text


def container(name, network):
    return {
        "Image": "coasti-test/tiny:1",
        "Cmd": ["sleep", "86400"],
        "StopSignal": "SIGKILL",
        "Env": [f"E{k}=value-{k}" for k in range(5)],
        "HostConfig": {"Binds": [f"limit-{name}:/data"], "NetworkMode": network, "RestartPolicy": {"Name": "always"}},
    }


def up(i):
    network = f"limit-n{i}"
    subnet = f"10.{210 + i // 250}.{i % 250}.0/26"
    call("POST", "/networks/create", {"Name": network, "IPAM": {"Config": [{"Subnet": subnet}]}})
    for name in (f"d{i}", f"a{i}"):
        call("POST", "/volumes/create", {"Name": f"limit-{name}"})
        call("POST", f"/containers/create?name=limit-{name}", container(name, network))
        call("POST", f"/containers/limit-{name}/start")


def down(i):
    for name in (f"a{i}", f"d{i}"):
        call("DELETE", f"/containers/limit-{name}?force=1")
    call("DELETE", f"/networks/limit-n{i}")


def look(pool):
    began = time.perf_counter()
    found = json.loads(call("GET", "/containers/json?all=1"))
    call("GET", "/volumes")
    call("GET", "/networks")
    list(pool.map(lambda c: call("GET", f"/containers/{c['Id']}/json"), found))
    return time.perf_counter() - began


with futures.ThreadPoolExecutor(arguments.parallel) as pool:
    apps = range(1, arguments.n // 2 + 1)
    began = time.perf_counter()
    list(pool.map(up, apps))
    seconds_up = time.perf_counter() - began
    looks = sorted(look(pool) for _ in range(7))
    began = time.perf_counter()
    list(pool.map(down, apps))
    seconds_down = time.perf_counter() - began
    for i in apps:
        for name in (f"a{i}", f"d{i}"):
            call("DELETE", f"/volumes/limit-{name}")
print(f"{seconds_up:.2f} {looks[3] * 1000:.1f} {seconds_down:.2f}")
