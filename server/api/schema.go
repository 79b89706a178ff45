package api

// The JSON schemas that several objects share.

func plainText() schema         { return schema{"type": "string"} }
func boolSchema() schema        { return schema{"type": "boolean"} }
func countSchema() schema       { return schema{"type": "integer", "minimum": 0} }
func timeSchema() schema        { return schema{"type": "string", "format": "date-time"} }
func listOf(item schema) schema { return schema{"type": "array", "items": item} }
func oneOf(all ...any) schema   { return schema{"oneOf": all} }
func orNull(s schema) schema    { return schema{"anyOf": []any{s, schema{"type": "null"}}} }
func objectRef(o *object) schema {
	return schema{"$ref": "#/components/schemas/" + o.Name}
}

// metadataSchema also allows an empty array, which is what PHP makes of an object without fields.
func metadataSchema() schema {
	return schema{"type": []any{"object", "null", "array"}, "maxItems": 0}
}

func textSchema(most int) schema {
	return schema{"type": "string", "minLength": 1, "maxLength": most}
}

// nameSchema is textSchema for a name, which may also be a whole number; see rooms.Name.
func nameSchema(most int) schema {
	return asName(textSchema(most))
}

// asName adds whole numbers to the schema of a string; see rooms.Name.
func asName(s schema) schema {
	const exact = 1 << 53
	s["type"], s["minimum"], s["maximum"] = []any{"string", "integer"}, -exact, exact
	return s
}

func listUpTo(most int, item schema) schema {
	return schema{"type": "array", "items": item, "maxItems": most}
}

// idPattern matches the ids of logs in memory and on disk, and those of logs on a stream.
const idPattern = "^([0-9a-f]{8}-(0|[1-9][0-9]{0,15})|[1-9][0-9]{12}-(0|[1-9][0-9]{0,6}))$"

// idSchema matches the ids of the log.
func idSchema() schema {
	return schema{"type": "string", "pattern": idPattern}
}

// durationSchema matches the start of what time.ParseDuration accepts.
func durationSchema() schema {
	return schema{
		"type": "string", "pattern": `^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)`,
	}
}

// anys returns the names for a schema, which is a tree of maps and lists of any.
func anys(names []string) []any {
	all := make([]any, len(names))
	for i, name := range names {
		all[i] = name
	}
	return all
}
