package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

const otherKey = "a-key-of-at-least-32-random-bytes-0002"

func TestKeys(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := "http://" + servertest.Serve(t,
		edge.WithInfo(nil, New(testOptions(hub, servertest.Key, "", otherKey))))
	const missing = "an API key is required: Authorization: Bearer <key>, or X-API-Key: <key>"
	const challengeWrong = `Bearer realm="roomcast", error="invalid_token"`
	before := hub.Head().Seq
	published := uint64(0)
	for _, tc := range []struct {
		path    string
		headers []string
		status  int
	}{
		{"", []string{"Authorization: Bearer " + servertest.Key}, 200},
		{"", []string{"Authorization: bearer  " + otherKey}, 200},
		{"", []string{"X-API-Key: " + otherKey}, 200},
		{"", []string{"Authorization: Basic dXNlcjpwdw==", "X-API-Key: " + servertest.Key}, 200},
		{"", nil, 401},
		{"", []string{"Authorization: Bearer "}, 401},
		{"", []string{"Authorization: " + servertest.Key}, 401},
		{"", []string{"X-API-Key: "}, 401},
		{"", []string{"Cookie: api_key=" + servertest.Key}, 401},
		{
			"?key=" + servertest.Key + "&api_key=" + servertest.Key + "&token=" + servertest.Key,
			nil, 401,
		},
		{"", []string{"Authorization: Bearer " + servertest.Key + "x"}, 403},
		{"", []string{"Authorization: Bearer " + servertest.Key[1:]}, 403},
		{"", []string{"X-API-Key: " + strings.ToUpper(servertest.Key)}, 403},
		{"", []string{"Authorization: Bearer wrong", "X-API-Key: " + servertest.Key}, 403},
	} {
		res, body := servertest.Do(t, "POST", base+"/v1/notifications"+tc.path,
			`{"target":{"all":true},"type":"x"}`,
			append(tc.headers, "Content-Type: application/json", "X-Request-ID: req-1")...)
		want, challenge := "", ""
		switch tc.status {
		case 401:
			want, challenge = servertest.ProblemJSON(t, 401, "unauthenticated", missing,
				""), edge.ChallengeBearer
		case 403:
			want = servertest.ProblemJSON(t, 403, "forbidden", "unknown API key", "")
		default:
			published++
		}
		if res.StatusCode != tc.status || want != "" && servertest.Sorted(t, body) != want ||
			res.Header.Get("WWW-Authenticate") != challenge {
			t.Errorf("%q %q: %d %s %s", tc.path, tc.headers, res.StatusCode,
				res.Header.Get("WWW-Authenticate"), body)
		}
	}
	if sent := hub.Head().Seq - before; sent != published {
		t.Errorf("%d were published, want %d", sent, published)
	}
	if got := edge.Challenge("invalid_token"); got != challengeWrong {
		t.Errorf("challenge %q", got)
	}
}

func TestNoKeys(t *testing.T) {
	t.Parallel()
	k := NewKeyring([]string{""}, 0, 0, nil)
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("X-API-Key", "anything")
	if _, err := k.check(r); err != edge.ErrKeyWrong {
		t.Errorf("a keyring without keys: %v", err)
	}
}

func TestKeyFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyring([]string{servertest.Key}, 0, 0, nil)
		try := func(address, key string) (status int, retry string) {
			r := httptest.NewRequest("POST", "/", nil)
			r.RemoteAddr = address
			if key != "" {
				r.Header.Set("X-API-Key", key)
			}
			w := httptest.NewRecorder()
			if _, err := k.check(r); err != nil {
				edge.WriteProblem(w, r, err)
			}
			return w.Code, w.Header().Get("Retry-After")
		}
		expect := func(address, key string, status int, retry string) {
			t.Helper()
			if s, after := try(address, key); s != status || after != retry {
				t.Errorf("%s: %d %q, want %d %q", address, s, after, status, retry)
			}
		}
		const attacker, other = "192.0.2.1:1000", "192.0.2.2:1000"
		for range 50 {
			expect(attacker, "", 401, "") // a missing key is not an attempt
		}
		for range 10 {
			expect(attacker, "wrong", 403, "")
		}
		expect(attacker, "wrong", 429, "6")
		expect(other, "wrong", 403, "")
		time.Sleep(6 * time.Second)
		expect(attacker, "wrong", 403, "")
		expect(attacker, "wrong", 429, "6")

		// The wrong keys of one client do not lock out a backend with the same address, also one
		// that sends its first request after them, and do not end with a valid key.
		expect(attacker, servertest.Key, 200, "")
		expect("192.0.2.1:2000", servertest.Key, 200, "")
		expect(attacker, "wrong", 429, "6")

		// A /64 counts as one address.
		for i := range 10 {
			expect("[2001:db8::"+itoa(i+1)+"]:1000", "wrong", 403, "")
		}
		expect("[2001:db8::ffff]:1000", "wrong", 429, "6")
		expect("[2001:db8:0:1::1]:1000", "wrong", 403, "")
	})
}

