// python-socketio, unmodified: what works, and the trailing id, which a handler with a fixed number of
// parameters cannot take. Without the package on this machine the test is skipped.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API_KEY, Server } from "./harness.mjs";
import { pythonWith, run } from "./python.mjs";
import { SOON, TEST } from "./wait.mjs";

// It prints one JSON object: the transport, what the handlers got, and the errors of handlers.
const CLIENT = `
import json, sys, threading, time
import requests, socketio

url, key, transport = sys.argv[1:]
got, errors = [], []
threading.excepthook = lambda args: errors.append(str(args.exc_value))
sio = socketio.Client()
arrived = threading.Event()

@sio.on("fixed")
def fixed(notification):
    got.append(["fixed", notification["data"]])

@sio.on("rest")
def rest(notification, *more):
    got.append(["rest", notification["data"], len(more)])
    arrived.set()

sio.connect(url, auth={"userId": "py"}, transports=[transport], wait_timeout=60)
subscribed = sio.call("subscribe", {"channels": ["orders"]}, timeout=60)["channels"]
for name in ("fixed", "rest"):
    requests.post(url + "/v1/notifications", headers={"Authorization": "Bearer " + key},
                  json={"target": {"channel": "orders"}, "type": name, "data": 1}).raise_for_status()
arrived.wait(60)
for _ in range(600):
    if len(got) + len(errors) == 2:
        break
    time.sleep(0.1)
print(json.dumps({"transport": sio.transport(), "subscribed": subscribed, "got": sorted(got),
                  "errors": errors}))
sio.disconnect()
`;

for (const transport of ["websocket", "polling"]) {
  for (const recovery of [true, false]) {
    test(`python-socketio, ${transport}, SOCKETIO_RECOVERY=${recovery}`, TEST, async (t) => {
      const python = await pythonWith("socketio", "websocket", "requests");
      if (!python) return t.skip("python-socketio is not installed");
      const server = await Server.start(t, { SOCKETIO_RECOVERY: `${recovery}` });
      const { stdout } = await run(python, ["-c", CLIENT, server.url, API_KEY, transport], {
        timeout: 2 * SOON,
      });
      const { errors, ...result } = JSON.parse(stdout);
      assert.deepEqual(result, {
        transport,
        subscribed: ["orders"],
        got: recovery ? [["rest", 1, 1]] : [["fixed", 1], ["rest", 1, 0]],
      });
      assert.equal(errors.length, recovery ? 1 : 0);
      if (recovery) assert.match(errors[0], /takes 1 positional argument but 2 were given/);
    });
  }
}
