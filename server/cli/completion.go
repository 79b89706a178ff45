package cli

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"
)

// Completion prints a completion script. It uses the same model as the help, so it completes every
// command and flag.
type Completion struct {
	Shell string `arg:"" allow:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the script.
func (c *Completion) Run(e Environment, ctx *kong.Context) error {
	if c.Shell == "" { // an invalid one, which Parse has reported
		return usageError("shell: allowed: bash, zsh, fish")
	}
	script, err := completion(c.Shell, words(ctx.Model))
	if err != nil {
		return err
	}
	_, err = io.Copy(e.Stdout, script)
	return err
}

// word is a command; "" is the program without a command, which is serve.
type word struct {
	Name, Help string
	Flags      []flagWord
	Values     []string // of its argument
}

type flagWord struct {
	Name, Help string
	Bool, File bool
	Values     []string
}

// Takes returns the flags whose argument is one of a few values, or a file.
func (w word) Takes(file bool) []flagWord {
	var all []flagWord
	for _, f := range w.Flags {
		if file && f.File || !file && len(f.Values) > 0 {
			all = append(all, f)
		}
	}
	return all
}

// words returns the commands of the model. Settings are completed without a command, for serve and
// for config.
func words(model *kong.Application) []word {
	settings := flagWords(model.Flags)
	all := []word{{Flags: settings}}
	for _, command := range model.Leaves(true) {
		if group := command.Parent; group != nil && group.Type == kong.CommandNode {
			all = addToGroup(all, group, command)
			continue
		}
		w := word{
			Name: command.Name, Help: firstSentence(command.Help), Flags: flagWords(command.Flags),
		}
		if command.Name == "serve" || command.Name == "config" {
			w.Flags = append(w.Flags, settings...)
		}
		for _, argument := range command.Positional {
			w.Values = append(w.Values, choices(argument.Tag)...)
		}
		all = append(all, w)
	}
	return all
}

// addToGroup adds a command of a group, which is completed as an argument of the group.
func addToGroup(all []word, group, command *kong.Node) []word {
	if last := &all[len(all)-1]; last.Name != group.Name {
		all = append(all, word{Name: group.Name, Help: firstSentence(group.Help)})
	}
	w := &all[len(all)-1]
	w.Values = append(w.Values, command.Name)
	for _, flag := range flagWords(command.Flags) {
		if !slices.ContainsFunc(w.Flags, func(f flagWord) bool { return f.Name == flag.Name }) {
			w.Flags = append(w.Flags, flag)
		}
	}
	return all
}

func flagWords(flags []*kong.Flag) []flagWord {
	var all []flagWord
	for _, f := range flags {
		if f.Name == "help" {
			continue
		}
		all = append(all, flagWord{
			Name: f.Name, Help: firstSentence(f.Help), Bool: f.IsBool(),
			File: f.Name == "config" || strings.HasSuffix(f.Name, "-file"), Values: choices(f.Tag),
		})
	}
	return all
}

func choices(tag *kong.Tag) []string {
	if allowed := tag.Get("allow"); allowed != "" {
		return strings.Split(allowed, ",")
	}
	return nil
}

// firstSentence returns a help text up to its first full stop, without characters that are special
// in a shell.
func firstSentence(help string) string {
	help, _, _ = strings.Cut(help, ". ")
	help = strings.TrimSuffix(help, ".")
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("'\"`$\\[]:", r) {
			return ' '
		}
		return r
	}, help)
}

func completion(shell string, commands []word) (io.Reader, error) {
	functions := template.FuncMap{"join": strings.Join}
	t, err := template.New(shell).Funcs(functions).Parse(map[string]string{
		"bash": bashScript, "zsh": zshScript, "fish": fishScript,
	}[shell])
	if err != nil {
		return nil, err
	}
	out := new(bytes.Buffer)
	return out, t.Execute(out, commands)
}

const bashScript = `# Completion for bash: source <(roomcast completion bash)
_roomcast() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= i
  if [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $cur == = ]]; then cur=; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      {{range $i, $w := .}}{{if $w.Name}}{{if gt $i 1}}|{{end}}{{$w.Name}}{{end}}{{end}}) command=${COMP_WORDS[i]}; break ;;
    esac
  done
  COMPREPLY=()
  case $command:$prev in
{{- range $w := .}}{{range .Takes false}}
    {{$w.Name}}:--{{.Name}}) COMPREPLY=($(compgen -W '{{join .Values " "}}' -- "$cur")); return ;;{{end}}{{range .Takes true}}
    {{$w.Name}}:--{{.Name}}) COMPREPLY=($(compgen -f -- "$cur")); return ;;{{end}}{{end}}
  esac
  case $command in
{{- range .}}
    {{if .Name}}{{.Name}}{{else}}""{{end}}) COMPREPLY=($(compgen -W '{{join .Values " "}}{{range .Flags}} --{{.Name}}{{end}} --help' -- "$cur")) ;;{{end}}
  esac
  if [[ -z $command && $cur != -* ]]; then
    COMPREPLY=($(compgen -W '{{range .}}{{if .Name}}{{.Name}} {{end}}{{end}}' -- "$cur"))
  fi
}
complete -F _roomcast roomcast
`

const zshScript = `#compdef roomcast
# Completion for zsh: source <(roomcast completion zsh)
_roomcast() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=({{range .}}{{if .Name}}
    '{{.Name}}:{{.Help}}'{{end}}{{end}}
  )
  _arguments -C{{range (index . 0).Flags}} \
    {{template "flag" .}}{{end}} \
    '1:command:->command' '*::argument:->argument' && return
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in{{range .}}{{if .Name}}
        {{.Name}}) _arguments{{range .Flags}} \
          {{template "flag" .}}{{end}}{{if .Values}} \
          '1:value:({{join .Values " "}})'{{end}} ;;{{end}}{{end}}
      esac ;;
  esac
}
# As a file of fpath it is loaded at the first completion, which it answers, too.
if [[ ${funcstack[1]} == _roomcast ]]; then
  _roomcast "$@"
else
  compdef _roomcast roomcast
fi
{{- define "flag"}}'*--{{.Name}}{{if not .Bool}}={{end}}[{{.Help}}]{{if .Values}}:value:({{join .Values " "}}){{else if .File}}:file:_files{{else if not .Bool}}:value:{{end}}'{{end}}
`

const fishScript = `# Completion for fish: roomcast completion fish | source
complete -c roomcast -f
{{- range $w := .}}
{{- if .Name}}
complete -c roomcast -n __fish_use_subcommand -a {{.Name}} -d '{{.Help}}'
{{- range .Values}}
complete -c roomcast -n '__fish_seen_subcommand_from {{$w.Name}}' -a {{.}}
{{- end}}{{end}}
{{- range .Flags}}
complete -c roomcast -n {{if $w.Name}}'__fish_seen_subcommand_from {{$w.Name}}'{{else}}__fish_use_subcommand{{end}} -l {{.Name}}{{if .File}} -rF{{else if not .Bool}} -x{{end}}{{if .Values}} -a '{{join .Values " "}}'{{end}} -d '{{.Help}}'
{{- end}}{{end}}
`
