"""Pickles values, for the tests of the reader.

    python3 pickle_values.py > pickles.jsonl    values of its own
    python3 pickle_values.py serve              values from lines of standard input

A line of the input is [protocol, value], with {"tuple": […]}, {"dict": [[key, value], …]},
{"bytes": hex}, {"int": text} and {"float": text} for what JSON does not have. Each is answered with
the pickle of a message that emits the value.
"""

import json
import pickle
import random
import sys


def restore(value):
    if isinstance(value, list):
        return [restore(item) for item in value]
    if isinstance(value, dict):
        (name, of), = value.items()
        if name == 'tuple':
            return tuple(restore(item) for item in of)
        if name == 'dict':
            return {restore(key): restore(item) for key, item in of}
        return {'bytes': bytes.fromhex, 'int': int, 'float': float}[name](of)
    return value


def message(value):
    return {'method': 'emit', 'event': 'e', 'data': value, 'namespace': '/', 'room': None,
            'skip_sid': None, 'callback': None, 'host_id': 'h'}


def make(rand, depth=0):
    """Returns a random value. Some are the same object as another one in it."""
    scalars = [
        lambda: None,
        lambda: rand.random() < 0.5,
        lambda: rand.randrange(-2 ** rand.randrange(1, 100), 2 ** rand.randrange(1, 100)),
        lambda: rand.choice([0.0, -1.5, 1e300, 5e-324, 1e21, rand.random()]),
        lambda: ''.join(rand.choice('aé\u2028😀"\\\n\0') for _ in range(rand.choice([0, 3, 300]))),
    ]
    if depth == 4 or rand.random() < 0.4:
        return rand.choice(scalars)()
    items = [make(rand, depth + 1) for _ in range(rand.randrange(4))]
    if items and rand.random() < 0.3:
        items += [items[0], items[0]]
    if rand.random() < 0.4:
        keys = [None, True, 7, 'a', 'b' * 300, 'é', 'c']
        return dict(zip(keys, items))
    return tuple(items) if rand.random() < 0.5 else items


def main():
    rand = random.Random(1)
    values = [make(rand) for _ in range(30)]
    values += [b'', b'x' * 300, {'a': [b'x', {'b': b'y'}]}]
    large = [list(range(1001)), {str(n): n for n in range(1001)}]  # in parts of 1,000
    for value in values + large:
        for protocol in range(2, 6) if value not in large else [4]:
            attachments = []

            def default(item):
                attachments.append(item.hex())
                return {'_placeholder': True, 'num': len(attachments) - 1}

            args = list(value) if isinstance(value, tuple) else [] if value is None else [value]
            packet = json.dumps(['e', *args], default=default, separators=(',', ':'))
            if attachments and protocol < 3:  # a call of a function
                continue
            print(json.dumps({
                'protocol': protocol, 'hex': pickle.dumps(message(value), protocol).hex(),
                'packet': packet, 'attachments': attachments,
            }))


if sys.argv[1:] == ['serve']:
    for line in sys.stdin:
        protocol, value = json.loads(line)
        print(pickle.dumps(message(restore(value)), protocol).hex(), flush=True)
else:
    main()
