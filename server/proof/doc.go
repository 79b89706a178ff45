// Package proof has one test, `make proof`: the public workloads of this field, and two more,
// against the real binary with DATA_DIR. It writes the figures to docs/proof and a picture to
// docs/images.
//
// Most clients are those of `server/servertest/client`: they speak what socket.io-client and
// EventSource speak, with their pauses between attempts. A share is the real libraries in Node.
package proof
