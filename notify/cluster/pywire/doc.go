// Package pywire reads what python-socketio's client managers for Redis publish, and makes of it
// what an emitter for Node would have said. It does no I/O.
//
// A message is a dict with a method, such as emit, and its parameters. Versions up to 5.13 publish
// it in the format of Python's pickle, later ones as JSON. A pickle is a program for a small stack
// machine, which can call any function of Python. Of that, [Decode] carries out only the steps that
// build None, bool, int, float, str, bytes, list, tuple and dict; every other one is an error.
//
// A short pickle can stand for a huge value, because it can name the same list many times. So
// values and bytes are counted while they are written as JSON, each time that they occur.
package pywire
