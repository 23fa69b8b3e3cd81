#!/usr/bin/env python3
"""Serves one folder over HTTP as badly as asked, for the tests of downloads.

    server.py FOLDER     prints its port; a line a request goes to FOLDER/requests: path, Range, If-Range, status

What it does is in FOLDER/behaviour.json, read at each request: {"cut": bytes after which the connection is dropped, once a request
while "cuts" > 0; "ranges": false to ignore them; "tag": the ETag; "status": an answer in place of the file, while "failures" > 0;
"redirect": true; "slow": seconds before the second half}.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder = sys.argv[1]


def behaviour():
    try:
        with open(folder + "/behaviour.json") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def store(changed):
    with open(folder + "/behaviour.json.new", "w") as file:
        json.dump(changed, file)
    os.rename(folder + "/behaviour.json.new", folder + "/behaviour.json")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, status):
        with open(folder + "/requests", "a") as file:
            file.write(f"{self.path} {self.headers.get('Range', '-')} {self.headers.get('If-Range', '-')} {status}\n")

    def answer(self, status, headers=(), body=b""):
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        rules = behaviour()
        if rules.get("failures", 0) > 0:
            store({**rules, "failures": rules["failures"] - 1})
            return self.answer(rules["status"])
        if rules.get("redirect") and not self.path.startswith("/moved"):
            return self.answer(302, [("Location", "/moved" + self.path)])
        try:
            with open(folder + "/files" + self.path.removeprefix("/moved"), "rb") as file:
                content = file.read()
        except OSError:
            return self.answer(404)
        tag = rules.get("tag", '"one"')
        start, status = 0, 200
        wanted = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if wanted and rules.get("ranges", True) and condition in (None, tag):
            start, status = int(wanted.removeprefix("bytes=").split("-")[0]), 206
            if start >= len(content):
                return self.answer(416, [("Content-Range", f"bytes */{len(content)}")])
        self.note(status)
        self.send_response(status)
        if tag:
            self.send_header("ETag", tag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if rules.get("cuts", 0) > 0:
            store({**rules, "cuts": rules["cuts"] - 1})
            self.wfile.write(body[: rules["cut"]])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        half = len(body) // 2 if rules.get("slow") else 0
        self.wfile.write(body[:half])
        self.wfile.flush()
        if half:
            time.sleep(rules["slow"])
        try:
            self.wfile.write(body[half:])
        except OSError:
            pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
