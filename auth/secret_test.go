package auth

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// No printer, encoder or logger shows a secret at any depth.
func TestSecretShowsStars(t *testing.T) {
	const canary = "canary-0123456789-canary-0123456789"
	secret := Secret(canary)
	nested := struct {
		S    Secret
		P    *Secret
		List []Secret
		Map  map[string]Secret
		Any  any
	}{secret, &secret, []Secret{secret}, map[string]Secret{"k": secret}, secret}
	a := newAuth(t, Options{Secret: secret})
	values := []any{secret, &secret, nested, &nested, []any{secret}, Options{Secret: secret}, a, a.current.Load(),
		*a.current.Load()}

	var out bytes.Buffer
	for _, v := range values {
		// Without %p: vet reports it for structs, and fmt calls no method for it.
		for _, verb := range "vsqxXdbotTcUeEfFgG" {
			for _, flags := range []string{"", "+", "#", " ", "0", "-9"} {
				fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
			}
		}
		fmt.Fprint(&out, v)
	}
	for _, v := range []any{secret, &secret, nested} {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(j)
	}
	type document struct{ S Secret }
	x, err := xml.Marshal(document{secret})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(x)
	core, _ := observer.New(zapcore.DebugLevel)
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	log := zap.New(zapcore.NewTee(core, zapcore.NewCore(encoder, zapcore.AddSync(&out),
		zapcore.DebugLevel)))
	log.Info("x", zap.Any("a", secret), zap.Any("b", nested), zap.Stringer("c", secret),
		zap.Reflect("d", nested), zap.Any("e", []Secret{secret}))
	log.Sugar().Infow("y", "secret", secret, "nested", nested)

	for name, form := range map[string]string{
		"text": canary, "hex": fmt.Sprintf("%x", canary), "HEX": fmt.Sprintf("%X", canary),
		"spaced hex": fmt.Sprintf("% x", canary),
		"base64":     "Y2FuYXJ5", "decimal": strings.Trim(fmt.Sprint([]byte(canary)), "[]"),
		"go syntax": "0x63, 0x61, 0x6e",
		"octal":     strings.Trim(fmt.Sprintf("%o", []byte(canary)), "[]"),
		"binary":    strings.Trim(fmt.Sprintf("%b", []byte(canary)), "[]"),
	} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret shows as %s", name)
		}
	}
	if got := secret.String() + secret.GoString() + fmt.Sprint(secret); got != "*********" {
		t.Errorf("got %q", got)
	}
}

func TestSecretEqual(t *testing.T) {
	s := Secret("0123456789abcdef0123456789abcdef")
	for shown, want := range map[string]bool{
		string(s): true, "": false, string(s[:31]): false, string(s) + "0": false,
		"x" + string(s[1:]): false, "***": false,
		strings.ToUpper(string(s)): false, string(s) + "\x00": false,
	} {
		if s.Equal(shown) != want {
			t.Errorf("Equal(%q) = %t", shown, !want)
		}
	}
	if (Secret{}).Equal("") || Secret(nil).Equal("") {
		t.Error("an empty secret equals an empty string")
	}
}

// Secrets are compared with Equal only. ==, bytes.Equal and the like stop at the first difference.
func TestSecretsAreComparedByEqual(t *testing.T) {
	secretName := regexp.MustCompile(`(?i)(secret|password|api_?keys?|signature)$`)
	var found []string
	files := token.NewFileSet()
	isSecret := func(e ast.Expr) bool {
		named := false
		ast.Inspect(e, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "len" {
					return false
				}
			}
			if id, ok := n.(*ast.Ident); ok && secretName.MatchString(id.Name) {
				named = true
			}
			return true
		})
		return named
	}
	constant := func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.BasicLit:
			return true
		case *ast.Ident:
			return e.Name == "nil"
		}
		return false
	}
	check := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && !constant(n.X) && !constant(n.Y) &&
				(isSecret(n.X) || isSecret(n.Y)) {
				found = append(found, files.Position(n.Pos()).String())
			}
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			compares := []string{"Compare", "EqualFold", "HasPrefix", "Contains"}
			if !ok || !slices.Contains(compares, f.Sel.Name) &&
				(f.Sel.Name != "Equal" || len(n.Args) != 2) {
				return true
			}
			if of, ok := f.X.(*ast.Ident); ok && of.Name == "hmac" { // hmac.Equal does not stop early either
				return true
			}
			if slices.ContainsFunc(n.Args, isSecret) {
				found = append(found, files.Position(n.Pos()).String())
			}
		}
		return true
	}
	scanned := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		scanned++
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err == nil {
			ast.Inspect(f, check)
		}
		return err
	})
	if err != nil || scanned < 5 {
		t.Fatal(scanned, err)
	}
	if len(found) > 0 {
		t.Errorf("use Secret.Equal instead of the comparisons at\n%s", strings.Join(found, "\n"))
	}

	// The check itself finds wrong comparisons.
	for _, bad := range []string{
		`a == o.Secret`, `string(apiKey) != s`,
		`bytes.Equal(x, jwtSecret)`, `strings.HasPrefix(s, string(key.Secret))`,
	} {
		found = nil
		e, err := parser.ParseExpr(bad)
		if err != nil {
			t.Fatal(err)
		}
		if ast.Inspect(e, check); len(found) != 1 {
			t.Errorf("%s was not found", bad)
		}
	}
}

// The time of Equal does not depend on the position of the difference: Welch's t over 2 x 20,000
// samples, first byte wrong against last byte wrong, in random order. A busy machine may disturb
// one round; a leak would show in each.
func TestSecretEqualTiming(t *testing.T) {
	s := Secret(strings.Repeat("k", 64))
	wrong := [2]string{"x" + strings.Repeat("k", 63), strings.Repeat("k", 63) + "x"}
	const rounds, samples, calls = 5, 20_000, 4
	var score float64
	for range rounds {
		var times [2][]float64
		for len(times[0]) < samples || len(times[1]) < samples {
			which := rand.IntN(2)
			start := time.Now()
			for range calls {
				if s.Equal(wrong[which]) {
					t.Fatal("a wrong key equals the secret")
				}
			}
			times[which] = append(times[which], float64(time.Since(start)))
		}
		if score = welch(times[0], times[1]); math.Abs(score) < 4.5 {
			return
		}
	}
	t.Errorf("t = %.1f in the last of %d rounds, want |t| < 4.5", score, rounds)
}

// welch returns the statistic of Welch's t-test over the faster nine tenths of each sample; the
// others are interrupts.
func welch(a, b []float64) float64 {
	moments := func(x []float64) (mean, varianceOfMean float64) {
		slices.Sort(x)
		x = x[:len(x)*9/10]
		for _, v := range x {
			mean += v
		}
		mean /= float64(len(x))
		for _, v := range x {
			varianceOfMean += (v - mean) * (v - mean)
		}
		return mean, varianceOfMean / float64(len(x)-1) / float64(len(x))
	}
	meanA, varA := moments(a)
	meanB, varB := moments(b)
	return (meanA - meanB) / math.Sqrt(varA+varB)
}
