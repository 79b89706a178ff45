package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// ErrHelp is returned by [Load] after it has printed the help.
var ErrHelp = errors.New("help was printed")

// InvalidError lists every mistake in the settings.
type InvalidError struct {
	// Problems has one line for each mistake: the setting, the value given, the allowed values. No
	// line contains the value of a secret.
	Problems []string
}

// Error lists the problems.
func (e *InvalidError) Error() string {
	if len(e.Problems) == 1 {
		return "settings: " + e.Problems[0]
	}
	return fmt.Sprintf("settings: %d mistakes\n  %s", len(e.Problems),
		strings.Join(e.Problems, "\n  "))
}

// Load reads the settings. A flag takes precedence over the environment, the environment over the
// file named by --config, the file over the default, which SOCKETIO_PRESET may change. args are the
// arguments without the program's name; lookup is [os.LookupEnv] or a substitute. Load prints the
// help to stdout when args ask for it, and returns [ErrHelp]. Mistakes are returned together as an
// [*InvalidError].
func Load(args []string, lookup func(string) (string, bool), stdout io.Writer) (Config, error) {
	invocation, err := Parse(args, lookup, stdout)
	return invocation.Config, err
}

var errInternal = errors.New("config: invalid struct tags")

// grammar is the command line. Settings are flags of the program, so they may precede or follow a
// command.
type grammar struct {
	Settings Config   `embed:""`
	File     string   `name:"config" placeholder:"FILE" help:"JSON file of settings: one flat object, with keys named like the flags or the variables."`
	Serve    struct{} `cmd:"" default:"1" help:"Serve until SIGTERM or SIGINT (the default)."`
	kong.Plugins
}

// loader collects the values and the mistakes of one Load.
type loader struct {
	lookup   func(string) (string, bool)
	commands []any
	helped   bool

	envs     map[string]string // flag -> environment name
	resolved map[string]string // flag -> source, when it was not given as a flag
	bad      map[string]bad    // flag -> its invalid value
	problems []string

	secretsAway bool            // there are none in SECRETS_DIR
	readOnce    map[string]bool // settings whose files cannot be read again
	pipes       pipes

	fileRead   bool
	fileName   string
	fileValues map[string]string // flag -> text
}

// bad is a value that its setting does not allow.
type bad struct{ got, allowed string }

func newLoader(lookup func(string) (string, bool)) *loader {
	return &loader{lookup: lookup, resolved: map[string]string{}, bad: map[string]bad{},
		pipes: pipes{}}
}

func (l *loader) fail(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// parse runs kong without two of its features: it would read the environment of the process instead
// of lookup, and its mappers would stop at the first mistake.
func (l *loader) parse(args []string, stdout io.Writer) (*grammar, *kong.Context, error) {
	g := &grammar{Plugins: l.commands}
	k, err := newKong(g, stdout, append(l.mappers(),
		kong.Exit(func(int) { l.helped = true }),
		kong.Resolvers(kong.ResolverFunc(l.find)),
		kong.ValueFormatter(l.describe))...)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errInternal, err)
	}
	l.envs = map[string]string{}
	nodes := append([]*kong.Node{k.Model.Node}, k.Model.Leaves(false)...)
	for _, node := range nodes {
		for _, flag := range node.Flags {
			if len(flag.Tag.Envs) > 0 {
				l.envs[flag.Name] = flag.Tag.Envs[0]
			}
			flag.Tag.Envs, flag.Envs = nil, nil
		}
	}
	ctx, err := k.Parse(args)
	return g, ctx, err
}

func newKong(g *grammar, stdout io.Writer, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(g, append([]kong.Option{
		kong.Name("roomcast"),
		kong.Description("Delivers notifications of backends to " +
			"Socket.IO and EventSource clients.\n\n" +
			"Flags take precedence over the environment, the environment over the file, " +
			"the file over defaults."),
		kong.Writers(stdout, stdout),
		kong.PostBuild(fillDefaults),
		kong.Help(printHelp),
	}, options...)...)
}

// printHelp hides the settings in the help of commands that need few of them.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	command := ctx.Selected()
	brief := command != nil && command.Name != "serve" && command.Name != "config"
	for _, flag := range ctx.Model.Flags {
		if brief && flag.Name != "help" && flag.Name != "config" {
			flag.Hidden = true
		}
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil || !brief {
		return err
	}
	_, err := fmt.Fprintf(ctx.Stdout, "\nSettings are accepted too: %s --help lists them.\n",
		ctx.Model.Name)
	return err
}

// describe returns the help of one flag with its variable.
func (l *loader) describe(v *kong.Value) string {
	if env := l.envs[v.Name]; env != "" {
		return v.Help + " ($" + env + ")"
	}
	return v.Help
}

// find looks a flag up in the environment, then in the file. It returns nil when neither has it.
func (l *loader) find(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" || flag.Name == "config" {
		return nil, nil
	}
	l.readFile(ctx)
	mayBeEmpty := flag.Target.Kind() == reflect.Slice && !isSecret(flag.Target) ||
		flag.Tag.Has("blank")
	if env := l.envs[flag.Name]; env != "" {
		if text, set := l.lookup(env); set && (text != "" || mayBeEmpty) {
			l.resolved[flag.Name] = "environment"
			return text, nil
		}
	}
	if text, set := l.fileValues[flag.Name]; set && (text != "" || mayBeEmpty) {
		l.resolved[flag.Name] = "file " + l.fileName
		return text, nil
	}
	if text, set := l.presetOf(ctx)[l.envs[flag.Name]]; set {
		l.resolved[flag.Name] = presetSource
		return text, nil
	}
	return nil, nil
}

// presetOf returns the defaults of the preset that flags, environment or file ask for, by the name
// of the variable. It is nil without one.
func (l *loader) presetOf(ctx *kong.Context) map[string]string {
	const name = "socketio-preset"
	chosen := l.fileValues[name]
	if text, set := l.lookup(l.envs[name]); set && text != "" {
		chosen = text
	}
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == name && !p.Resolved {
			chosen, _ = ctx.FlagValue(p.Flag).(string)
		}
	}
	if chosen == presetNode {
		return nodePreset()
	}
	return nil
}

// sources returns the source of each setting, by the name of its environment variable.
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

// report returns all mistakes: the values of settings in the order of the reference, the values of
// the command's flags, then the others.
func (l *loader) report() []string {
	var lines []string
	settings := map[string]bool{}
	for _, s := range fields() {
		settings[s.Name] = true
		if b, ok := l.bad[s.Name]; ok {
			source, given := l.resolved[s.Name]
			if !given {
				source = "flag --" + s.Name
			}
			lines = append(lines, fmt.Sprintf("%s (%s): got %s, allowed: %s", s.Env, source, b.got,
				b.allowed))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.bad)) {
		if !settings[name] { // of a command
			lines = append(lines, fmt.Sprintf("--%s: got %s, allowed: %s", name, l.bad[name].got,
				l.bad[name].allowed))
		}
	}
	return append(lines, l.problems...)
}
