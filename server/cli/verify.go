package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server/verify"
)

// maxSecretFile is how much of the files of --key-file and --token-file is read.
const maxSecretFile = 16 << 10

// errFaults is the error of a verification that found something to change.
var errFaults = errors.New("faults were found")

// Verify checks a server as a client, through the proxies in front of it.
type Verify struct {
	remote
	Key       auth.Secret   `name:"key" env:"ROOMCAST_API_KEY" placeholder:"KEY" help:"API key; without it the first of API_KEYS. Without any, fewer checks are possible."`
	KeyFile   string        `name:"key-file" placeholder:"FILE" help:"File that holds the API key."`
	Token     auth.Secret   `name:"token" env:"ROOMCAST_TOKEN" placeholder:"JWT" help:"Check the claims of this token of a user, and whether cookies pass."`
	TokenFile string        `name:"token-file" placeholder:"FILE" help:"File that holds the token."`
	Origin    string        `name:"origin" placeholder:"ORIGIN" help:"Origin of pages on another host, such as https://app.example.com, for CORS."`
	Idle      time.Duration `name:"idle" default:"10s" min:"0s" max:"1h" help:"Time for which idle connections are kept, to find proxies that close them; 0 = not checked."`
	Timeout   time.Duration `name:"timeout" default:"5m" min:"1s" max:"3h" help:"Maximum time of all checks."`
	JSON      bool          `name:"json" help:"Print the report as JSON."`

	At string `arg:"" optional:"" name:"url" help:"URL of the server as clients use it, such as https://push.example.com; the default is that of --url."`
}

// Run runs the checks. What makes them impossible has exit code 2, also a server that cannot be
// reached: a script must not take it for a fault of a proxy.
func (v *Verify) Run(e Environment, c config.Config) error {
	server, err := remote{URL: cmp.Or(v.At, v.URL)}.target(c)
	if err != nil {
		return usageError(strings.Replace(err.Error(), "--url: ", "URL: ", 1))
	}
	o := verify.DefaultOptions()
	o.Base, o.TLS, o.Origin, o.Idle = server.base, server.tls, v.Origin, v.Idle
	o.Name, o.Dial, o.Proxy = server.name(), server.dial, server.proxy
	o.SocketIOPath, o.SSEPath = c.SocketIOPath, c.SSEPath
	if o.Key, err = secret(v.Key, v.KeyFile, "--key-file"); err != nil {
		return err
	}
	if o.Token, err = secret(v.Token, v.TokenFile, "--token-file"); err != nil {
		return err
	}
	if o.Key == "" && len(c.APIKeys) > 0 {
		if o.Key, err = firstKey(c); err != nil {
			return err
		}
	}
	var printer *progress
	if !v.JSON {
		printer = newProgress(e.Stdout)
		o.Begin, o.Done = printer.begin, printer.done
	}
	ctx, cancel := context.WithTimeout(e.Context, v.Timeout)
	defer cancel()
	report, err := verify.Run(ctx, o)
	if printer != nil {
		printer.end()
	}
	if err != nil {
		return usageError(err.Error())
	}
	if v.JSON {
		err = printJSON(e.Stdout, report)
	} else {
		err = printReport(e.Stdout, report)
	}
	switch {
	case err != nil:
		return err
	case report.Faults > 0:
		return errFaults
	case !report.Complete && e.Context.Err() != nil:
		return usageError("the checks were interrupted")
	case !report.Complete:
		return usageError(fmt.Sprintf("the checks took longer than --timeout %s", v.Timeout))
	}
	return nil
}

// secret returns the value of a flag, or the content of its file.
func secret(value auth.Secret, file, flag string) (string, error) {
	if file == "" {
		return string(value), checkHeader(string(value), strings.TrimSuffix(flag, "-file"))
	}
	f, err := os.Open(file)
	if err != nil {
		return "", usageError(flag + ": " + err.Error())
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
	if err != nil {
		return "", usageError(flag + ": " + err.Error())
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || bytes.ContainsAny(text, " \t\r\n") {
		return "", usageError(flag + ": expected one line that is not empty")
	}
	return string(text), nil
}

// printReport prints the faults with what to change, and the sum.
func printReport(w io.Writer, r verify.Report) error {
	var b strings.Builder
	for _, result := range r.Results {
		if result.State != verify.Fault {
			continue
		}
		a := result.Advice
		fmt.Fprintf(&b, "\n%s [%s]\n  Seen: %s.\n  %s\n", a.Title, result.Fault,
			clean(result.Detail), a.Change)
		for _, proxy := range verify.Proxies {
			for i, line := range strings.Split(a.Lines[proxy], "\n") {
				name := proxy
				if i > 0 {
					name = ""
				}
				if line != "" {
					fmt.Fprintf(&b, "    %-8s %s\n", name, line)
				}
			}
		}
		fmt.Fprintf(&b, "  More: %s\n", a.Page)
	}
	if len(r.Counts) > 0 {
		fmt.Fprintf(&b, "\n%-12s %9s %8s %6s %8s %10s\n", "transport", "published", "received",
			"lost", "doubled", "reordered")
	}
	for _, c := range r.Counts {
		fmt.Fprintf(&b, "%-12s %9d %8d %6d %8d %10d\n", c.Transport, c.Published, c.Received, c.Lost,
			c.Doubled, c.Reordered)
	}
	fmt.Fprintf(&b, "\n%s: %s\n", r.URL, sum(r))
	_, err := io.WriteString(w, b.String())
	return err
}

// sum is the last line of a report.
func sum(r verify.Report) string {
	text := fmt.Sprintf("%d faults", r.Faults)
	switch r.Faults {
	case 0:
		text = "no faults"
	case 1:
		text = "1 fault"
	}
	if !r.Complete {
		text += " so far; not everything was checked"
	}
	return text
}
