package library

// abandon ends a peer whose client closed while a middleware ran. It returns false when the library
// has decided or is about to.
func (p *peer) abandon() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entered {
		return false
	}
	p.abandoned = true
	if p.sock != nil {
		p.sock.Nsp().Remove(p.sock)
	}
	return true
}

// close ends the Socket. It first waits for the "connection" handlers, which register the listeners
// of the end.
func (p *peer) close(reason string) {
	<-p.accepted // Disconnect is called only for accepted clients
	<-p.endings.joined
	p.end(reason)
	if p.sock.Connected() {
		// Socket.Disconnect(true) on another goroutine ended the library's Client before the Client
		// had this Socket.
		p.sock.Disconnect(false)
	}
}

// end reports the end of the connection to the library.
func (p *peer) end(reason string) {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.engine.Emit("close", reason, "")
}

// hasEnded reports whether the transport is closed and the library is not deciding about the
// client.
func (p *peer) hasEnded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn.Context().Err() != nil && (p.ended || !p.entered)
}

// clean marks that the client is no longer in any room. The adapter calls it when the library
// removes the Socket.
func (p *peer) clean() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.left {
		p.left = true
		close(p.cleaned)
	}
}

func (p *peer) hasLeft() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left && !p.endings.isDisconnecting()
}
