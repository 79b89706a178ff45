package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// openAPI returns the description of the routes as an OpenAPI 3.1 document.
func openAPI(routes []route, objects []*object) []byte {
	paths, schemas := schema{}, schema{}
	var tags []any
	for _, o := range objects {
		schemas[o.Name] = o.schema()
	}
	for i := range routes {
		r := &routes[i]
		item, ok := paths[r.Path].(schema)
		if !ok {
			item = schema{}
			paths[r.Path] = item
		}
		item[strings.ToLower(r.Method)] = r.operation()
		if r.Body != nil {
			schemas[r.Body.Object.Name] = r.Body.Object.schema()
		}
		if i == 0 || routes[i-1].Group != r.Group {
			tags = append(tags, schema{"name": r.Group})
		}
	}
	document := schema{
		"openapi": "3.1.0",
		"info": schema{
			"title": "Roomcast", "version": "1",
			"description": "The API with which backends send notifications to users on Socket.IO " +
				"and EventSource.",
		},
		"servers":  []any{schema{"url": "/"}},
		"security": []any{schema{"bearer": []any{}}, schema{"header": []any{}}},
		"tags":     tags,
		"paths":    paths,
		"components": schema{
			"schemas": schemas,
			"securitySchemes": schema{
				"bearer": schema{
					"type": "http", "scheme": "bearer", "description": "One of API_KEYS.",
				},
				"header": schema{
					"type": "apiKey", "in": "header", "name": "X-API-Key",
					"description": "One of API_KEYS.",
				},
				"token": schema{
					"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
					"description": "A client's token.",
				},
				"cookie": schema{
					"type": "apiKey", "in": "cookie", "name": auth.CookieName,
					"description": "A client's token.",
				},
			},
		},
	}
	text, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		panic(err) // the document has maps, lists and strings only
	}
	return append(text, '\n')
}

func (h *handler) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(h.document())
}

func (r *route) operation() schema {
	operation := schema{
		"operationId": r.ID, "summary": r.Summary, "tags": []any{r.Group},
		"responses": r.responses(),
	}
	if r.Doc != "" {
		operation["description"] = r.Doc
	}
	switch {
	case r.Open:
		operation["security"] = []any{}
	case r.Client: // one of them, or only a userId when the server trusts it
		operation["security"] = []any{schema{"token": []any{}}, schema{"cookie": []any{}}, schema{}}
	}
	var params []any
	for _, p := range r.params() {
		params = append(params, p.object())
	}
	if params != nil {
		operation["parameters"] = params
	}
	if r.Body != nil {
		body := objectRef(r.Body.Object)
		if r.Body.batch {
			body = schema{"anyOf": []any{body, listUpTo(notify.MaxBatch, schema{})}}
		}
		content := schema{"schema": body, "example": json.RawMessage(r.Body.Example)}
		operation["requestBody"] = schema{
			"required": true, "content": schema{"application/json": content},
		}
	}
	return operation
}

func (r *route) responses() schema {
	media, content := "application/json", schema{"schema": r.Reply}
	if r.media != "" {
		media, content = r.media, schema{"schema": plainText()}
	}
	if r.Example != "" {
		content["example"] = json.RawMessage(r.Example)
	}
	good := schema{"description": r.Summary + ".", "content": schema{media: content}}
	if r.Publishes {
		good["headers"] = schema{headerReplayed: schema{
			"description": "true when this is the response to an earlier request with the same " +
				headerIdempotency, "schema": plainText()}}
	}
	responses := schema{itoa(r.status()): good}
	if r.busy {
		responses["503"] = schema{
			"description": "Unavailable.", "content": schema{media: schema{"schema": r.Reply}},
		}
	}
	for _, status := range r.errors() {
		failure := schema{
			"description": http.StatusText(status),
			"content": schema{
				edge.ProblemContentType: schema{
					"schema": schema{"$ref": "#/components/schemas/Problem"},
				},
			},
		}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			failure["headers"] = schema{
				"Retry-After": schema{"description": "seconds", "schema": countSchema()},
			}
		}
		responses[itoa(status)] = failure
	}
	return responses
}

// object returns the parameter object of OpenAPI.
func (p param) object() schema {
	object := schema{"name": p.Name, "in": p.In, "description": p.Doc, "schema": p.schema()}
	if p.Required {
		object["required"] = true
	}
	if p.Example != "" && p.Many {
		object["example"] = []any{p.Example}
	} else if p.Example != "" {
		object["example"] = p.Example
	}
	return object
}

func (p param) schema() schema {
	switch {
	case p.Many:
		return listOf(schema{"type": "string"})
	case p.Max > 0:
		return schema{"type": "integer", "minimum": p.Min, "maximum": p.Max}
	case p.Enum != nil:
		return schema{"type": "string", "enum": anys(p.Enum)}
	case p.Name == headerIdempotency:
		return schema{
			"type": "string", "minLength": 1, "maxLength": maxIdempotencyKey, "pattern": "^[!-~]+$",
		}
	}
	return schema{"type": "string", "minLength": 1}
}

func (o *object) schema() schema {
	properties, required := schema{}, []any{}
	for _, f := range o.Fields {
		properties[f.Name] = described(f)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	s := schema{
		"type": "object", "description": o.Doc, "properties": properties,
		"additionalProperties": false,
	}
	if len(required) > 0 {
		s["required"] = required
	}
	if o.exact {
		s["minProperties"], s["maxProperties"] = 1, 1
	}
	return s
}

// described returns the schema of a field with its description.
func described(f field) schema {
	s := maps.Clone(f.Schema)
	s["description"] = f.Doc
	return s
}
