package socketio
