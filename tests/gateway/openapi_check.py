"""Holds docs/openapi.yaml to a running server.

Every documented route and status is exercised, every answer must fit its schema (and have no member that the document does
not know), and every route of the server must be documented.
"""

import argparse
import copy
import http.client
import json
import socket
import sys
import time

import jsonschema
import yaml

METHODS = ("get", "put", "post", "patch", "delete")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("bellhop", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def closed(schema):
    """The schema, in which objects have the members that it names and no others."""
    if isinstance(schema, dict):
        result = {key: closed(value) for key, value in schema.items()}
        if result.get("type") == "object" and isinstance(result.get("properties"), dict):
            result.setdefault("additionalProperties", False)
        return result
    return [closed(each) for each in schema] if isinstance(schema, list) else schema


class Checker:
    def __init__(self, arguments):
        self.arguments = arguments
        with open(arguments.document, encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        strict = copy.deepcopy(self.document)
        strict["components"]["schemas"] = closed(strict["components"]["schemas"])
        strict["paths"] = closed(strict["paths"])
        self.strict = strict
        self.resolver = jsonschema.RefResolver("", strict)
        self.seen = set()
        self.failures = []

    def fail(self, text):
        self.failures.append(text)

    def resolved(self, node):
        while "$ref" in node:
            _, node = self.resolver.resolve(node["$ref"])
        return node

    def connection(self, tcp=False):
        if tcp:
            return http.client.HTTPConnection("127.0.0.1", self.arguments.port, timeout=120)
        return UnixConnection(self.arguments.socket)

    def ask(self, method, path, expected, body=None, tcp=False, headers=None, **values):
        """Asks for a documented path, and holds the answer to the document."""
        target = path.replace("{id}", str(values.get("id", "s"))).replace("{n}", str(values.get("n", 1)))
        target += values.get("query", "")
        headers = dict(headers or {})
        data = None
        if body is not None:
            data = body if isinstance(body, (bytes, str)) else json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = self.connection(tcp)
        connection.request(method, target, data, headers)
        answer = connection.getresponse()
        kind = (answer.headers.get("Content-Type") or "").split(";")[0]
        content = b"" if kind == "text/event-stream" else answer.read()
        connection.close()
        name = f"{method} {path} {answer.status}"
        if answer.status != expected:
            self.fail(f"{name}: expected {expected}: {content[:300]!r}")
            return None
        return self.hold(name, method, path, answer.status, kind, content)

    def hold(self, name, method, path, status, kind, content):
        operation = self.strict["paths"].get(path, {}).get(method.lower())
        if operation is None:
            # A method that is not there: any path's problem will do.
            documented, key = {"$ref": "#/components/responses/Problem"}, "default"
        else:
            responses = operation["responses"]
            key = str(status) if str(status) in responses else "default"
            documented = responses.get(key)
        self.seen.add((method.lower(), path, key))
        documented = self.resolved(documented)
        if "content" not in documented:
            if content:
                self.fail(f"{name}: has a body, documented is none")
            return None
        if kind not in documented["content"]:
            self.fail(f"{name}: is {kind}, documented is {list(documented['content'])}")
            return None
        if not kind.endswith("json"):
            return content
        value = json.loads(content)
        schema = documented["content"][kind]["schema"]
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        for error in validator.iter_errors(value):
            self.fail(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
        return value

    # -- what is compared without asking ------------------------------------------------------------------------------

    def compare_routes(self):
        with open(self.arguments.routes, encoding="utf-8") as file:
            served = {tuple(line.split()) for line in file}
        documented = {(method.upper(), path) for path, item in self.document["paths"].items()
                      for method in item if method in METHODS}
        for method, path in served - documented:
            self.fail(f"{method} {path} is served and not documented")
        for method, path in documented - served:
            self.fail(f"{method} {path} is documented and not served")

    def find_unseen(self):
        for path, item in self.document["paths"].items():
            for method in METHODS:
                for status in item.get(method, {}).get("responses", {}):
                    if status != "default" and (method, path, status) not in self.seen:
                        self.fail(f"{method.upper()} {path} {status} was never seen")


SESSION = "/v1/sessions/{id}"
TRANSFERS = SESSION + "/transfers"
ONE = TRANSFERS + "/{n}"
EVENTS = SESSION + "/events"


def suspended(folder, name="x", **more):
    return {"url": "http://127.0.0.1:9/x", "destination": folder + name, "suspended": True, **more}


def exercise_sessions(c):
    c.ask("GET", "/v1/health", 200)
    c.ask("GET", "/v1/health", 400, query="?x=1")
    c.ask("GET", "/metrics", 200)
    c.ask("PUT", SESSION, 201, {"max_active": 4, "launch": {"arguments": ["/bin/true"], "working_directory": "/",
                                                            "environment": [{"name": "A", "value": "b"}]},
                                "headers": [{"name": "Authorization", "value": "x"}]})
    c.ask("PUT", SESSION, 200)
    c.ask("PUT", SESSION, 400, {"no_such_setting": 1})
    c.ask("PUT", SESSION, 413, b"x" * (1 << 21))
    c.ask("PUT", SESSION, 415, b"{}", headers={"Content-Type": "text/plain"})
    c.ask("GET", "/v1/sessions", 200)
    c.ask("GET", "/v1/sessions", 400, query="?x=1")
    c.ask("GET", SESSION, 200)
    c.ask("GET", SESSION, 400, id="a%20b")
    c.ask("GET", SESSION, 404, id="none")
    for verb in ("pause", "resume"):
        c.ask("POST", f"{SESSION}/{verb}", 200)
        c.ask("POST", f"{SESSION}/{verb}", 404, id="none")
    c.ask("POST", f"{SESSION}/pause", 400, {"x": 1})
    c.ask("POST", SESSION + "/complete", 204)
    c.ask("POST", SESSION + "/complete", 404, id="none")
    c.ask("DELETE", SESSION, 400, query="?mode=x")
    c.ask("DELETE", SESSION, 404, id="none")


def exercise_submits(c, folder):
    full = suspended(folder, "full", conflict="rename", checksum="sha-256:" + "0" * 64, priority=0.25, max_size=1000,
                     earliest_begin="2040-01-01T00:00:00Z", accept_error_responses=True, record_sha256=True,
                     headers=[{"name": "Cookie", "value": "x"}], metadata={"any": ["thing"]})
    first = c.ask("POST", TRANSFERS, 201, full)["id"]
    many = c.ask("POST", TRANSFERS, 200, [suspended(folder), {}, suspended(folder)])
    c.ask("POST", TRANSFERS, 200, json.dumps(suspended(folder)) + "\n{\n",
          headers={"Content-Type": "application/x-ndjson"})
    c.ask("POST", TRANSFERS, 400, "[{},{]")
    c.ask("POST", TRANSFERS, 400, {"url": "x", "destination": folder + "x"})
    c.ask("POST", TRANSFERS, 404, suspended(folder), id="none")
    c.ask("POST", TRANSFERS, 413, b'{"url":"' + b"x" * (1 << 21) + b'"}')
    c.ask("POST", TRANSFERS, 415, b"x", headers={"Content-Type": "text/plain"})
    c.ask("GET", TRANSFERS, 200, query="?state=suspended,queued&limit=1")
    c.ask("GET", TRANSFERS, 400, query="?limit=x")
    c.ask("GET", TRANSFERS, 404, id="none")
    return first, many["ids"][2]


def exercise_transfers(c, first, second):
    c.ask("GET", ONE, 200, n=first)
    c.ask("GET", ONE, 404, n=999999)
    c.ask("PATCH", ONE, 200, {"priority": 1, "earliest_begin": "2041-01-01T00:00:00+01:00"}, n=first)
    c.ask("PATCH", ONE, 400, {}, n=first)
    c.ask("PATCH", ONE, 404, {"priority": 1}, n=999999)
    c.ask("PATCH", ONE, 415, b"{}", headers={"Content-Type": "text/plain"}, n=first)
    c.ask("PATCH", TRANSFERS, 204, {"ids": [first, second], "change": {"max_size": 7}})
    c.ask("PATCH", TRANSFERS, 400, {"ids": [first]})
    c.ask("PATCH", TRANSFERS, 404, {"ids": [999999], "change": {"max_size": 7}})
    for verb in ("pause", "resume", "cancel", "remove"):
        c.ask("POST", f"{TRANSFERS}/{verb}", 400, {"ids": "all"})
        c.ask("POST", f"{TRANSFERS}/{verb}", 404, {"ids": [999999]})
    c.ask("DELETE", ONE, 409, n=first)
    c.ask("DELETE", ONE, 404, n=999999)
    c.ask("POST", f"{TRANSFERS}/remove", 409, {"ids": [first]})
    for verb in ("pause", "resume", "pause"):
        c.ask("POST", f"{TRANSFERS}/{verb}", 204, {"ids": [first]})
        c.ask("POST", f"{ONE}/{verb}", 200, n=first)
        c.ask("POST", f"{ONE}/{verb}", 404, n=999999)
    c.ask("POST", ONE + "/cancel", 400, query="?resume_data=x", n=first)
    c.ask("POST", ONE + "/cancel", 404, n=999999)
    c.ask("POST", ONE + "/cancel", 200, query="?resume_data=true", n=first)
    c.ask("POST", f"{TRANSFERS}/cancel", 204, {"ids": [second]})
    for verb in ("pause", "resume"):
        c.ask("POST", f"{TRANSFERS}/{verb}", 409, {"ids": [first]})
        c.ask("POST", f"{ONE}/{verb}", 409, n=first)
    c.ask("PATCH", ONE, 409, {"priority": 1}, n=first)
    c.ask("PATCH", TRANSFERS, 409, {"ids": [first], "change": {"priority": 1}})


def exercise_failures(c, folder):
    """Cancelling what has failed is a conflict; what fails has an error, in the transfer and in its event."""
    failed = c.ask("POST", TRANSFERS, 201, {"url": "http://127.0.0.1:9/x", "destination": folder + "missing/folder/x"})["id"]
    running = c.ask("POST", TRANSFERS, 201, {"url": c.arguments.url, "destination": folder + "slow.bin"})["id"]
    waiting = c.ask("POST", TRANSFERS, 201, {"url": "http://127.0.0.1:9/y", "destination": folder + "y"})["id"]

    def wait_for(number, state):
        for _ in range(12000):
            found = c.ask("GET", ONE, 200, n=number)
            if found is None or found["state"] == state:
                return
            time.sleep(0.01)
        c.fail(f"transfer {number} never became {state}")

    wait_for(running, "running")
    wait_for(waiting, "waiting")
    wait_for(failed, "failed")
    c.ask("POST", ONE + "/cancel", 409, n=failed)
    c.ask("POST", f"{TRANSFERS}/cancel", 409, {"ids": [failed]})
    c.ask("POST", ONE + "/cancel", 200, query="?resume_data=true", n=running)
    c.ask("GET", TRANSFERS, 200)
    c.ask("DELETE", ONE, 204, n=failed)
    c.ask("POST", f"{TRANSFERS}/remove", 204, {"ids": [running]})


def exercise_events(c):
    stream = {"Accept": "text/event-stream"}
    c.ask("GET", EVENTS, 200, query="?after=0&limit=1000")
    c.ask("GET", EVENTS, 400, query="?limit=x")
    c.ask("GET", EVENTS, 404, id="none")
    held = c.connection()
    held.request("GET", "/v1/sessions/s/events?attach=true&client=held", headers=stream)
    stream_that_is_held = held.getresponse()
    c.ask("GET", EVENTS, 409, query="?attach=true", headers=stream)
    c.ask("GET", EVENTS, 200, query="?attach=true&take_over=true", headers=stream)
    stream_that_is_held.close()
    held.close()
    c.ask("POST", EVENTS + "/ack", 204, {"upto": 1})
    c.ask("POST", EVENTS + "/ack", 400, {"upto": 99999})
    c.ask("POST", EVENTS + "/ack", 404, {"upto": 1}, id="none")


def exercise_access(c):
    own = f"127.0.0.1:{c.arguments.port}"
    token = {"Authorization": "Bearer " + c.arguments.token}
    c.ask("GET", "/v1/health", 200, tcp=True, headers=token)
    c.ask("GET", "/v1/health", 401, tcp=True)
    c.ask("GET", "/v1/health", 403, tcp=True, headers={**token, "Origin": "http://" + own})
    c.ask("DELETE", "/v1/health", 405)
    c.ask("GET", "/v1/health", 431, headers={"X": "x" * 60000, "Y": "y" * 60000})


def main():
    parser = argparse.ArgumentParser()
    for name in ("document", "socket", "token", "routes", "url", "folder"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    c = Checker(arguments)
    c.compare_routes()
    exercise_sessions(c)
    exercise_transfers(c, *exercise_submits(c, arguments.folder))
    exercise_failures(c, arguments.folder)
    exercise_events(c)
    exercise_access(c)
    c.ask("DELETE", SESSION, 202)
    c.ask("POST", TRANSFERS, 409, suspended(arguments.folder))
    c.find_unseen()
    for failure in c.failures:
        print(failure)
    return 1 if c.failures else 0


if __name__ == "__main__":
    sys.exit(main())
