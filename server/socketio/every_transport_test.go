package socketio

// Every transport has its own way to the one place that decides, so what must be
// judged alike is asked over a real socket of each.
