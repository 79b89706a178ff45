package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"sort"
	"strings"
)

// docsPolicy is the Content-Security-Policy of the page. It allows the style and the script of the
// page and requests to its origin, and forbids the functions that turn text into markup.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

//go:embed docs
var docsFiles embed.FS

// docsGroup is a heading of the page with its routes.
type docsGroup struct {
	Name   string
	Routes []docsRoute
}

type docsRoute struct {
	*route
	Params  []param
	Body    *docsBody
	Replies []docsReply
}

type docsBody struct {
	Fields  []docsField
	Example string
	Rows    int
}

type docsField struct {
	Name, Type, Doc string
	Required        bool
	Inside          []docsField // the fields of an object, such as data of a kind
}

type docsReply struct {
	Status int
	Text   string
}

// docsPage renders the page that lists routes and objects.
func docsPage(routes []route, objects []*object) []byte {
	page, err := template.New("docs.html").Funcs(template.FuncMap{"text": docsText}).
		ParseFS(docsFiles, "docs/docs.html")
	if err != nil {
		panic(err) // the file is part of the binary
	}
	var groups []docsGroup
	for i := range routes {
		r := &routes[i]
		if len(groups) == 0 || groups[len(groups)-1].Name != r.Group {
			groups = append(groups, docsGroup{Name: r.Group})
		}
		group := &groups[len(groups)-1]
		group.Routes = append(group.Routes, newDocsRoute(r))
	}
	var out bytes.Buffer
	err = page.Execute(&out, struct {
		Groups  []docsGroup
		Objects []docsObject
	}{groups, docsObjects(objects)})
	if err != nil {
		panic(err) // the values come from this package
	}
	return out.Bytes()
}

// docsText returns a text of the description as HTML, with what is between backticks as code.
func docsText(text string) template.HTML {
	parts := strings.Split(text, "`")
	if len(parts)%2 == 0 {
		return template.HTML(template.HTMLEscapeString(text)) // one without its other
	}
	var out strings.Builder
	for i, part := range parts {
		if part = template.HTMLEscapeString(part); i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		out.WriteString(part)
	}
	return template.HTML(out.String())
}

func newDocsRoute(r *route) docsRoute {
	d := docsRoute{route: r, Params: r.params()}
	if r.Body != nil {
		example := indented(r.Body.Example)
		d.Body = &docsBody{
			Fields: docsFields(r.Body.Object.Fields), Example: example,
			Rows: strings.Count(example, "\n") + 2,
		}
	}
	statuses := []int{r.status()}
	if r.busy {
		statuses = append(statuses, http.StatusServiceUnavailable)
	}
	for _, status := range append(statuses, r.errors()...) {
		d.Replies = append(d.Replies, docsReply{status, strings.ToLower(http.StatusText(status))})
	}
	return d
}

// Anchor returns the id of the route's element on the page.
func (d docsRoute) Anchor() string { return d.ID }

// Endless reports whether the response does not end, so that the page cannot show it.
func (d docsRoute) Endless() bool { return d.media == streamMedia }

// Pretty returns the example of the response with one line per field.
func (d docsRoute) Pretty() string { return indented(d.Example) }

type docsObject struct {
	Name, Doc string
	Fields    []docsField
}

func docsObjects(objects []*object) []docsObject {
	var all []docsObject
	for _, o := range objects {
		all = append(all, docsObject{o.Name, o.Doc, docsFields(o.Fields)})
	}
	return all
}

func docsFields(fields []field) []docsField {
	var all []docsField
	for _, f := range fields {
		d := docsField{Name: f.Name, Type: typeText(f.Schema), Doc: f.Doc, Required: f.Required}
		if inside, ok := f.Schema["properties"].(schema); ok {
			d.Inside = insideFields(inside, f.Schema["required"])
		}
		all = append(all, d)
	}
	return all
}

func insideFields(properties schema, required any) []docsField {
	var names []string
	for name := range properties {
		names = append(names, name)
	}
	sort.Strings(names)
	must, _ := required.([]any)
	var all []docsField
	for _, name := range names {
		s := properties[name].(schema)
		doc, _ := s["description"].(string)
		d := docsField{Name: name, Type: typeText(s), Doc: doc}
		for _, n := range must {
			d.Required = d.Required || n == name
		}
		all = append(all, d)
	}
	return all
}

// typeText describes a schema in a few words.
func typeText(s schema) string {
	if ref, ok := s["$ref"].(string); ok {
		return ref[strings.LastIndexByte(ref, '/')+1:]
	}
	if any, ok := s["anyOf"].([]any); ok {
		return typeText(any[0].(schema)) // the second one is null
	}
	if only, ok := s["const"]; ok {
		return fmt.Sprintf("%#v", only)
	}
	if enum, ok := s["enum"].([]any); ok {
		var values []string
		for _, v := range enum {
			values = append(values, fmt.Sprint(v))
		}
		return strings.Join(values, " | ")
	}
	text := "any"
	switch t := s["type"].(type) {
	case string:
		text = t
	case []any:
		text = fmt.Sprint(t[0])
	}
	if item, ok := s["items"].(schema); ok && text == "array" {
		text = "array of " + typeText(item)
	}
	if s["format"] == "date-time" {
		text = "timestamp"
	}
	low, high := s["minimum"], s["maximum"]
	switch {
	case text == "string": // the bounds are those of a whole number in its place
	case low != nil && high != nil:
		text += fmt.Sprintf(", %v to %v", low, high)
	case low != nil:
		text += fmt.Sprintf(", at least %v", low)
	case high != nil:
		text += fmt.Sprintf(", at most %v", high)
	}
	if most := s["maxLength"]; most != nil {
		text += fmt.Sprintf(", up to %v bytes", most)
	}
	return text
}

func indented(text string) string {
	if text == "" {
		return ""
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		return text
	}
	return out.String()
}

// serveDocs serves /docs and its two files. The links are relative, so that the page works behind a
// proxy that serves it at another path.
func (h *handler) serveDocs(w http.ResponseWriter, r *http.Request) {
	var body []byte
	media := "text/html; charset=utf-8"
	if name, isFile := strings.CutPrefix(r.URL.Path, "/docs/"); !isFile {
		body = h.page()
	} else {
		media = "text/css; charset=utf-8"
		if strings.HasSuffix(name, ".js") {
			media = "text/javascript; charset=utf-8"
		}
		body, _ = docsFiles.ReadFile("docs/" + name)
	}
	header := w.Header()
	header.Set("Content-Security-Policy", docsPolicy)
	header.Set("Cache-Control", "no-cache")
	header.Set("Content-Type", media)
	_, _ = w.Write(body)
}
