package library

import (
	"net/http"
	"sync/atomic"
)

// pollCounter counts the GETs that the server has not answered yet.
type pollCounter struct{ n atomic.Int64 }

func (p *pollCounter) held() int { return int(p.n.Load()) }

func (p *pollCounter) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Query().Get("transport") == "polling" {
			p.n.Add(1)
			defer p.n.Add(-1)
		}
		next.ServeHTTP(w, r)
	})
}
