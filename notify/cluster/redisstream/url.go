package redisstream

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// target is what an URL says. Exactly one of network unix, cluster and master is set, or none.
type target struct {
	network  string   // tcp or unix
	addrs    []string // host:port, or the path of a socket; without cluster and master, one
	tls      bool
	insecure bool // with tls: any certificate is good
	cluster  bool
	master   string // the name of the primary that Sentinels know

	user, password                 string
	sentinelUser, sentinelPassword string
	db                             int

	former string // the password before that of the URL
}

// isAt reports whether two targets differ in the user and the password of the data at most.
func (t *target) isAt(other *target) bool {
	a, b := *t, *other
	a.user, a.password, a.former = b.user, b.password, b.former
	return reflect.DeepEqual(a, b)
}

// errURL is the error of a text that is no URL. The text can have a password in any part of it.
var errURL = errors.New("expected redis://user:password@host:port/db, or rediss:// or unix://; " +
	"in user and password, percent-encode /, ?, # and @")

// parseURL reads Options.URL. Its errors have no part of the URL that can be a password.
func parseURL(text string) (*target, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || strings.Contains(text, "#") {
		return nil, errURL // the cause quotes the text
	}
	// A password with / or ? ends the host, and the rest of it, up to the @, is in the path or query.
	if strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return nil, errURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errURL
	}
	t := &target{network: "tcp", user: u.User.Username()}
	t.password, _ = u.User.Password()
	switch u.Scheme {
	case "redis":
	case "rediss":
		t.tls = true
	case "unix":
		t.network = "unix"
	default:
		return nil, errURL
	}
	if err := t.readPlace(u); err != nil {
		return nil, err
	}
	return t, t.readQuery(query)
}

// readPlace reads the host, and the database or the socket behind it.
func (t *target) readPlace(u *url.URL) (err error) {
	path := strings.Trim(u.Path, "/")
	if t.network == "unix" {
		if u.Host != "" || path == "" {
			return errors.New("unix: expected a path, as in unix:///run/redis.sock")
		}
		t.addrs = []string{u.Path}
		return nil
	}
	host, port := u.Hostname(), u.Port()
	if host == "" {
		return errURL
	}
	if port == "" {
		port = "6379"
	}
	t.addrs = []string{net.JoinHostPort(host, port)}
	if path != "" {
		t.db, err = readDB("path", path)
	}
	return err
}

// parameters of the URL.
var parameters = []string{
	"addr", "cluster", "db", "master_name", "password", "skip_verify", "username",
}

func (t *target) readQuery(query url.Values) (err error) {
	for name, values := range query {
		if !slices.Contains(parameters, name) {
			return fmt.Errorf("unknown parameter %.40q, expected one of %s", name,
				strings.Join(parameters, ", "))
		}
		if len(values) > 1 && name != "addr" {
			return fmt.Errorf("duplicate parameter %s", name)
		}
	}
	if t.cluster, err = readBool(query, "cluster"); err != nil {
		return err
	}
	if t.insecure, err = readBool(query, "skip_verify"); err != nil {
		return err
	}
	if query.Has("db") {
		if t.db, err = readDB("db", query.Get("db")); err != nil {
			return err
		}
	}
	t.master = query.Get("master_name")
	for _, addr := range query["addr"] {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || host == "" || port == "" {
			return errors.New("addr: expected host:port")
		}
		t.addrs = append(t.addrs, net.JoinHostPort(host, port))
	}
	if t.master != "" { // the Sentinels' are in front of the host
		t.sentinelUser, t.sentinelPassword = t.user, t.password
		t.user, t.password = query.Get("username"), query.Get("password")
	} else if query.Has("username") || query.Has("password") {
		return errors.New("username and password are parameters with master_name only; " +
			"else they are in front of the host")
	}
	return t.check(query)
}

// check refuses what does not go together.
func (t *target) check(query url.Values) error {
	switch {
	case t.cluster && t.master != "":
		return errors.New("expected cluster or master_name, not both")
	case t.network == "unix" && (t.cluster || t.master != ""):
		return errors.New("unix: cluster and master_name need the address of a host")
	case t.cluster && t.db != 0:
		return errors.New("db: a Redis Cluster has database 0 only")
	case len(t.addrs) > 1 && !t.cluster && t.master == "":
		return errors.New("addr: expected cluster=true or master_name with it")
	case query.Has("skip_verify") && !t.tls:
		return errors.New("skip_verify: expected rediss:// with it")
	}
	return nil
}

func readDB(name, text string) (int, error) {
	db, err := strconv.Atoi(text)
	if err != nil || db < 0 {
		return 0, fmt.Errorf("%s: expected the number of a database", name)
	}
	return db, nil
}

func readBool(query url.Values, name string) (bool, error) {
	switch query.Get(name) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	case "":
		if !query.Has(name) {
			return false, nil
		}
	}
	return false, fmt.Errorf("%s: expected true or false", name)
}

// passwords returns what may be in no error and no log.
func (t *target) passwords() (all []string) {
	for _, password := range []string{t.password, t.sentinelPassword, t.former} {
		if password != "" {
			all = append(all, password)
		}
	}
	return all
}
