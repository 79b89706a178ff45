package api

// pageParams returns the parameters of a list, and these in addition.
func pageParams(params ...param) []param {
	return append(params,
		param{
			Name: "limit", In: "query",
			Doc: "the maximum number; the default is " + itoa(defaultPage), Min: 1, Max: maxPage,
		},
		param{Name: "cursor", In: "query", Doc: "the value of next in the previous page"})
}

func clientParam() param {
	return param{Name: "clientId", In: "path", Required: true, Doc: "the id of the connection",
		Example: "Zk3vX0bq5tQyVfR2AAAB", Names: "client"}
}

func userParam() param {
	return param{
		Name: "userId", In: "path", Required: true, Doc: "the id of the user", Example: "u1",
		Names: "user",
	}
}

func channelParam() param {
	return param{
		Name: "channel", In: "path", Required: true, Doc: "the channel", Example: "orders",
		Names: "channel",
	}
}
