package engineio

// Packet types: the first character of a packet.
const (
	packetOpen    = '0'
	packetClose   = '1'
	packetPing    = '2'
	packetPong    = '3'
	packetMessage = '4'
	packetUpgrade = '5'
	packetNoop    = '6'
	packetBinary  = 'b' // base64 of a binary message, in text

	separator = 0x1e // between the packets of a polling payload
)