// keys.go compares secrets with ConstantTimeCompare only, and not with ==, which stops at the first
// byte that differs.
func TestKeysComparedInConstantTime(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "keys.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constant := 0
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if n.Sel.Name == "ConstantTimeCompare" {
				constant++
			}
			if pkg, ok := n.X.(*ast.Ident); ok && (pkg.Name == "bytes" || pkg.Name == "slices") &&
				strings.HasPrefix(n.Sel.Name, "Equal") {
				t.Errorf("keys.go uses %s.%s", pkg.Name, n.Sel.Name)
			}
		case *ast.BinaryExpr:
			for _, side := range []ast.Expr{n.X, n.Y} {
				id, ok := side.(*ast.Ident)
				other := n.X
				if side == n.X {
					other = n.Y
				}
				lit, empty := other.(*ast.BasicLit)
				if ok && (id.Name == "key" || id.Name == "digest") &&
					(n.Op == token.EQL || n.Op == token.NEQ) && !(empty && lit.Value == `""`) {
					t.Errorf("keys.go compares %s by %s", id.Name, n.Op)
				}
			}
		}
		return true
	})
	if constant != 1 {
		t.Errorf("%d uses of ConstantTimeCompare", constant)
	}
}

// The time of a comparison does not depend on where a key differs: Welch's t-test. The test is not
// parallel, because it measures time.
func TestKeyTiming(t *testing.T) {
	if testing.Short() {
		t.Skip("measures 40,000 comparisons")
	}
	k := NewKeyring([]string{servertest.Key}, 0, 0, nil)
	first, last := "X"+servertest.Key[1:], servertest.Key[:len(servertest.Key)-1]+"X"
	measure := func() float64 {
		const n = 20_000
		var sum, squares, count [2]float64
		for range 2 * n {
			// The order is random, so that periodic work of the machine affects both alike.
			i, key := rand.IntN(2), first
			if i == 1 {
				key = last
			}
			start := time.Now()
			k.find(key)
			// Pauses of the scheduler do not count.
			d := min(float64(time.Since(start)), 5_000)
			sum[i] += d
			squares[i] += d * d
			count[i]++
		}
		mean := func(i int) float64 { return sum[i] / count[i] }
		variance := func(i int) float64 {
			return (squares[i]/count[i] - mean(i)*mean(i)) / count[i]
		}
		return math.Abs(mean(0)-mean(1)) / math.Sqrt(variance(0)+variance(1))
	}
	for range 10 {
		if measure() < 4.5 {
			return
		}
	}
	t.Error("the time depends on where a key differs")
}

// A key that stays keeps what it has spent and its answers, and gets the new scope and rate.
func TestKeyringSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyring([]string{servertest.Key, otherKey}, 10, 20, nil)
		before := k.find(servertest.Key)
		if err := before.budget.spend(20); err != nil {
			t.Fatal(err)
		}
		k.Set([]string{servertest.Key + ":user:*", "third-key"}, 5, 20)
		after := k.find(servertest.Key)
		if after.answers != before.answers || after.scope.Everything() {
			t.Errorf("the answers differ, or the scope is %q", after.scope)
		}
		if k.find("third-key") == nil || k.find(otherKey) != nil {
			t.Error("the other keys are the former ones")
		}
		time.Sleep(time.Second)
		if err := after.budget.spend(5); err != nil {
			t.Errorf("five in the second after: %v", err)
		}
		if err := after.budget.spend(1); err == nil {
			t.Error("the key got a new bucket, or its former rate")
		}
	})
}
