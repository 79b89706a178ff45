"""Records what RedisManager(write_only=True) of the installed python-socketio publishes.

    /usr/bin/python3 record.py > managers-5.7.2.jsonl

Each line has the call, and what it gives to Redis: text, or bytes as hex. A call that the version
cannot publish for a process without a server is left out.
"""

import json

import socketio

CALLS = """
emit('e', 'x')
emit('e', None)
emit('e', ('a', 1, None))
emit('e', ())
emit('e', ['a', 1])
emit('e', [None])
emit('e', {'a': [True, False, None, -1, 255, 256, 65536, -2147483649, 2**63, -2**80, 1.5, 1e300, 'é\\u2028']})
emit('e', {'t': (1, (2,)), 'l': [[], {}, ()]})
emit('e', b'xy')
emit('e', (b'x', {'a': [b'y']}))
emit('e', [b'x', 'y'])
emit('e', {'a': b'x' * 300, 'b': 'y' * 300})
emit('e', {1: 'int', None: 'none', True: 'bool'})
emit('e', 1, room='R')
emit('e', 1, room=['R', 'S'])
emit('e', 1, room=7)
emit('e', 1, namespace='/n', room='R', skip_sid='lg4Zsrt2xiMBSzCuAAAB')
emit('e', 1, skip_sid=['lg4Zsrt2xiMBSzCuAAAB', 'kZ0XGRB5pBpZbPdCAAAD'])
disconnect('lg4Zsrt2xiMBSzCuAAAB')
disconnect('lg4Zsrt2xiMBSzCuAAAB', namespace='/n')
enter_room('lg4Zsrt2xiMBSzCuAAAB', '/', 'R')
leave_room('lg4Zsrt2xiMBSzCuAAAB', '/', 'R')
close_room('R')
close_room('R', namespace='/n')
"""


class Recorder:
    """Takes the place of the connection to Redis."""

    payloads = []

    def publish(self, channel, payload):
        assert channel == 'socketio'
        self.payloads.append(payload)


manager = socketio.RedisManager('redis://', write_only=True)
manager.redis = recorder = Recorder()
manager.connected = True  # later versions connect with the first message
for call in CALLS.strip().splitlines():
    recorder.payloads.clear()
    try:
        eval(f'manager.{call}')
    except (AttributeError, TypeError, ValueError):  # what this version cannot do
        continue
    for payload in recorder.payloads:
        line = {'call': call}
        if isinstance(payload, bytes):
            line['hex'] = payload.hex()
        else:
            line['text'] = payload
        print(json.dumps(line))
