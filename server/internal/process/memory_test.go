//go:build linux

package process

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

func TestKilobytes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want int64
		err  string
	}{
		"a line of smaps_rollup":   {"55d0 ---p\nRss:    1520 kB\nPss: 80 kB\n", 1520 << 10, ""},
		"the last line, not ended": {"Name:\tcat\nRss:\t7 kB", 7 << 10, ""},
		"zero":                     {"Rss: 0 kB\n", 0, ""},
		"no such line":             {"RssAnon: 12 kB\nVmRSS: 12 kB\n", 0, "no line Rss:"},
		"nothing":                  {"", 0, "no line Rss:"},
		"another unit":             {"Rss: 12 MB\n", 0, "no line Rss:"},
		"no number":                {"Rss: many kB\n", 0, `Rss: "many": not a size`},
		"less than nothing":        {"Rss: -1 kB\n", 0, `Rss: "-1": not a size`},
		"above 2^53":               {"Rss: 9007199254740993 kB", 0, `Rss: "9007199254740993": not a size`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := kilobytes([]byte(c.text), "Rss:")
			if got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
			if (c.err == "") != (err == nil) || err != nil && err.Error() != c.err {
				t.Errorf("got %v, want %q", err, c.err)
			}
		})
	}
}

func TestResidentReadsStatusWhereThereIsNoRollup(t *testing.T) {
	t.Parallel()
	read := func(name string) ([]byte, error) {
		if name != "/proc/42/status" {
			return nil, fs.ErrNotExist
		}
		return []byte("Name:\troomcast\nVmHWM:\t   30 kB\nVmRSS:\t   20 kB\n"), nil
	}
	if got, err := resident(read, 42); got != 20<<10 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if got, err := resident(read, 43); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that has ended: %d, %v", got, err)
	}
}

func TestResidentOfThisProcess(t *testing.T) {
	t.Parallel()
	got, err := resident(os.ReadFile, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	onlyStatus := func(name string) ([]byte, error) {
		if strings.HasSuffix(name, "smaps_rollup") {
			return nil, fs.ErrPermission
		}
		return os.ReadFile(name)
	}
	other, err := resident(onlyStatus, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if got < 1<<20 || got > 10*other || other > 10*got {
		t.Errorf("smaps_rollup has %d bytes, status %d", got, other)
	}
}

func TestPeakOfAProcess(t *testing.T) {
	t.Parallel()
	listen := []string{"LISTEN=127.0.0.1:" + Port}
	p := start(t, Command{Args: []string{os.Args[0]}, Env: listen, Core: AnyCore})
	if err := p.ResetPeak(); err != nil {
		t.Skipf("this kernel keeps the first peak: %v", err)
	}
	now, err := p.Resident()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Peak(); got < now/10 || err != nil {
		t.Errorf("peak %d, %v; resident %d", got, err, now)
	}
}
