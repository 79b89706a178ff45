package config

import (
	"reflect"
	"strings"
	"testing"
)

// Every numeric setting arrives in Config as it was given when it is at its minimum: a 0 is a 0,
// not the default.
func TestMinimums(t *testing.T) {
	fields := reflect.TypeFor[Config]()
	tested := 0
	for i := range fields.NumField() {
		field := fields.Field(i)
		least, ok := field.Tag.Lookup("min")
		if !ok {
			kind := field.Type.Kind()
			if field.IsExported() && (kind == reflect.Int || kind == reflect.Int64) {
				t.Errorf("%s has no minimum", field.Name)
			}
			continue
		}
		tested++
		env, flag := field.Tag.Get("env"), "--"+field.Tag.Get("name")+"="+least
		for source, c := range map[string]Config{
			"environment": load(t, map[string]string{env: least}),
			"flag":        load(t, nil, flag),
		} {
			value := reflect.ValueOf(c).Field(i)
			if got := show(value.Interface()); got != least {
				t.Errorf("%s=%s (%s) became %s", env, least, source, got)
			}
			if zero := strings.TrimRight(least, "s") == "0"; zero != value.IsZero() {
				t.Errorf("%s=%s (%s) became %d", env, least, source, value.Int())
			}
		}
	}
	if tested == 0 {
		t.Fatal("no setting has a minimum")
	}
}
