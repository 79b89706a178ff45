package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
)

func TestFileShapes(t *testing.T) {
	c := load(t, nil, "--config", file(t, "c.json", `{
		"port": 4000, "SSE_HEARTBEAT_INTERVAL": 500,
		"connection-updates": true, "SOCKETIO_RECOVERY": false,
		"default-channels": ["a", "b"], "socketio-as": "x,y",
		"jwt-secret": "`+secret32+`", "host": ""}`))
	if c.Port != 4000 || c.SSEHeartbeatInterval.Milliseconds() != 500 || !c.ConnectionUpdates ||
		c.SocketIORecovery ||
		strings.Join(c.DefaultChannels, "+") != "a+b" || strings.Join(c.SocketIOAs, "+") != "x+y" ||
		c.Mode() != auth.ModeToken || c.Host != "0.0.0.0" {
		t.Errorf("%+v", c)
	}
	for content, want := range map[string]string{
		``:                              "is not one JSON object",
		`[]`:                            "is not one JSON object",
		`{"port":1} {"port":2}`:         "is not one JSON object",
		`{"port":`:                      "is not one JSON object",
		`{"port":null}`:                 "port in ",
		`{"port":{"a":1}}`:              "port in ",
		`{"default-channels":["a,b"]}`:  "strings without commas",
		`{"default-channels":[["a"]]}`:  "strings without commas",
		`{"Port":1}`:                    "Port in ",
		`{"config":"x"}`:                "unknown setting",
		`{"help":true}`:                 "unknown setting",
		`{"port":1e3}`:                  `got "1e3"`,
		`{"port":1,"PORT":2}`:           "duplicate port",
		`{"port":1,"port":2}`:           `duplicate key "port"`,
		"{\n\"port\": 1,\n}":            "is not one JSON object: line 3: ",
		"{\n\"port\": 1":                "is not one JSON object: the end is missing",
		`null`:                          "is not one JSON object: got null",
		`[1]`:                           "is not one JSON object: got array",
		"\xef\xbb\xbf{}":                "starts with a byte order mark",
		strings.Repeat(" ", maxFile+1):  "larger than 1 MiB",
		`{"port":true,"host":"a b"}`:    `got "true"`,
		`{"host":"a\u0000b","port":80}`: "HOST (file ",
	} {
		got := problems(t, nil, "--config", file(t, "c.json", content))
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%.30s: %q, want %q", content, got, want)
		}
	}
	if got := problems(t, nil, "--config", "/does/not/exist.json"); len(got) != 1 ||
		!strings.HasPrefix(got[0], "--config: open /does/not/exist.json") {
		t.Errorf("%q", got)
	}
}

func TestSecretFiles(t *testing.T) {
	key := file(t, "key", secret32+"\n")
	keys := file(t, "keys", "one,two\r\nthree\n\n")
	other := strings.Repeat("o", 32)

	c := load(t, env{"JWT_SECRET_FILE": key, "API_KEYS_FILE": keys})
	if string(c.JWTSecret) != secret32 || len(c.APIKeys) != 3 || string(c.APIKeys[2]) != "three" ||
		c.Mode() != auth.ModeToken {
		t.Errorf("%q %q", string(c.JWTSecret), c.APIKeys)
	}
	if s := setting(t, c, "JWT_SECRET"); s.Value != "***" || s.Source != "JWT_SECRET_FILE" {
		t.Errorf("%+v", s)
	}
	// Of several lines the first is the secret, and commas and spaces are part of it.
	c = load(t, env{"JWT_SECRET_FILE": file(t, "key", other+" ,\r\n\n"+secret32+"\n")})
	if string(c.JWTSecret) != other+" ," || len(c.JWTFurther) != 1 ||
		string(c.JWTFurther[0]) != secret32 {
		t.Errorf("%q, %d further", string(c.JWTSecret), len(c.JWTFurther))
	}
	c = load(t, env{"JWT_SECRET": other + "\n"})
	if string(c.JWTSecret) != other+"\n" || len(c.JWTFurther) != 0 {
		t.Error("the line end of a variable is not part of the secret")
	}
	c = load(t, env{"JWT_SECRET": secret32 + "\n" + other + "\n"})
	if string(c.JWTSecret) != secret32 || len(c.JWTFurther) != 1 || string(c.JWTFurther[0]) != other {
		t.Errorf("%d further secrets of a variable", len(c.JWTFurther))
	}
	// The source of higher rank wins; two of the same rank are a mistake.
	c = load(t, env{"JWT_SECRET": other}, "--jwt-secret-file", key)
	if string(c.JWTSecret) != secret32 {
		t.Error("the environment takes precedence over the file of a flag")
	}
	c = load(t, env{"JWT_SECRET_FILE": key}, "--jwt-secret", other)
	if string(c.JWTSecret) != other {
		t.Error("the file of the environment takes precedence over a flag")
	}
	c = load(t, env{"JWT_SECRET_FILE": file(t, "key", secret32+"\n"+other)}, "--jwt-secret", other)
	if len(c.JWTFurther) != 0 {
		t.Error("the further secrets of a file that does not count are accepted")
	}
	if got := problems(t, env{"JWT_SECRET_FILE": key, "JWT_SECRET": other}); len(got) != 1 ||
		!strings.Contains(got[0], "JWT_SECRET and JWT_SECRET_FILE: both set (environment)") {
		t.Errorf("%q", got)
	}
	for content, want := range map[string]string{
		"": "is empty", " \n": "is empty",
		"\xef\xbb\xbf" + secret32:     "starts with a byte order mark, expected UTF-8 without one",
		"\xff\xfe" + secret32:         "starts with a byte order mark, expected UTF-8 without one",
		"short\n":                     "got 5 bytes, allowed: at least 32",
		secret32 + "\nshort":          "JWT_SECRET (JWT_SECRET_FILE): got 5 bytes as secret 2, allowed: at least 32",
		strings.Repeat(other+"\n", 9): "JWT_SECRET (JWT_SECRET_FILE): got 9 secrets, allowed: at most 8, one a line",
	} {
		got := problems(t, env{"JWT_SECRET_FILE": file(t, "key", content), "AUTH_MODE": "token"})
		if len(got) != 1 || !strings.Contains(got[0], want) || strings.Contains(got[0], "short") {
			t.Errorf("%q: %q", content, got)
		}
	}
}

// No printer of a Config, its settings or its mistakes shows a secret.
func TestConfigPrintsNoSecret(t *testing.T) {
	const canary = "canary-0123456789-canary-0123456789"
	c := load(t, env{"JWT_SECRET_FILE": file(t, "key", canary+"\n"+canary),
		"API_KEYS": canary + "," + canary + "2"})
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	text := string(encoded) + fmt.Sprint(c.Settings(), c.Warnings())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text += fmt.Sprintf(verb+verb, c, &c) + fmt.Sprintf(verb, c.Auth())
	}
	text += fmt.Sprint(problems(t, env{"JWT_SECRET": canary, "API_KEYS": canary, "PORT": "x"},
		"--no-such-flag="+canary))
	text += fmt.Sprint(problems(t, env{"JWT_SECRET": canary[:31], "API_KEYS": canary},
		"--api-keys"))
	for _, form := range []string{
		"canary", fmt.Sprintf("%x", "canary"), "99 97 110 97 114 121",
		"0x63, 0x61",
	} {
		if strings.Contains(text, form) {
			t.Errorf("the output contains the secret as %q", form)
		}
	}
	if s := setting(t, c, "API_KEYS"); s.Value != "***,***" || s.Source != "environment" {
		t.Errorf("%+v", s)
	}
}
