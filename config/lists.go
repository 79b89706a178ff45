package config

import (
	"net/netip"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/auth"
)

func readSecrets(text string, _ *kong.Tag, target reflect.Value) string {
	for _, item := range items(text, ",") {
		target.Set(reflect.Append(target, reflect.ValueOf(auth.Secret(item))))
	}
	return ""
}

func readStrings(text string, tag *kong.Tag, target reflect.Value) string {
	all := items(text, ",")
	for _, item := range all {
		if allowed := choose(item, tag); allowed != "" {
			return allowed
		}
	}
	for _, item := range all {
		target.Set(reflect.Append(target, reflect.ValueOf(item)))
	}
	return ""
}

func readPrefixes(text string, _ *kong.Tag, target reflect.Value) string {
	for _, item := range items(text, ",") {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			addr, err := netip.ParseAddr(item)
			if err != nil || addr.Zone() != "" {
				return "networks such as 10.0.0.0/8 or addresses such as 10.0.0.1, " +
					"separated by commas"
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		target.Set(reflect.Append(target, reflect.ValueOf(prefix.Masked())))
	}
	return ""
}

// items splits a list at any of the separators, trims spaces and drops empty items.
func items(text, separators string) []string {
	var all []string
	for _, item := range strings.FieldsFunc(text, func(r rune) bool {
		return strings.ContainsRune(separators, r)
	}) {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}
