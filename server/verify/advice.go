package verify

// Advice says what to change about a fault.
type Advice struct {
	Title  string            `json:"title"`
	Change string            `json:"change"`
	Lines  map[string]string `json:"lines,omitempty"` // for each proxy
	Page   string            `json:"page"`            // of the documentation
}

// Proxies are those for which advice has lines, in the order of the documentation.
var Proxies = []string{"nginx", "Caddy", "Apache", "HAProxy"}

// lines returns the lines for nginx, Caddy, Apache and HAProxy, in the order of Proxies.
func lines(each ...string) map[string]string {
	all := map[string]string{}
	for i, text := range each {
		if text != "" {
			all[Proxies[i]] = text
		}
	}
	return all
}

const (
	pageProxy  = "docs/clients.md#behind-a-proxy"
	pageTokens = "docs/authentication.md#tokens"
)

// advices has the advice for each fault.
var advices = map[string]Advice{
	"path": {
		Title:  "A path does not reach the server",
		Change: "Pass /socket.io/, /sse and /v1 on, with the path unchanged. If the proxy has the server below another path, put that path into the URL, or set SOCKETIO_PATH and SSE_PATH.",
		Lines: lines("location / { proxy_pass http://roomcast; }  # without a path or slash after the name",
			"reverse_proxy 127.0.0.1:3000  # inside handle, not handle_path or uri strip_prefix",
			`ProxyPass "/" "http://127.0.0.1:3000/"  # the same path on both sides`,
			"default_backend roomcast  # without http-request set-path or replace-path"),
		Page: pageProxy,
	},
	"upgrade": {
		Title:  "WebSockets do not pass",
		Change: "Let the proxy pass the upgrade on, with HTTP/1.1. Until then Socket.IO clients stay on long-polling.",
		Lines: lines("proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $connection_upgrade;",
			"reverse_proxy 127.0.0.1:3000  # passes upgrades; remove header_up lines for Upgrade and Connection",
			`ProxyPass "/" "http://127.0.0.1:3000/" upgrade=websocket`,
			"timeout tunnel 1h  # upgrades pass; remove http-request del-header for Upgrade and Connection"),
		Page: pageProxy,
	},
	"http10": {
		Title:  "The proxy speaks HTTP/1.0",
		Change: "Use HTTP/1.1 between the proxy and the server: HTTP/1.0 has no WebSocket, and no connection that is used again.",
		Lines: lines("proxy_http_version 1.1;\nproxy_set_header Connection $connection_upgrade;",
			"transport http { versions 1.1 }  # inside reverse_proxy",
			"remove SetEnv force-proxy-request-1.0 and downgrade-1.0", "http-reuse safe  # HTTP/1.1 is the default"),
		Page: pageProxy,
	},
	"buffering": {
		Title:  "Event streams are buffered",
		Change: "Let the proxy pass each event on at once.",
		Lines: lines("proxy_buffering off;  # and no proxy_ignore_headers X-Accel-Buffering",
			"flush_interval -1  # inside reverse_proxy",
			`ProxyPass "/" "http://127.0.0.1:3000/" flushpackets=on`,
			"remove http-response wait-for-body  # HAProxy does not buffer by default"),
		Page: pageProxy,
	},
	"compression": {
		Title:  "Event streams are compressed",
		Change: "Leave text/event-stream out of compression.",
		Lines: lines("gzip_types application/json text/css application/javascript;  # without text/event-stream and *",
			"@pages not path /sse* /api/sse*\nencode @pages gzip",
			`SetEnvIf Request_URI "/sse" no-gzip no-brotli`,
			"compression type application/json text/css  # without text/event-stream"),
		Page: pageProxy,
	},
	"sticky": {
		Title:  "One session is sent to several nodes",
		Change: "Set CLUSTER_ADVERTISE on all nodes, which then pass requests on to each other, or make the balancer sticky.",
		Lines: lines("hash $remote_addr consistent;  # in upstream; ip_hash counts only three bytes",
			"lb_policy cookie  # inside reverse_proxy",
			"ProxySet stickysession=ROUTEID  # with Header add Set-Cookie ROUTEID",
			"balance source  # or: cookie NODE insert indirect nocache"),
		Page: "docs/cluster.md#without-sticky-sessions",
	},
	"idle": {
		Title:  "Idle connections are cut too early",
		Change: "Let idle connections live longer than the silences of the protocol: 90 s. If you cannot, set SOCKETIO_PING_INTERVAL and SSE_HEARTBEAT_INTERVAL below the limit of the proxy.",
		Lines: lines("proxy_read_timeout 90s;",
			"transport http { read_timeout 0 }  # inside reverse_proxy; it has no limit by default",
			`ProxyPass "/" "http://127.0.0.1:3000/" timeout=90`,
			"timeout client 90s\ntimeout server 90s\ntimeout tunnel 1h"),
		Page: pageProxy,
	},
	"silence": {
		Title:  "Requests get no answer",
		Change: "Look for a filter or a cache between this machine and the server that holds these requests; the log of the proxy names it.",
		Page:   pageProxy,
	},
	"reconnect": {
		Title:  "Clients do not come back after a cut",
		Change: "Look for limits of connections or rates for one address in the proxy.",
		Lines: lines("raise limit_conn and limit_req, or leave /sse and /socket.io out", "", "",
			"raise the rates of http-request deny and tcp-request connection reject"),
		Page: pageProxy,
	},
	"lost": {
		Title:  "Notifications are lost around a reconnect",
		Change: "Let the header Last-Event-ID and the query of the URL reach the server: a client says there what it has got.",
		Lines: lines("remove proxy_set_header Last-Event-ID and proxy_pass_request_headers off",
			"remove header_up -Last-Event-ID", "remove RequestHeader unset Last-Event-ID",
			"remove http-request del-header Last-Event-ID"),
		Page: "docs/reliability.md",
	},
	"doubled": {
		Title:  "Notifications come twice",
		Change: "Stop the proxy from repeating or mirroring POST requests, and send each request of a backend with an Idempotency-Key.",
		Lines: lines("proxy_next_upstream error timeout;  # without non_idempotent; and no mirror",
			"lb_retries 0  # inside reverse_proxy; and no lb_retry_match",
			"", "http-request disable-l7-retry if METH_POST"),
		Page: "docs/http-api.md#send-once",
	},
	"reordered": {
		Title:  "Notifications are out of order",
		Change: "Each connection is in order at the server, so something between repeats or splits responses: look for caches and for mirroring.",
		Page:   "docs/reliability.md",
	},
	"cache": {
		Title:  "Answers come from a cache",
		Change: "The server sends Cache-Control: no-store; let the proxy obey, or leave its paths out of the cache.",
		Lines: lines("proxy_cache off;  # and no proxy_ignore_headers Cache-Control", "remove the cache directive",
			"CacheDisable /socket.io", "remove http-request cache-use"),
		Page: pageProxy,
	},
	"cors": {
		Title:  "CORS headers are changed",
		Change: "The server writes the CORS headers, and answers OPTIONS. Let the proxy pass both on, and add none.",
		Lines: lines("remove add_header Access-Control-… and if ($request_method = OPTIONS)",
			"remove header Access-Control-…", "remove Header set Access-Control-…",
			"remove http-response set-header Access-Control-…"),
		Page: "docs/security.md",
	},
	"origin": {
		Title:  "Pages of this origin are refused",
		Change: "Add the origin to ALLOWED_ORIGINS of the server.",
		Page:   "README.md#settings",
	},
	"host": {
		Title:  "The Host header is changed",
		Change: "Let the proxy pass the Host of the browser on, with its port, or add the origin to ALLOWED_ORIGINS.",
		Lines: lines("proxy_set_header Host $http_host;", "remove header_up Host",
			"ProxyPreserveHost On", "remove http-request set-header Host"),
		Page: pageProxy,
	},
	"cookie": {
		Title:  "Cookies do not reach the server",
		Change: "Let the proxy pass the header Cookie on.",
		Lines: lines(`remove proxy_set_header Cookie ""`, "remove header_up -Cookie",
			"remove RequestHeader unset Cookie", "remove http-request del-header Cookie"),
		Page: "docs/authentication.md#cookies",
	},
	"authorization": {
		Title:  "The Authorization header does not reach the server",
		Change: "Let the proxy pass the header on. If it asks for a password itself, leave the paths of the server out.",
		Lines: lines("auth_basic off;  # and no proxy_set_header Authorization",
			"remove basic_auth and header_up -Authorization", "AuthType None  # and no RequestHeader unset Authorization",
			"remove http-request auth and del-header Authorization"),
		Page: "docs/http-api.md#keys",
	},
	"token": {
		Title:  "The token is not accepted",
		Change: "Sign tokens with the key of the server, and with sub and exp; a client needs its channels in the claim channels, or in PUBLIC_CHANNELS.",
		Page:   pageTokens,
	},
	"clock": {
		Title:  "The clocks differ",
		Change: "Run a time service, such as chrony or systemd-timesyncd, on the server, its proxies, and the issuer of tokens.",
		Page:   pageTokens,
	},
	"http1": {
		Title:  "Browsers get no HTTP/2",
		Change: "Offer HTTP/2 over TLS.",
		Lines: lines("listen 443 ssl http2;  # from 1.25.1: http2 on;", "protocols h1 h2  # in servers; it is the default",
			"Protocols h2 http/1.1  # with mod_http2", "bind :443 ssl crt … alpn h2,http/1.1"),
		Page: "docs/clients.md#six-connections",
	},
	"body": {
		Title:  "Large bodies are refused",
		Change: "Allow bodies of 1 MiB, and more if backends send large batches.",
		Lines: lines("client_max_body_size 1m;", "request_body { max_size 1MB }",
			"LimitRequestBody 1048576", "remove http-request deny if { req.body_size gt … }"),
		Page: pageProxy,
	},
	"headers": {
		Title:  "Large headers or URLs are refused",
		Change: "Allow headers and URLs of 8 KiB: tokens are there.",
		Lines: lines("large_client_header_buffers 4 16k;", "servers { max_header_size 16KB }",
			"LimitRequestFieldSize 16384\nLimitRequestLine 16384", "tune.bufsize 32768  # in global"),
		Page: pageProxy,
	},
	"address": {
		Title:  "All clients have the address of the proxy",
		Change: "Let the proxy add X-Forwarded-For, and name the proxy in TRUSTED_PROXIES, or limits and guesses count all clients as one.",
		Lines: lines("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
			"reverse_proxy 127.0.0.1:3000  # adds it", "ProxyAddHeaders On", "option forwardfor"),
		Page: pageProxy,
	},
	"forwarded": {
		Title:  "Clients can claim any address",
		Change: "Let the proxy write X-Forwarded-For, or add to it, instead of passing on what clients write.",
		Lines: lines("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
			"remove header_up X-Forwarded-For", "ProxyAddHeaders On", "option forwardfor"),
		Page: pageProxy,
	},
}
