"""A backend that knows the plain native frames and nothing else, with a menu of manners.

python plain.py MANNER: ready, silent (no ready frame), mute (ignores $/hello), garbage, lenient
(any command succeeds).
"""

import json
import os
import sys
import time
import traceback

manner = sys.argv[1] if len(sys.argv) > 1 else "ready"
wire = sys.stdout.buffer


def send(value):
    wire.write(json.dumps(value).encode() + b"\0")
    wire.flush()


def handle(cmd, params):
    if cmd == "add":
        return params["a"] + params["b"]
    if cmd == "echo":
        return params
    if cmd == "fail":
        raise ValueError("as you wish")
    if cmd == "rows":
        return list(range(params["n"]))
    if cmd == "tick":
        for n in range(params["n"]):
            send({"cmd": "tick", "status": "event", "result": {"n": n}})
        return params["n"]
    if cmd == "sleep":
        time.sleep(params["seconds"])
        return "slept"
    if cmd == "die":
        sys.stderr.write("last words\n")
        sys.stderr.flush()
        os._exit(params["code"])
    if cmd == "garbage":
        wire.write(b"this is no frame\0{broken\0\xff\xfe\0")
        wire.flush()
        return "sorry"
    if manner == "lenient":
        return None
    raise LookupError("unknown command " + cmd)


if manner == "garbage":
    wire.write(b"Welcome to my backend!\nLoading...\n\0")
    wire.flush()
if manner != "silent":
    send({"id": 0, "status": "success", "result": {"status": "ready", "python_version": "3.x"}})
for line in sys.stdin:
    request = json.loads(line)
    if manner == "mute" and request["cmd"].startswith("$/"):
        continue
    reply = {"id": request.get("id")}
    try:
        reply["result"] = (
            handle(request["cmd"], request.get("params")) if request["cmd"] != "shutdown" else {}
        )
        reply["status"] = "success"
    except Exception as error:
        reply.update(status="error", error=str(error), traceback=traceback.format_exc())
    send(reply)
    if request["cmd"] == "shutdown":
        break
