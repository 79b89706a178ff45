package config

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// ErrHelp is returned by [Load] when help was asked for and printed.
var ErrHelp = errors.New("help was printed")

// InvalidError is every mistake in the settings at once.
type InvalidError struct {
	// Problems has one line each: the setting, what came, what is allowed. The value of a secret is in none.
	Problems []string
}

// Error lists the problems.
func (e *InvalidError) Error() string {
	if len(e.Problems) == 1 {
		return "settings: " + e.Problems[0]
	}
	return fmt.Sprintf("settings: %d mistakes\n  %s", len(e.Problems), strings.Join(e.Problems, "\n  "))
}

// Load reads the settings: a flag wins over the environment, the environment over the file named by --config, the file
// over the default. args are the arguments without the program's name; lookup is [os.LookupEnv] or stands in for it;
// help goes to stdout and is [ErrHelp]. Mistakes are an [*InvalidError] with all of them.
func Load(args []string, lookup func(string) (string, bool), stdout io.Writer) (Config, error) {
	l := newLoader(lookup)
	g, ctx, err := l.parse(args, stdout)
	switch {
	case l.helped:
		return Config{}, ErrHelp
	case err != nil:
		// The flags did not make sense; what is wrong elsewhere is still worth telling now.
		l.fail("%s", err)
		if _, _, err := l.parse(nil, io.Discard); err != nil && !errors.Is(err, errInternal) {
			l.fail("%s", err)
		}
		return Config{}, &InvalidError{l.report()}
	}
	c := g.Settings
	c.Command = ctx.Command()
	c.sources = l.sources(ctx)
	l.resolve(&c)
	if problems := l.report(); len(problems) > 0 {
		return Config{}, &InvalidError{problems}
	}
	return c, nil
}

var errInternal = errors.New("config: the struct's tags are wrong")

// grammar is the command line. Settings are flags of the program, so they may stand before or after a command.
type grammar struct {
	Settings Config   `embed:""`
	File     string   `name:"config" placeholder:"FILE" help:"JSON file of settings: one flat object, its keys named like the flags or the variables."`
	Serve    struct{} `cmd:"" default:"1" help:"Serve until told to stop (the default)."`
}

// loader collects what is read and what is wrong with it. It lives as long as one Load.
type loader struct {
	lookup func(string) (string, bool)
	helped bool

	envs     map[string]string // flag -> environment name
	resolved map[string]string // flag -> source, when not a flag
	bad      map[string]bad    // flag -> the value that could not be read
	problems []string

	fileRead   bool
	fileName   string
	fileValues map[string]string // flag -> text
}

// bad is a value that its setting does not allow.
type bad struct{ came, allowed string }

func newLoader(lookup func(string) (string, bool)) *loader {
	return &loader{lookup: lookup, resolved: map[string]string{}, bad: map[string]bad{}}
}

func (l *loader) fail(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// parse runs kong. Its own reading of the environment is switched off, for it would read the process's and not lookup;
// and its mappers are replaced by ours, which note a mistake and go on, where kong's would stop at the first.
func (l *loader) parse(args []string, stdout io.Writer) (*grammar, *kong.Context, error) {
	g := new(grammar)
	k, err := newKong(g, stdout, append(l.mappers(),
		kong.Exit(func(int) { l.helped = true }),
		kong.Resolvers(kong.ResolverFunc(l.find)),
		kong.ValueFormatter(l.describe))...)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errInternal, err)
	}
	l.envs = map[string]string{}
	for _, flag := range k.Model.Flags {
		if len(flag.Tag.Envs) > 0 {
			l.envs[flag.Name] = flag.Tag.Envs[0]
		}
		flag.Tag.Envs, flag.Envs = nil, nil
	}
	ctx, err := k.Parse(args)
	return g, ctx, err
}

func newKong(g *grammar, stdout io.Writer, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(g, append([]kong.Option{
		kong.Name("roomcast"),
		kong.Description("Keeps browsers up to date: what a backend posts reaches Socket.IO and EventSource clients.\n\n" +
			"Flags win over the environment, the environment over the file, the file over defaults."),
		kong.Writers(stdout, stdout),
	}, options...)...)
}

// describe is the help of one flag, with its variable.
func (l *loader) describe(v *kong.Value) string {
	if env := l.envs[v.Name]; env != "" {
		return v.Help + " ($" + env + ")"
	}
	return v.Help
}

// find is the resolver: the environment, then the file. Nil = neither has the setting.
func (l *loader) find(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" || flag.Name == "config" {
		return nil, nil
	}
	l.readFile(ctx)
	isList := flag.Target.Kind() == reflect.Slice && !isSecret(flag.Target)
	if env := l.envs[flag.Name]; env != "" {
		if text, set := l.lookup(env); set && (text != "" || isList) {
			l.resolved[flag.Name] = "environment"
			return text, nil
		}
	}
	if text, set := l.fileValues[flag.Name]; set && (text != "" || isList) {
		l.resolved[flag.Name] = "file " + l.fileName
		return text, nil
	}
	return nil, nil
}

// sources says where each setting came from, by environment name.
func (l *loader) sources(ctx *kong.Context) map[string]string {
	s := map[string]string{}
	for flag, source := range l.resolved {
		s[l.envs[flag]] = source
	}
	for _, p := range ctx.Path {
		if p.Flag != nil && !p.Resolved && l.envs[p.Flag.Name] != "" {
			s[l.envs[p.Flag.Name]] = "flag"
		}
	}
	return s
}

// report returns all problems: values in the order of the settings, then the rest.
func (l *loader) report() []string {
	var lines []string
	for _, s := range fields() {
		if b, ok := l.bad[s.Name]; ok {
			source, given := l.resolved[s.Name]
			if !given {
				source = "flag --" + s.Name
			}
			lines = append(lines, fmt.Sprintf("%s (%s): got %s, allowed: %s", s.Env, source, b.came, b.allowed))
		}
	}
	return append(lines, l.problems...)
}
