package catalogue

import (
	"strings"
	"testing"
)

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 32) + strings.Repeat("]", 32)
	for _, c := range []struct{ kind, body, want string }{
		{"payments", `{}`, `kind: got "payments", expected a kind of the catalogue`},
		{"payment", ``, `body: not valid JSON at byte 0: got the end, expected a value`},
		{"payment", `{"paymentId":"p1",}`,
			`body: not valid JSON at byte 18: got '}', expected a key in quotes`},
		{"payment", "{\"paymentId\":\"\xff\"}", `body: not valid UTF-8 at byte 14`},
		{"payment", `{"data":[` + deep + `]}`,
			`data` + strings.Repeat("[0]", 32) + `: nested more than 33 levels deep`},
		{"payment", `[]`, `body: got an array, expected an object`},
		{"payment", `{}`, `paymentId: is missing, expected a string`},
		{"payment", `{"paymentId":7.5}`, `paymentId: got the number 7.5, expected a string`},
		{"payment", `{"paymentId":null}`, `paymentId: got null, expected a string`},
		{"payment", `{"paymentId":"\ud800"}`,
			`paymentId: got half a surrogate pair, expected valid Unicode`},
		{"payment", `{"paymentId":"p1"}`,
			`status: is missing, expected pending, completed, failed or refunded`},
		{"payment", `{"paymentId":"p1","status":"done"}`,
			`status: got "done", expected pending, completed, failed or refunded`},
		{"payment", `{"paymentId":"p1","status":true}`,
			`status: got true, expected pending, completed, failed or refunded`},
		{"payment", `{"paymentId":"p1","Status":"failed"}`,
			`Status: unknown field, expected one of paymentId, status, data, metadata, target, ` +
				`except, volatile, ttl and retain`},
		{"payment", `{"paymentId":"p1","type":"x"}`,
			`type: unknown field, expected one of paymentId, status, data, metadata, target, ` +
				`except, volatile, ttl and retain`},
		{"payment", `{"":"p1"}`,
			`: unknown field, expected one of paymentId, status, data, metadata, target, except, ` +
				`volatile, ttl and retain`},
		{"custom", `{"":"p1"}`,
			`: unknown field, expected one of type, data, metadata, target, except, volatile, ` +
				`ttl and retain`},
		{"custom", `{"data":{}}`, `type: is missing, expected a string`},
		{"custom", `{"type":"auth:x"}`, `type: "auth:x" is reserved, choose another name`},
		{"custom", `{"type":"x","data":{"type":"x"}}`,
			`data.type: is not a field of data, expected type outside data`},
		{"custom", `{"type":"x","data":[1]}`, `data: got an array, expected an object`},
		{"payment", `{"paymentId":"p1","status":"failed","status":"failed"}`,
			`status: duplicate key "status"`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"a":1,"\u0061":2}}`,
			`data.a: duplicate key "a"`},
		{"payment", `{"paymentId":"p1","status":"failed","data":"x"}`,
			`data: got the string "x", expected an object`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"amount":"12.50"}}`,
			`data.amount: got the string "12.50", expected a number`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"amount":null}}`,
			`data.amount: got null, expected a number`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"amount":1e999}}`,
			`data.amount: got the number 1e999, expected a number`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"customerId":7.5}}`,
			`data.customerId: got the number 7.5, expected a string`},
		{"payment",
			`{"paymentId":"p1","status":"failed","data":{"customerId":"` +
				strings.Repeat("x", 129) + `"}}`,
			`data.customerId: is 129 bytes long, expected at most 128`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"customerId":"a\n"}}`,
			`data.customerId: "a\n" ends with a space`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"status":"pending"}}`,
			`data.status: got the string "pending", expected "failed" as outside data`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"metadata":{}}}`,
			`data.metadata: is not a field of data, expected metadata outside data`},
		{"payment", `{"paymentId":"p1","status":"failed"}`,
			`target: is missing, and so is data.customerId, which has the default`},
		{"payment", `{"paymentId":"p1","status":"failed","target":null}`,
			`target: got null, expected an object with one of user, users, channel, channels, ` +
				`client or all`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{}}`,
			`target: got none, expected exactly one of user, users, channel, channels, client or ` +
				`all`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"user":"a","all":true}}`,
			`target: got user, all, expected exactly one of user, users, channel, channels, ` +
				`client or all`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"room":"a"}}`,
			`target.room: unknown field, expected one of user, users, channel, channels, client ` +
				`or all`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"all":false}}`,
			`target.all: got false, expected true`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"user":["a"]}}`,
			`target.user: got an array, expected a string`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"users":"a"}}`,
			`target.users: got the string "a", expected an array of strings`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"users":["a",1.5]}}`,
			`target.users[1]: got the number 1.5, expected a string`},
		{"payment", `{"paymentId":"p1","status":"failed","except":"a"}`,
			`except: got the string "a", expected an array of strings`},
		{"payment",
			`{"paymentId":"p1","status":"failed","except":[` + strings.Repeat(`"x",`, 1000) +
				`"x"]}`,
			`except: got more than 1000 elements, expected at most 1000`},
		{"payment", `{"paymentId":"p1","status":"failed","volatile":1}`,
			`volatile: got the number 1, expected true or false`},
		{"payment", `{"paymentId":"p1","status":"failed","ttl":300}`,
			`ttl: got the number 300, expected a positive duration such as "30s", "5m" or "1h30m"`},
		{"payment", `{"paymentId":"p1","status":"failed","ttl":"-5m"}`,
			`ttl: got the string "-5m", expected a positive duration such as "30s", "5m" or "1h30m"`},
		{"payment", `{"paymentId":"p1","status":"failed","ttl":"5"}`,
			`ttl: got the string "5", expected a positive duration such as "30s", "5m" or "1h30m"`},
		{"payment", `{"paymentId":"p1","status":"failed","metadata":[1]}`,
			`metadata: got an array, expected an object`},
		{"payment", `{"paymentId":"p1","status":"failed","metadata":{"priority":1}}`,
			`metadata.priority: got the number 1, expected a string`},
		{"payment", `{"paymentId":"p1","status":"failed","metadata":{"source":""}}`,
			`metadata.source: is empty, expected 1 to 200 bytes`},
		{"system", `{"type":"x","metadata":{"system":false}}`,
			`metadata.system: is set by the kind, expected no value`},
		{"job", `{"jobId":"j","status":"started"}`,
			`target: is missing and has no default, expected an object with one of user, users, ` +
				`channel, channels, client or all`},
		{"job", `{"jobId":"j","status":"started","data":{"progress":100.5}}`,
			`data.progress: got the number 100.5, expected a number from 0 to 100`},
		{"job", `{"jobId":"j","status":"started","data":{"durationMs":1.5}}`,
			`data.durationMs: got the number 1.5, expected an integer of at least 0`},
		{"job", `{"jobId":"j","status":"started","data":{"durationMs":1e16}}`,
			`data.durationMs: got the number 1e16, expected an integer of at least 0`},
		{"job", `{"jobId":"j","status":"started","data":{"result":null}}`,
			`data.result: got null, expected any value except null, or no value`},
		{"video-processing", `{"videoId":"v","status":"progress"}`,
			`status: got "progress", expected started, processing, completed or failed`},
		{"video-processing", `{"videoId":"v","status":"started","data":{"jobType":"video"}}`,
			`data.jobType: got "video", expected video-processing`},
		{"post-update", `{"postId":"p","action":"created","data":{"tags":"a"}}`,
			`data.tags: got the string "a", expected an array of strings`},
		{"post-update", `{"postId":"p","action":"created","data":{"tags":["a",null]}}`,
			`data.tags[1]: got null, expected a string`},
		{"system-health", `{"systemId":"db","status":"warning","data":{"metrics":[]}}`,
			`data.metrics: got an array, expected an object`},
		{"system-health",
			`{"systemId":"db","status":"warning","data":{"checkedAt":"yesterday"}}`,
			`data.checkedAt: got the string "yesterday", expected a time such as ` +
				`"2026-11-22T10:00:00Z"`},
		{"system-health",
			`{"systemId":"db","status":"warning","data":{"checkedAt":1763805600000}}`,
			`data.checkedAt: got the number 1763805600000, expected a time such as ` +
				`"2026-11-22T10:00:00Z"`},
	} {
		if got := decoded(c.kind, c.body); got != c.want {
			t.Errorf("%s %.200s\n got %s\nwant %s", c.kind, c.body, got, c.want)
		}
	}
}
