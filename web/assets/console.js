// \0rolldown/runtime.js
var __defProp = Object.defineProperty;
var __esmMin = (fn, res, err) => () => {
	if (err) throw err[0];
	try {
		return fn && (res = fn(fn = 0)), res;
	} catch (e) {
		throw err = [e], e;
	}
};
var __exportAll = (all, no_symbols) => {
	let target = {};
	for (var name in all) __defProp(target, name, {
		get: all[name],
		enumerable: true
	});
	if (!no_symbols) __defProp(target, Symbol.toStringTag, { value: "Module" });
	return target;
};
// src/api.ts
/**
* The address of the API: that of the page, or its parent when the page is at /console/. It ends
* with a slash.
*/
var base = new URL(/\/console\/(index\.html)?$/.test(location.pathname) ? "../" : "./", location.href.split(/[?#]/)[0]);
var STORED$1 = "roomcast:key";
/** The API key, which only this tab keeps. */
var key = {
	get value() {
		return sessionStorage.getItem(STORED$1) ?? "";
	},
	set value(text) {
		if (text) sessionStorage.setItem(STORED$1, text);
		else sessionStorage.removeItem(STORED$1);
		changes.dispatchEvent(new Event("change"));
	}
};
var changes = new EventTarget();
/** Calls run after each change of the key. */
var onKey = (run) => changes.addEventListener("change", run);
/**
* Takes the key from the fragment, which no server sees, and removes it from the address bar and
* the history.
*/
function takeKey() {
	const given = new URLSearchParams(location.hash.slice(1)).get("key");
	if (given === null) return;
	history.replaceState(null, "", location.pathname + location.search);
	key.value = given;
}
/**
* Calls a route. body: JSON as text, which goes out as it was typed. seconds: how long to wait for
* the answer (default: 20). Rejects only when signal aborts. Without a key it does not call routes
* that need one, which would only fill the server's log.
*/
async function call(method, path, o = {}) {
	if (path.startsWith("v1/") && !key.value) return {
		status: 0,
		json: void 0,
		text: "",
		problem: {
			status: 401,
			code: "unauthenticated",
			detail: "an API key is needed"
		}
	};
	const headers = { ...o.headers };
	if (o.body !== void 0) headers["Content-Type"] = "application/json";
	if (key.value) headers.Authorization = `Bearer ${key.value}`;
	const { seconds = 20 } = o;
	const limit = AbortSignal.timeout(seconds * 1e3);
	try {
		const response = await fetch(new URL(path, base), {
			method,
			headers,
			body: o.body ?? null,
			signal: o.signal ? AbortSignal.any([o.signal, limit]) : limit
		});
		const text = await response.text();
		const value = parse(text);
		if (response.ok) return {
			status: response.status,
			json: value,
			text
		};
		const { code = "", detail, title, field, request_id } = /^application\/problem\+json\b/.test(response.headers.get("Content-Type") ?? "") && value || {};
		const problem = {
			status: response.status,
			code,
			detail: detail ?? title ?? `status ${response.status}`
		};
		if (field) problem.field = field;
		if (request_id) problem.request_id = request_id;
		return {
			status: response.status,
			json: value,
			text,
			problem
		};
	} catch (error) {
		if (o.signal?.aborted) throw error;
		return {
			status: 0,
			json: void 0,
			text: "",
			problem: {
				status: 0,
				code: "network",
				detail: limit.aborted ? `the server did not answer in ${seconds} s` : "the server cannot be reached"
			}
		};
	}
}
function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return;
	}
}
/** Returns a problem in one line. */
function lineOf({ status, code, detail }) {
	return status ? `${status} ${code}: ${detail}` : `No answer: ${detail}`;
}
/** Returns a path with the names in it escaped. */
var path = (strings, ...names) => strings.reduce((all, part, n) => all + encodeURIComponent(names[n - 1]) + part);
/** Resolves with how the server authenticates clients; undefined when the key may not ask. */
async function authMode() {
	return (await call("GET", "v1/stats")).json?.authMode;
}
var document_;
/** Resolves with the description of the API, which it requests once. */
function openapi() {
	document_ ??= call("GET", "openapi.json").then(({ json, problem }) => {
		if (!problem) return json;
		document_ = void 0;
		throw new Error(lineOf(problem));
	});
	return document_;
}
// src/dom.ts
/**
* Returns an element with attributes and children. A function, such as `onclick`, becomes a
* listener.
*/
function h(name, props = {}, ...children) {
	const node = document.createElement(name);
	set(node, props);
	add(node, ...children);
	return node;
}
/** Sets attributes, and removes those that are false or undefined. */
function set(node, props) {
	for (const [name, value] of Object.entries(props)) if (typeof value === "function") node.addEventListener(name.slice(2), value);
	else if (value === void 0 || value === false) node.removeAttribute(name);
	else node.setAttribute(name, value === true ? "" : String(value));
}
/** Appends the children that are not empty. */
function add(node, ...children) {
	for (const child of children) if (child !== false && child !== null && child !== void 0) node.append(typeof child === "number" ? String(child) : child);
}
/** Sets the text of a node if it changed: screen readers announce each text that is set. */
function say(node, text) {
	if (node.textContent !== text) node.textContent = text;
}
var count = 0;
/** Returns an id for an element that another one refers to. */
var newId = () => `x${++count}`;
/** Returns a field inside its label. */
function labelled(text, field, hint = "") {
	return h("label", {}, h("span", { class: "label" }, text, hint && h("small", {}, ` ${hint}`)), field);
}
/** Returns a checkbox with its label. */
function check(text, checked, onchange) {
	const box = h("input", {
		type: "checkbox",
		checked,
		onchange: () => onchange(box.checked)
	});
	return h("label", { class: "check" }, box, text);
}
/** Returns a select. options: labels by value. */
function select(options, props = {}) {
	return h("select", props, ...Object.entries(options).map(([value, label]) => h("option", { value }, label)));
}
/** Returns a button that does not submit its form. */
function button(text, onclick, props = {}) {
	return h("button", {
		type: "button",
		onclick,
		...props
	}, text);
}
/** Returns a button that asks for confirmation before an action that cannot be undone. */
function risky(text, sure, run, props = {}) {
	const ask = button(text, () => turn(true), props);
	const yes = button(sure, () => {
		turn(false);
		run();
	}, { class: "danger" });
	const no = button("Keep", () => turn(false));
	const root = h("span", { class: "risky" }, ask);
	function turn(asking) {
		root.replaceChildren(...asking ? [yes, no] : [ask]);
		(asking ? yes : ask).focus();
	}
	set(root, { onkeydown: (event) => event.key === "Escape" && yes.isConnected && turn(false) });
	return root;
}
/** Returns a button that copies a text, and says so where the browser does not allow it. */
function copier(text, label = "Copy") {
	const self = button(label, async () => {
		const done = await navigator.clipboard?.writeText(text()).then(() => true, () => false);
		self.textContent = done ? "Copied" : "Select it and copy by hand";
		setTimeout(() => {
			self.textContent = label;
		}, 1500);
	}, {
		class: "small",
		"aria-live": "polite"
	});
	return self;
}
/**
* Updates the children of a node from a list, by key, so that focus and selection survive a
* refresh.
*/
var List = class {
	parent;
	key;
	make;
	#items = /* @__PURE__ */ new Map();
	constructor(parent, key, make) {
		this.parent = parent;
		this.key = key;
		this.make = make;
	}
	update(items) {
		const wanted = new Set(items.map(this.key));
		for (const [key, item] of this.#items) {
			if (wanted.has(key)) continue;
			for (const node of nodesOf(item)) node.remove();
			this.#items.delete(key);
		}
		let next = this.parent.firstElementChild;
		for (const value of items) {
			const key = this.key(value);
			let item = this.#items.get(key);
			if (!item) this.#items.set(key, item = this.make(value));
			item.update(value);
			for (const node of nodesOf(item)) if (node === next) next = next.nextElementSibling;
			else this.parent.insertBefore(node, next);
		}
	}
};
function nodesOf(item) {
	return item.nodes ?? [item.root];
}
// src/theme.ts
var STORED = "roomcast:theme";
function use(theme) {
	if (theme) document.documentElement.dataset.theme = theme;
	else delete document.documentElement.dataset.theme;
}
/** Returns the switch, and applies the last choice. */
function themeSwitch() {
	const choice = select({
		"": "System",
		light: "Light",
		dark: "Dark"
	});
	choice.value = localStorage.getItem(STORED) ?? "";
	choice.onchange = () => {
		use(choice.value);
		if (choice.value) localStorage.setItem(STORED, choice.value);
		else localStorage.removeItem(STORED);
	};
	use(choice.value);
	const root = labelled("Theme", choice);
	root.className = "theme";
	return root;
}
// src/view.ts
/** Returns the section of a view. Its heading gets the focus when the view is shown. */
function section(title, hint, tools, ...children) {
	return h("section", { class: "view" }, h("div", { class: "head" }, h("div", {}, h("h2", { tabindex: -1 }, title), h("p", { class: "hint" }, hint)), h("div", { class: "row" }, ...tools)), ...children);
}
/** A line with the last result, which screen readers announce. */
var Note = class {
	root = h("p", {
		class: "note",
		role: "status"
	});
	say(text, bad = false) {
		this.root.classList.toggle("bad", bad);
		say(this.root, text);
	}
	/**
	* Shows a problem, with a button for the key if that may solve it. Without a problem it clears
	* the last one.
	*/
	problem(problem, before = "") {
		if (!problem) {
			if (this.root.classList.contains("bad")) this.say("");
			return;
		}
		const missing = problem.status === 401 && !key.value;
		this.say(before + (missing ? "This needs an API key." : lineOf(problem)), true);
		if (problem.status === 401 || problem.status === 403) this.root.append(" ", button(missing ? "Enter it" : "Use another", askForKey, { class: "small" }));
	}
};
/** Returns the address of a view. */
var to = (view, params = {}) => {
	const query = new URLSearchParams(params).toString();
	return `#/${view}${query && `?${query}`}`;
};
/** Returns a link to a view. */
var link = (text, view, params = {}) => h("a", { href: to(view, params) }, text);
var field = h("input", {
	type: "password",
	autocomplete: "off",
	spellcheck: "false",
	name: "key",
	"aria-describedby": "key-hint"
});
var dialog = h("dialog", { "aria-labelledby": "key-title" }, h("form", {
	method: "dialog",
	onsubmit: (event) => {
		event.preventDefault();
		finish(field.value.trim());
	}
}, h("h2", { id: "key-title" }, "API key"), h("p", {
	class: "hint",
	id: "key-hint"
}, "One of API_KEYS, or the key that the server prints at each start when API_KEYS is not set. Only this tab keeps it."), h("label", {}, h("span", { class: "label" }, "Key"), field), h("div", { class: "row end" }, button("Forget it", () => finish("")), button("Cancel", () => dialog.close()), h("button", { class: "primary" }, "Use it"))));
function finish(value) {
	dialog.close();
	key.value = value;
}
/** Opens the form for the API key. */
function askForKey() {
	if (!dialog.isConnected) document.body.append(dialog);
	field.value = key.value;
	if (!dialog.open) dialog.showModal();
}
/** Returns a table with headings. Narrow pages show it as cards. */
function table(caption, headings) {
	const body = h("tbody", { role: "rowgroup" });
	return {
		root: h("div", { class: "card scroll" }, h("table", { role: "table" }, h("caption", { class: "unseen" }, caption), h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...headings.map((text) => h("th", {
			scope: "col",
			role: "columnheader"
		}, text)))), body)),
		body
	};
}
/** Returns a cell. label: shown before its content in the layout of cards. */
function cell(label, ...children) {
	const node = h("td", { role: "cell" }, h("div", {}, ...children));
	set(node, { "data-label": label });
	return node;
}
// src/poll.ts
/**
* Repeats a request, `every` ms after each answer, and not while the page is hidden. After a 401 or
* 403 it repeats nothing until {@link Poll.now}: each request with a wrong key counts as a guess, and
* too many guesses lock out the address.
*/
var Poll = class {
	run;
	every;
	#timer;
	#stop;
	#on = false;
	#paused = false;
	#refused = false;
	/** run: makes the request, and resolves with the problem if there is one. */
	constructor(run, every = 2e3) {
		this.run = run;
		this.every = every;
		document.addEventListener("visibilitychange", () => document.hidden ? this.#halt() : this.#on && !this.#refused && this.now());
	}
	start() {
		this.#on = true;
		this.now();
	}
	stop() {
		this.#on = false;
		this.#halt();
	}
	/** Stops or resumes the repetition. */
	set paused(paused) {
		this.#paused = paused;
		if (paused) this.#halt();
		else if (this.#on) this.now();
	}
	/** Makes a request at once. */
	now() {
		this.#halt();
		const stop = this.#stop = new AbortController();
		this.run(stop.signal).catch(() => void 0).then((problem) => {
			if (stop.signal.aborted) return;
			this.#refused = problem?.status === 401 || problem?.status === 403;
			if (this.#on && !this.#paused && !this.#refused) this.#timer = setTimeout(() => this.now(), this.every);
		});
	}
	#halt() {
		clearTimeout(this.#timer);
		this.#stop?.abort();
	}
};
// src/text.ts
var clock = new Intl.DateTimeFormat(void 0, {
	hour: "2-digit",
	minute: "2-digit",
	second: "2-digit",
	fractionalSecondDigits: 3,
	hourCycle: "h23"
});
var moment = new Intl.DateTimeFormat(void 0, {
	dateStyle: "medium",
	timeStyle: "medium"
});
var integer = new Intl.NumberFormat();
/** Returns the time of day, to the millisecond. */
var time = (at) => clock.format(at);
/** Returns day and time, in the user's time zone. */
var full = (at) => moment.format(new Date(at));
/** Returns a whole number with separators. */
var number = (value) => integer.format(value);
/** Returns a number with its noun, such as "3 connections". */
var plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
var UNITS = [
	["d", 86400],
	["h", 3600],
	["min", 60],
	["s", 1]
];
/** Returns the time since then, in the two largest units. */
function ago(at, now = Date.now()) {
	let seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1e3));
	const parts = [];
	for (const [unit, size] of UNITS) {
		if (seconds < size && !(unit === "s" && parts.length === 0)) continue;
		parts.push(`${Math.floor(seconds / size)} ${unit}`);
		seconds %= size;
		if (parts.length === 2 || unit === "min" && parts.length > 1) break;
	}
	return parts.join(" ");
}
/** Returns a size with its unit. */
function bytes(n) {
	if (n < 1024) return `${number(n)} B`;
	return n < 1024 ** 2 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1024 ** 2).toFixed(1)} MiB`;
}
/** Returns a value as JSON, with the length in place of binary data. */
function json(value, space = 0) {
	return JSON.stringify(value, (_, item) => item instanceof ArrayBuffer ? `<${item.byteLength} bytes>` : item, space) ?? "";
}
/** Returns a text of at most so many characters. */
var cut = (text, most) => text.length > most ? `${text.slice(0, most)}… (${number(text.length)} characters)` : text;
/** Returns the items of a list that the user typed, split at commas and line ends. */
var words = (text) => text.split(/[,\n]/).map((word) => word.trim()).filter(Boolean);
/**
* Returns JSON with one value per line. Unlike JSON.parse and JSON.stringify it keeps numbers as
* they are: `1.50`, and integers that are too large for a number.
*/
function indented(json) {
	let depth = 0, inString = false;
	const line = () => `\n${"  ".repeat(depth)}`;
	return json.replace(/\\[^]|"|[[{]\s*[\]}]|[[{\]},:]|\s+/g, (token) => {
		if (token === "\"") inString = !inString;
		else if (!inString) switch (token[0]) {
			case "[":
			case "{":
				if (token.length > 1) return token[0] + token.at(-1);
				depth++;
				return token + line();
			case "]":
			case "}":
				depth--;
				return line() + token;
			case ",": return token + line();
			case ":": return ": ";
			default: return "";
		}
		return token;
	});
}
// src/views/channels.ts
var PAGE$1 = 200;
function channels() {
	const { root: grid, body } = table("Channels", [
		"Channel",
		"Connections",
		"Users",
		""
	]);
	const empty = h("p", { class: "empty" });
	grid.append(empty);
	const find = h("input", {
		type: "search",
		name: "text",
		placeholder: "text on this page",
		spellcheck: "false"
	});
	const note = new Note();
	const count = h("p", {
		class: "hint",
		role: "status"
	});
	const first = button("First page", () => turn("")), next = button("Next page", () => turn(after));
	let cursor = "", after = "", found = [];
	const list = new List(body, ({ channel }) => channel, ({ channel }) => {
		const connections = h("span"), users = h("span");
		return {
			root: h("tr", { role: "row" }, cell("", h("strong", {}, channel)), cell("Connections", connections), cell("Users", users), cell("", h("span", { class: "row end" }, link("Connections", "connections", { channel }), link("Tail", "tail", { channel }), link("Send", "send", {
				target: "channel",
				name: channel
			})))),
			update(now) {
				say(connections, number(now.connections));
				say(users, number(now.users));
			}
		};
	});
	const poll = new Poll(async (signal) => {
		const { json, problem } = await call("GET", `v1/channels?${new URLSearchParams({
			limit: String(PAGE$1),
			...cursor && { cursor }
		})}`, { signal });
		note.problem(problem);
		if (problem) {
			say(count, "");
			say(empty, "");
			if (problem.status) list.update(found = []);
			return problem;
		}
		found = json.channels;
		after = json.next ?? "";
		paint();
	});
	function paint() {
		const wanted = find.value.trim().toLowerCase();
		const shown = found.filter(({ channel }) => channel.toLowerCase().includes(wanted));
		list.update(shown);
		say(count, wanted ? `${shown.length} of ${plural(found.length, "channel")}` : plural(found.length, "channel"));
		say(empty, shown.length ? "" : wanted ? "No channel has a matching name." : "No channel has a member.");
		first.hidden = !cursor;
		next.hidden = !after;
	}
	function turn(to) {
		cursor = to;
		poll.now();
	}
	find.oninput = paint;
	onKey(() => root.isConnected && !root.hidden && poll.now());
	const root = section("Channels", "Channels with a member. For users and clients, see Connections.", [check("Refresh every 2 s", true, (on) => {
		poll.paused = !on;
	})], h("div", {
		class: "filters",
		role: "search",
		"aria-label": "Filter"
	}, labelled("Find", find)), note.root, h("div", { class: "row apart" }, count, h("div", { class: "row" }, first, next)), grid);
	return {
		title: "Channels",
		root,
		show: () => poll.start(),
		hide: () => poll.stop()
	};
}
// src/curl.ts
/** Returns a text as one word of a POSIX shell. */
var quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
/** Returns the command. The key comes from the environment, so that users can share the command. */
function curl(url, body, headers = {}) {
	const lines = [`curl -sS ${quoted(url.href)}`, `  -H "Authorization: Bearer $ROOMCAST_API_KEY" -H 'Content-Type: application/json'`];
	for (const [name, value] of Object.entries(headers)) lines.push(`  -H ${quoted(`${name}: ${value}`)}`);
	return `${lines.join(" \\\n")} \\\n  -d ${quoted(body)}`;
}
// src/field.ts
/** An error in a field, found before the request. */
var Mistake = class extends Error {
	field;
	constructor(field, message) {
		super(message);
		this.field = field;
	}
};
/** Returns a field with one control. text: returns its JSON, "" when it is empty. */
function leaf(path, name, hint, control, required, text) {
	const id = newId();
	const error = h("span", {
		class: "error",
		id: `${id}e`
	}), about = h("span", {
		class: "hint",
		id: `${id}h`
	}, hint);
	set(control, {
		id,
		name: path,
		"aria-describedby": `${id}h ${id}e`,
		"aria-required": required && "true"
	});
	const field = {
		path,
		root: h("div", { class: hint.length > 70 ? "field wide" : "field" }, h("label", {
			for: id,
			class: "label"
		}, name, required && h("span", {
			class: "req",
			"aria-hidden": "true"
		}, " *")), control, error, about),
		value() {
			const json = text((message) => new Mistake(field, message));
			if (!json && required) throw new Mistake(field, "this is needed");
			return json || void 0;
		},
		fill(value) {
			control.value = value === void 0 ? "" : Array.isArray(value) ? value.join(", ") : String(value);
			if (control instanceof HTMLSelectElement && control.selectedIndex === -1) control.selectedIndex = 0;
		},
		mark(message) {
			say(error, message);
			set(control, { "aria-invalid": message && "true" });
		},
		focus: () => control.focus()
	};
	control.addEventListener("input", () => field.mark(""));
	return field;
}
/** Returns a field for JSON. container: what the value must be. */
function jsonField(path, name, hint, required, container) {
	const control = h("textarea", {
		rows: 4,
		spellcheck: "false",
		placeholder: {
			object: "{}",
			array: "[]",
			any: "null"
		}[container]
	});
	const field = leaf(path, name, hint, control, required, (mistake) => {
		const text = control.value.trim();
		if (!text) return "";
		let value;
		try {
			value = JSON.parse(text);
		} catch (error) {
			throw mistake(`this is not JSON: ${error.message}`);
		}
		if (container === "array" && !Array.isArray(value)) throw mistake("this is JSON, but not an array: […]");
		if (container === "object" && (typeof value !== "object" || value === null || Array.isArray(value))) throw mistake("this is JSON, but not an object: {…}");
		return text;
	});
	field.root.classList.add("wide");
	return {
		...field,
		fill: (value) => {
			control.value = value === void 0 ? "" : JSON.stringify(value, null, 1);
		}
	};
}
// src/schema.ts
var typesOf = ({ type }) => type === void 0 ? [] : [type].flat();
/** Follows references, and ignores that a value may be null: an empty field is left out instead. */
function resolve(schema, all) {
	const { $ref, anyOf, description } = schema;
	const other = $ref ? all[$ref.split("/").at(-1)] : anyOf?.find(({ type }) => type !== "null");
	if (!other) return schema;
	const found = resolve(other, all);
	return description ? {
		...found,
		description
	} : found;
}
/** Returns the kind of input for a resolved schema. */
function shapeOf(schema) {
	const { enum: choices, properties, items } = schema;
	const name = typesOf(schema).find((one) => one !== "null");
	if (choices) return "choice";
	if (name === "string") return "text";
	if (name === "number" || name === "integer") return "number";
	if (name === "boolean") return "flag";
	if (name === "array") return items && typesOf(items).includes("string") ? "list" : "json";
	return name === "object" && properties ? "object" : "json";
}
/** Returns what the value of a resolved schema with the shape "json" must be. */
function containerOf(schema) {
	const types = typesOf(schema);
	return types.includes("object") ? "object" : types.includes("array") ? "array" : "any";
}
// src/form.ts
/**
* Returns the field of a property. example: its value in the example of the API, for a placeholder.
*/
function fieldOf(path, schema, all, required, example) {
	const resolved = resolve(schema, all);
	const shape = shapeOf(resolved);
	if (shape === "object") return objectField(path, resolved, all);
	const name = path.split(".").at(-1);
	const { description = "", maximum, minimum, format } = resolved;
	switch (shape) {
		case "choice": {
			const control = select({
				...required ? {} : { "": "not given" },
				...Object.fromEntries(resolved.enum.map((one) => [one, one]))
			});
			return leaf(path, name, description, control, required, () => control.value && JSON.stringify(control.value));
		}
		case "number": {
			const control = h("input", {
				type: "number",
				step: "any",
				min: minimum,
				max: maximum,
				inputmode: "decimal"
			});
			return leaf(path, name, description, control, required, (mistake) => {
				if (control.validity.badInput) throw mistake("this is not a number");
				return control.value;
			});
		}
		case "flag": {
			const control = select({
				"": "not given",
				true: "yes",
				false: "no"
			});
			return leaf(path, name, description, control, required, () => control.value);
		}
		case "list": {
			const control = h("input", {
				placeholder: "comma-separated",
				spellcheck: "false"
			});
			return leaf(path, name, description, control, required, () => control.value.trim() && JSON.stringify(words(control.value)));
		}
		case "json": return jsonField(path, name, description, required, containerOf(resolved));
		default: {
			const control = h("input", {
				placeholder: format === "date-time" ? "2026-11-22T10:00:00Z" : typeof example === "string" && required ? example : "",
				spellcheck: "false",
				autocomplete: "off"
			});
			return leaf(path, name, description, control, required, () => control.value && JSON.stringify(control.value));
		}
	}
}
/** Returns the fields of an object: its known properties, and one field for all others. */
function objectField(path, schema, all) {
	const fields = Object.entries(schema.properties).map(([name, one]) => fieldOf(`${path}.${name}`, one, all, schema.required?.includes(name) ?? false));
	const rest = jsonField(path, "further fields", "JSON, for properties without a field", false, "object");
	return {
		path,
		fields: [...fields, rest],
		root: h("fieldset", { class: "wide" }, h("legend", {}, path), h("div", { class: "fields" }, ...fields.map(({ root }) => root), rest.root)),
		value() {
			const inner = fields.map((field) => [field.path.slice(path.length + 1), field.value()]).filter(([, json]) => json !== void 0).map(([name, json]) => `${JSON.stringify(name)}: ${json}`);
			const further = rest.value()?.trim().slice(1, -1).trim();
			if (further) inner.push(further);
			return inner.length ? `{${inner.join(", ")}}` : void 0;
		},
		fill(value) {
			const known = value ?? {};
			for (const field of fields) field.fill(known[field.path.slice(path.length + 1)]);
			const others = Object.entries(known).filter(([name]) => !(name in schema.properties));
			rest.fill(others.length ? Object.fromEntries(others) : void 0);
		},
		mark: (text) => rest.mark(text),
		focus: () => rest.focus()
	};
}
/** Returns the field that an error of the API names: the one with the longest matching path. */
function fieldAt(fields, path) {
	const all = fields.flatMap((field) => [...field.fields ?? [], field]);
	const leads = ({ path: own }) => path === own || path.startsWith(`${own}.`) || path.startsWith(`${own}[`);
	return all.filter(leads).sort((a, b) => b.path.length - a.path.length)[0];
}
// src/target.ts
var LABELS = {
	user: "User ID",
	users: "User IDs",
	channel: "Channel",
	channels: "Channels",
	client: "Client ID",
	room: "Room"
};
/**
* Returns the field of a target. fallback: describes the default target; "" when a target is
* required. rooms: it offers a room, too, and is then the field "room" of the request.
*/
function targetField(fallback, known, rooms = false) {
	const id = newId();
	const kind = select({
		...fallback && { "": "the default of the kind" },
		...rooms && { room: "a room" },
		user: "a user",
		users: "users",
		channel: "a channel",
		channels: "channels",
		client: "a connection",
		all: "everyone"
	}, {
		name: "target",
		"aria-label": "Target"
	});
	const name = h("input", {
		name: "name",
		id,
		list: `${id}l`,
		spellcheck: "false",
		autocomplete: "off",
		"aria-describedby": `${id}e`
	});
	const label = h("label", {
		for: id,
		class: "label"
	});
	const named = h("div", { class: "field" }, label, name);
	const error = h("span", {
		class: "error",
		id: `${id}e`
	}), hint = h("span", { class: "hint" });
	const list = h("datalist", { id: `${id}l` });
	const several = () => kind.value.endsWith("s") && kind.value !== "";
	const field = {
		get path() {
			return kind.value === "room" ? "room" : "target";
		},
		root: h("div", { class: "wide form" }, h("div", { class: "pair" }, h("label", {}, h("span", { class: "label" }, "To", !fallback && h("span", {
			class: "req",
			"aria-hidden": "true"
		}, " *")), kind), named), error, hint, list),
		value() {
			if (!kind.value) return void 0;
			if (kind.value === "all") return `{"all": true}`;
			const names = several() ? words(name.value) : name.value.trim();
			if (!names.length) throw new Mistake(field, "a name is required");
			if (kind.value === "room") return JSON.stringify(names);
			return `{${JSON.stringify(kind.value)}: ${JSON.stringify(names)}}`;
		},
		fill(value) {
			const [given, names] = Object.entries(value ?? {})[0] ?? [fallback ? "" : rooms ? "room" : "user", ""];
			kind.value = given;
			name.value = names === true ? "" : [names].flat().join(", ");
			turn();
		},
		mark(text) {
			say(error, text);
			set(named.hidden ? kind : name, { "aria-invalid": text && "true" });
		},
		focus: () => (named.hidden ? kind : name).focus()
	};
	function turn() {
		field.mark("");
		named.hidden = kind.value === "" || kind.value === "all";
		say(label, LABELS[kind.value] ?? "");
		set(name, { placeholder: several() ? "comma-separated" : "" });
		say(hint, kind.value === "" ? fallback : "");
		suggest();
	}
	function suggest() {
		list.replaceChildren(...known(kind.value).map((value) => h("option", { value })));
	}
	kind.addEventListener("input", () => {
		name.value = "";
		turn();
	});
	name.addEventListener("input", () => field.mark(""));
	name.addEventListener("focus", suggest);
	turn();
	return field;
}
/**
* Resolves with the current users and channels of the server as suggestions; none when the key may
* not ask.
*/
async function suggestions() {
	const [users, channels] = await Promise.all([call("GET", "v1/users?online=true&limit=100"), call("GET", "v1/channels?limit=100")]);
	const channel = channels.json?.channels?.map(({ channel }) => channel) ?? [];
	const names = {
		user: users.json?.users?.map(({ userId }) => userId) ?? [],
		channel,
		room: channel
	};
	return (kind) => names[kind.replace(/s$/, "")] ?? [];
}
// src/views/kindform.ts
/** The flags that are left out when they are not set. */
var FLAGS = ["volatile", "retain"];
/** The fields under "More", and their names in its summary. */
var SELDOM = {
	metadata: "metadata",
	ttl: "time to live",
	except: "exceptions"
};
/** Makes the form of a kind. known: suggestions for its target. */
function compose(kind, known) {
	const { path, schema: { required = [], properties = {} }, schemas, about } = kind;
	const rooms = "room" in properties;
	const example = rooms ? {
		...kind.example,
		target: { room: kind.example.room }
	} : kind.example;
	const fallback = rooms || required.includes("target") ? "" : /Without a target .*?\.(?= |$)/.exec(about)?.[0] ?? "Without a target it goes to the default target of the kind.";
	const make = (name) => name === "target" ? targetField(fallback, known, rooms) : FLAGS.includes(name) ? flag(name, properties[name]) : fieldOf(name, properties[name], schemas, required.includes(name), example[name]);
	const order = [
		...required.filter((name) => name !== "target"),
		"target",
		"namespace",
		"data",
		"args",
		...FLAGS,
		...Object.keys(SELDOM)
	];
	const names = [...order, ...Object.keys(properties).filter((name) => !order.includes(name))].filter((name) => name in properties && name !== "room");
	const fields = new Map(names.map((name) => [name, make(name)]));
	const query = new Map(Object.entries(kind.query).map(([name, one]) => [name, fieldOf(name, one, schemas, false)]));
	const of = (wanted) => [...fields].filter(([name]) => wanted(name)).map(([, { root }]) => root);
	const inner = h("div", { class: "fields" }, ...of((name) => name in SELDOM));
	const needed = [...required, "target"];
	for (const [name, field] of fields) field.fill(needed.includes(name) ? example[name] : void 0);
	const more = Object.keys(SELDOM).filter((name) => fields.has(name)).map((name) => SELDOM[name]);
	return {
		path,
		fields,
		query,
		needed,
		example,
		seldom: inner,
		parts: [h("div", { class: "fields" }, ...of((name) => !(name in SELDOM)), ...[...query.values()].map(({ root }) => root)), h("details", {}, h("summary", {}, `More: ${more.join(", ")}`), inner)]
	};
}
/** Returns all fields of a form. */
var fieldsOf = ({ fields, query }) => [...fields.values(), ...query.values()];
/** Returns a field for a flag that is left out when it is not set. */
function flag(path, { description = "" }) {
	const id = newId();
	const root = check(path, false, () => field.mark(""));
	const box = root.firstElementChild;
	const error = h("span", {
		class: "error",
		id
	});
	box.name = path;
	set(box, { "aria-describedby": id });
	root.append(h("small", {}, description));
	const field = {
		path,
		root: h("div", { class: "wide" }, root, error),
		value: () => box.checked ? "true" : void 0,
		fill: (value) => {
			box.checked = value === true;
		},
		mark(text) {
			say(error, text);
			set(box, { "aria-invalid": text && "true" });
		},
		focus: () => box.focus()
	};
	return field;
}
/** Returns the request of a form. wrong: called with each mistake. */
function requestOf({ path, fields, query }, wrong) {
	const read = (field) => {
		try {
			return field.value();
		} catch (error) {
			if (!(error instanceof Mistake)) throw error;
			wrong(error);
		}
	};
	const lines = [];
	for (const field of fields.values()) {
		const json = read(field);
		if (json !== void 0) lines.push(`  ${JSON.stringify(field.path)}: ${json}`);
	}
	const params = new URLSearchParams();
	for (const [name, field] of query) {
		const json = read(field);
		if (json !== void 0) params.set(name, String(JSON.parse(json)));
	}
	return {
		path: params.size ? `${path}?${params}` : path,
		body: lines.length ? `{\n${lines.join(",\n")}\n}` : "{}"
	};
}
// src/views/kinds.ts
/** The route of the plain notification. */
var PLAIN = "v1/notifications";
/** The route of events with bare arguments. */
var EMIT = "v1/emit";
/** Reads the routes that send from the description of the API, into kinds and its select. */
async function readKinds(kinds, choice) {
	const { paths, components: { schemas } } = await openapi();
	const names = [];
	for (const [path, { post }] of Object.entries(paths)) {
		const name = path.slice(1);
		const media = (name === "v1/emit" || name.startsWith("v1/notifications")) && post?.requestBody?.content["application/json"];
		if (!media) continue;
		const { $ref } = media.schema.anyOf?.[0] ?? media.schema;
		kinds.set(name, {
			path: name,
			schemas,
			schema: schemas[$ref.split("/").at(-1)],
			query: queryOf(post.parameters ?? []),
			example: media.example,
			summary: post.summary,
			about: `${post.summary.replace(/, or up to .*|\.$/, "")}. ${post.description}`
		});
		if (name.startsWith(`v1/notifications/`)) names.push(name);
	}
	choice.replaceChildren(h("option", { value: PLAIN }, "notification, of any type"), h("option", { value: EMIT }, "event with bare arguments"), h("optgroup", { label: "Catalogue" }, ...names.sort().map((name) => h("option", { value: name }, name.slice(17)))));
	kinds.get(PLAIN).about = "One notification, with a type and data of your own.";
}
function queryOf(parameters) {
	return Object.fromEntries(parameters.filter((one) => one.in === "query").map(({ name, description, schema }) => [name, {
		...schema,
		description
	}]));
}
// src/views/receipt.ts
/** Returns the id and the counts of a receipt. */
var countsOf = ({ id = "volatile", delivered, users, channels }) => `${id} · ${plural(delivered, "connection")} · ${plural(users, "user")} · ${plural(channels, "channel")}`;
/** Returns a reply in one line. */
function replyLine(reply) {
	if ("acks" in reply) return acksLine(reply);
	if (reply.delivered) return countsOf(reply);
	return `${countsOf(reply)} · ${reply.stored ? "no receiver is connected; it is kept for replay" : "nobody received it"}`;
}
function acksLine({ acks, missing, timedOut }) {
	const asked = acks.length + missing.length;
	if (!asked) return "No Socket.IO client received it, so there is no acknowledgement.";
	return [
		`${plural(acks.length, "acknowledgement")} of ${plural(asked, "client")}`,
		missing.length > 0 && `${plural(missing.length, "client")} without one`,
		timedOut && "the time is over"
	].filter(Boolean).join(" · ");
}
// src/views/composer.ts
var SENDING = "Sending…";
/** How long to wait for an answer, in seconds: acknowledgements may take 30. */
var SECONDS = 50;
/** The most characters of an answer that the page shows. Acknowledgements may have 8 MiB. */
var MOST = 2e5;
function composer() {
	const choice = h("select", { id: "kind" });
	const about = h("p", { class: "hint" }), note = new Note();
	const form = h("form", {
		class: "form",
		novalidate: true,
		autocomplete: "off"
	});
	const shown = h("pre", {
		class: "block",
		tabindex: 0,
		"aria-label": "The request as a command"
	});
	const result = h("p", {
		class: "result",
		role: "status"
	}), answer = h("pre", {
		class: "block",
		tabindex: 0,
		"aria-label": "The answer",
		hidden: true
	});
	const idempotency = fieldOf("Idempotency-Key", {
		type: "string",
		description: "the server sends requests with the same key once in 10 minutes"
	}, {}, false);
	const kinds = /* @__PURE__ */ new Map(), forms = /* @__PURE__ */ new Map();
	const sending = /* @__PURE__ */ new Set();
	let known = () => [], current;
	function turn(name) {
		choice.value = name;
		const kind = kinds.get(choice.value);
		if (!forms.has(choice.value)) forms.set(choice.value, compose(kind, (which) => known(which)));
		current = forms.get(choice.value);
		about.replaceChildren(...kind.about.split("`").map((text, n) => n % 2 ? h("code", {}, text) : text));
		form.replaceChildren(...current.parts, idempotent, actions);
		current.seldom.append(idempotency.root);
		set(go, { disabled: sending.has(current) });
		tell(sending.has(current) ? SENDING : "");
		answer.hidden = true;
		paint();
	}
	const headers = () => {
		const value = idempotency.value();
		return value ? { "Idempotency-Key": JSON.parse(value) } : {};
	};
	function paint() {
		if (!current) return;
		const { path, body } = requestOf(current, () => {});
		say(shown, curl(new URL(path, base), body, headers()));
	}
	async function send() {
		const sent = current;
		if (!sent || sending.has(sent)) return;
		for (const field of fieldsOf(sent).flatMap((one) => [one, ...one.fields ?? []])) field.mark("");
		const mistakes = [];
		const { path, body } = requestOf(sent, (mistake) => mistakes.push(mistake));
		if (mistakes.length) {
			for (const { field, message } of mistakes) show(field, message);
			mistakes[0].field.focus();
			return tell(`Not sent: ${mistakes[0].field.path}: ${mistakes[0].message}`, true);
		}
		sending.add(sent);
		set(go, { disabled: true });
		tell(SENDING);
		const reply = await call("POST", path, {
			body,
			headers: headers(),
			seconds: SECONDS
		});
		sending.delete(sent);
		if (current !== sent) return;
		set(go, { disabled: false });
		report(sent, reply);
	}
	function report(sent, { status, json, problem, text }) {
		say(answer, cut(json === void 0 ? text : indented(text), MOST));
		answer.hidden = !text;
		if (!problem) return json === void 0 ? tell(`${status}: the answer is not JSON`, true) : tell(replyLine(json));
		tell(lineOf(problem), true);
		const field = problem.field && fieldAt(fieldsOf(sent), problem.field);
		if (field) {
			show(field, problem.detail.replace(`${problem.field}: `, ""));
			field.focus();
		}
	}
	function show(field, text) {
		field.mark(text);
		const hidden = field.root.closest("details");
		if (hidden) hidden.open = true;
	}
	function tell(text, bad = false) {
		result.className = `result ${bad ? "bad" : text.endsWith("…") ? "" : "good"}`;
		say(result, text);
		result.scrollIntoView({ block: "nearest" });
	}
	function sample(all) {
		const { fields, query, needed, example } = current;
		for (const [name, field] of [...fields, ...query]) field.fill(all || needed.includes(name) ? example[name] : void 0);
		tell("");
		paint();
	}
	const go = h("button", { class: "primary" }, "Send");
	const actions = h("div", { class: "row" }, go, button("Fill in an example", () => sample(true)), button("Clear", () => sample(false)));
	const idempotent = h("span", { hidden: true });
	set(form, {
		onsubmit: (event) => {
			event.preventDefault();
			send();
		},
		oninput: () => paint(),
		onkeydown: (event) => {
			if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
				event.preventDefault();
				send();
			}
		}
	});
	choice.onchange = () => turn(choice.value);
	onKey(() => {
		if (root.isConnected) load();
	});
	async function load() {
		known = await suggestions();
	}
	let ready;
	async function start(params) {
		try {
			await (ready ??= readKinds(kinds, choice));
			note.say("");
		} catch (error) {
			ready = void 0;
			return note.say(error.message, true);
		}
		const kind = params.get("kind");
		const asked = [`${PLAIN}/${kind}`, `v1/${kind}`].find((path) => kinds.has(path));
		if (!current || asked) turn(asked ?? "v1/notifications");
		const target = params.get("target");
		if (target) {
			current.fields.get("target").fill(target === "all" ? { all: true } : { [target]: params.get("name") ?? "" });
			paint();
		}
		load();
	}
	const root = section("Send", "Everything the HTTP API sends: notifications, events with bare arguments, and the catalogue.", [], note.root, h("div", { class: "composer" }, h("div", { class: "card" }, h("label", {}, h("span", { class: "label" }, "Kind"), choice), about, form), h("aside", {
		class: "card",
		"aria-label": "Request and answer"
	}, h("div", { class: "row apart" }, h("h3", {}, "Request"), copier(() => shown.textContent)), shown, h("h3", {}, "Answer"), result, answer)));
	return {
		title: "Send",
		root,
		show: (params) => {
			start(params);
		}
	};
}
// src/views/connection.ts
var NAMES = {
	websocket: "WebSocket",
	polling: "polling",
	sse: "EventSource"
};
var SHOWN$1 = 4;
/**
* Returns the rooms that are channels. The rooms of the client and the user have columns of their
* own.
*/
var channelsOf = ({ rooms, clientId, userId }) => rooms.filter((name) => name !== `client:${clientId}` && name !== `user:${userId}`);
/** Returns the row. report: called after each action, with the problem or the result. */
function connectionRow(one, report) {
	const { clientId, transport, userId, username } = one;
	const rooms = h("span", { class: "chips" });
	const chips = new List(rooms, String, (name) => ({
		root: h("span", { class: "chip" }, name),
		update() {}
	}));
	const lag = h("span"), since = h("span"), sub = h("span", { class: "sub" });
	const more = h("tr", {
		class: "more",
		role: "row",
		hidden: true
	});
	const toggle = button(clientId, () => {
		const open = more.hidden === true;
		if (open && !detail) more.append(h("td", {
			colspan: 7,
			role: "cell"
		}, (detail = openDetail(one, report)).root));
		detail?.update(latest);
		more.hidden = !open;
		row.classList.toggle("open", open);
		set(toggle, { "aria-expanded": String(open) });
	}, {
		class: "link toggle",
		"aria-expanded": "false"
	});
	const row = h("tr", { role: "row" }, cell("", toggle), cell("Transport", h("span", { class: `badge ${transport}` }, NAMES[transport] ?? transport)), cell("User", userId, username && username !== userId ? h("span", { class: "sub" }, ` ${username}`) : ""), cell("Channels", rooms), cell("Lag", lag), cell("Connected", since, sub), cell("", risky("Disconnect", "Disconnect for good", async () => {
		const { problem } = await call("DELETE", path`v1/connections/${clientId}`);
		report(problem, `${clientId} is disconnected.`);
	}, {
		class: "small",
		"aria-label": `Disconnect ${clientId}`
	})));
	let detail, latest = one;
	return {
		root: row,
		nodes: [row, more],
		update(now) {
			latest = now;
			const channels = channelsOf(now);
			chips.update(channels.length > SHOWN$1 ? [...channels.slice(0, SHOWN$1), `+${channels.length - SHOWN$1}`] : channels);
			say(lag, number(now.lag));
			lag.className = now.lag > 0 ? "badge warn" : "";
			say(since, ago(now.connectedAt));
			set(since, { title: full(now.connectedAt) });
			if (!more.hidden) detail?.update(now);
		}
	};
}
function openDetail(one, report) {
	const { clientId, userId } = one;
	const known = userId !== "" && one.rooms.includes(`user:${userId}`);
	const rooms = h("ul", {
		class: "chips",
		"aria-label": "Rooms"
	});
	const facts = {
		at: h("dd"),
		active: h("dd"),
		queue: h("dd"),
		lag: h("dd")
	};
	const name = h("input", {
		placeholder: "channel",
		"aria-label": `Put ${clientId} into channel`,
		spellcheck: "false",
		maxlength: 200
	});
	async function change(method, channel, done) {
		const { problem } = await call(method, path`v1/connections/${clientId}/channels/${channel}`);
		report(problem, done);
	}
	const list = new List(rooms, String, (room) => {
		const own = room === `client:${clientId}` || room === `user:${userId}`;
		const out = button("×", () => change("DELETE", room, `${clientId} is out of ${room}.`), {
			"aria-label": `Take out of ${room}`,
			title: "Take out"
		});
		return {
			root: h("li", { class: own ? "badge" : "chip" }, room, !own && out),
			update() {}
		};
	});
	return {
		root: h("div", { class: "detail" }, h("div", {}, h("h3", {}, "Rooms"), rooms, h("form", {
			class: "inline",
			onsubmit: (event) => {
				event.preventDefault();
				const channel = name.value.trim();
				if (channel) change("PUT", channel, `${clientId} is in ${channel}.`).then(() => {
					name.value = "";
				});
			}
		}, name, h("button", {}, "Put into"))), h("div", {}, h("dl", { class: "facts" }, h("dt", {}, "Connected"), facts.at, h("dt", {}, "Last active"), facts.active, h("dt", {}, "Waiting"), facts.queue, h("dt", {}, "Lag"), facts.lag), h("div", { class: "row" }, link("Send to it", "send", {
			target: "client",
			name: clientId
		}), known && link(`Send to ${userId}`, "send", {
			target: "user",
			name: userId
		}), known && link(`Tail ${userId}`, "tail", { user: userId })), known && h("div", { class: "row" }, risky(`Disconnect all of ${userId}`, "Disconnect all for good", async () => {
			const { json, problem } = await call("DELETE", path`v1/users/${userId}/connections`);
			report(problem, problem ? "" : `${plural(json.disconnected, "connection")} of ${userId} disconnected.`);
		}, { class: "small" })))),
		update(now) {
			list.update(now.rooms);
			say(facts.at, full(now.connectedAt));
			say(facts.active, `${ago(now.lastActive)} ago`);
			say(facts.queue, plural(now.queue, "notification"));
			say(facts.lag, now.lag ? `${plural(now.lag, "entry", "entries")} of the log` : "none");
		}
	};
}
// src/views/connections.ts
var PAGE = 200;
function connections() {
	const filters = {
		user: h("input", {
			name: "user",
			placeholder: "exact id",
			spellcheck: "false",
			autocomplete: "off"
		}),
		channel: h("input", {
			name: "channel",
			placeholder: "exact name",
			spellcheck: "false",
			autocomplete: "off"
		}),
		transport: select({
			"": "any",
			websocket: "WebSocket",
			polling: "polling",
			sse: "EventSource"
		}, { name: "transport" }),
		text: h("input", {
			name: "text",
			type: "search",
			placeholder: "text on this page",
			spellcheck: "false"
		})
	};
	const { root: grid, body } = table("Connections", [
		"Client",
		"Transport",
		"User",
		"Channels",
		"Lag",
		"Connected",
		""
	]);
	const empty = h("p", { class: "empty" });
	grid.append(empty);
	const note = new Note();
	const count = h("p", {
		class: "hint",
		role: "status"
	});
	const first = button("First page", () => turn([])), back = button("Back", () => turn(pages.slice(0, -1)));
	const next = button("Next page", () => turn([...pages, after]));
	let pages = [], after = "", found = [];
	const list = new List(body, ({ clientId }) => clientId, (one) => connectionRow(one, (problem, done) => {
		if (problem) note.problem(problem);
		else note.say(done);
		poll.now();
	}));
	const poll = new Poll(async (signal) => {
		const query = new URLSearchParams({ limit: String(PAGE) });
		for (const name of [
			"user",
			"channel",
			"transport"
		]) if (filters[name].value.trim()) query.set(name, filters[name].value.trim());
		if (pages.length) query.set("cursor", pages.at(-1));
		const { json, problem } = await call("GET", `v1/connections?${query}`, { signal });
		note.problem(problem);
		if (problem) return clear(problem);
		found = json.connections;
		after = json.next ?? "";
		paint();
	});
	function clear(problem) {
		say(count, "");
		say(empty, "");
		if (problem.status) list.update(found = []);
		return problem;
	}
	function paint() {
		const wanted = filters.text.value.trim().toLowerCase();
		const shown = found.filter(({ clientId, userId, username, rooms }) => !wanted || [
			clientId,
			userId,
			username,
			...rooms
		].some((text) => text.toLowerCase().includes(wanted)));
		list.update(shown);
		const filtered = [
			"user",
			"channel",
			"transport"
		].some((name) => filters[name].value.trim());
		const more = after || pages.length ? ` on page ${pages.length + 1}` : "";
		say(count, wanted ? `${shown.length} of ${plural(found.length, "connection")}${more}` : `${plural(found.length, "connection")}${more}`);
		say(empty, shown.length ? "" : wanted || filtered ? "No connection matches." : "Nobody is connected.");
		first.hidden = back.hidden = pages.length === 0;
		next.hidden = !after;
	}
	function turn(to) {
		pages = to;
		poll.now();
	}
	for (const name of [
		"user",
		"channel",
		"transport"
	]) filters[name].addEventListener("input", () => turn([]));
	filters.text.oninput = paint;
	onKey(() => root.isConnected && !root.hidden && poll.now());
	const root = section("Connections", "Socket.IO clients and EventSource streams.", [check("Refresh every 2 s", true, (on) => {
		poll.paused = !on;
	})], h("div", {
		class: "filters",
		role: "search",
		"aria-label": "Filter"
	}, labelled("User", filters.user), labelled("Channel", filters.channel), labelled("Transport", filters.transport), labelled("Find", filters.text)), note.root, h("div", { class: "row apart" }, count, h("div", { class: "row" }, first, back, next)), grid);
	return {
		title: "Connections",
		root,
		show(params) {
			for (const name of [
				"user",
				"channel",
				"transport"
			]) if ([...params].length) filters[name].value = params.get(name) ?? "";
			pages = [];
			poll.start();
		},
		hide: () => poll.stop()
	};
}
// src/spark.ts
var NS = "http://www.w3.org/2000/svg";
/** The width of a new curve, in values. */
var FEW = 12;
/** Returns a curve of the last `length` values, scaled from zero to their maximum. */
function spark(length) {
	const root = document.createElementNS(NS, "svg");
	const area = document.createElementNS(NS, "polygon"), line = document.createElementNS(NS, "polyline");
	const values = [];
	root.setAttribute("preserveAspectRatio", "none");
	root.setAttribute("role", "img");
	root.append(area, line);
	const most = () => Math.max(0, ...values);
	return {
		root,
		most,
		push(value) {
			values.push(value);
			if (values.length > length) values.shift();
			const top = most() || 1, width = Math.max(FEW, values.length) - 1, from = width + 1 - values.length;
			root.setAttribute("viewBox", `0 0 ${width} 100`);
			const points = values.map((one, n) => `${from + n},${(98 - one / top * 94).toFixed(1)}`);
			line.setAttribute("points", points.join(" "));
			area.setAttribute("points", `${from},100 ${points.join(" ")} ${width},100`);
		}
	};
}
// src/views/nodes.ts
function nodes() {
	const { root: grid, body } = table("Nodes", [
		"Node",
		"Version",
		"Connections",
		"Users",
		"Channels",
		"Lagging",
		"Published"
	]);
	const missing = h("p", {
		class: "note bad",
		role: "status"
	});
	const list = new List(body, ({ uid }) => uid, ({ uid, version, addr }) => {
		const counts = {
			Connections: h("span"),
			Users: h("span"),
			Channels: h("span"),
			Lagging: h("span"),
			Published: h("span")
		};
		return {
			root: h("tr", { role: "row" }, cell("", h("strong", {}, uid), addr ? ` ${addr}` : ""), cell("Version", version ?? ""), ...Object.entries(counts).map(([name, count]) => cell(name, count))),
			update(now) {
				say(counts.Connections, number(now.total));
				say(counts.Users, number(now.activeUsers));
				say(counts.Channels, number(now.channels));
				say(counts.Lagging, number(now.lagging));
				say(counts.Published, number(now.published));
			}
		};
	});
	const root = h("div", {
		class: "group",
		hidden: true
	}, h("h3", {}, "Nodes"), missing, grid);
	return {
		root,
		update(all, silent) {
			set(root, { hidden: all.length + silent.length < 2 });
			list.update(all);
			say(missing, silent[0] === "*" ? "The other nodes could not be asked." : silent.length ? `${plural(silent.length, "node")} did not answer: ${silent.join(", ")}` : "");
		}
	};
}
// src/views/stats.ts
var EVERY = 2e3;
/** The number of points in a curve: three minutes. */
var SHOWN = 90;
var GROUPS = {
	Now: [
		{
			field: "total",
			name: "Connections",
			shape: "level",
			plain: true
		},
		{
			field: "activeUsers",
			name: "Users online",
			shape: "level"
		},
		{
			field: "channels",
			name: "Channels",
			shape: "level"
		},
		{
			field: "lagging",
			name: "Lagging",
			shape: "level",
			alarm: "warn"
		}
	],
	"Since the start": [
		{
			field: "published",
			name: "Published",
			shape: "rate"
		},
		{
			field: "delivered",
			name: "Delivered",
			shape: "rate"
		},
		{
			field: "lagged",
			name: "Fell behind",
			alarm: "warn"
		},
		{
			field: "dropped",
			name: "Volatile, dropped",
			alarm: "warn"
		},
		{
			field: "replays",
			name: "Resumed completely"
		},
		{
			field: "replayed",
			name: "Replayed"
		}
	],
	Kept: [
		{
			field: "history",
			name: "Notifications kept",
			plain: true
		},
		{
			field: "historyBytes",
			name: "Their size, estimated",
			write: bytes,
			plain: true
		},
		{
			field: "sessions",
			name: "Sessions"
		},
		{
			field: "rooms",
			name: "Rooms"
		},
		{
			field: "members",
			name: "Members"
		}
	]
};
function stats() {
	const note = new Note();
	const tiles = Object.values(GROUPS).flat().map((tile) => ({
		...tile,
		...tileOf(tile.name, tile.shape)
	}));
	const transports = h("dl", { class: "facts" }), gaps = h("dl", { class: "facts" });
	const mode = h("p", {
		class: "hint",
		role: "status"
	});
	const members = nodes();
	let last;
	const poll = new Poll(async (signal) => {
		const { json, problem } = await call("GET", "v1/stats?cluster=1", { signal });
		note.problem(problem);
		if (problem) {
			for (const { value } of tiles) say(value, "–");
			for (const facts of [transports, gaps]) {
				facts.replaceChildren();
				delete facts.dataset.key;
			}
			last = void 0;
			members.update([], []);
			return problem;
		}
		const at = performance.now();
		for (const tile of tiles) {
			const value = Number(json[tile.field] ?? 0);
			say(tile.value, (tile.write ?? number)(value));
			tile.value.className = `value ${value > 0 && tile.alarm || ""}`;
			if (tile.shape === "rate" && last) tile.point(Math.max(0, value - last.values[tile.field]) / ((at - last.at) / 1e3));
			if (tile.shape === "level") tile.point(value);
		}
		last = {
			at,
			values: json
		};
		pairs(transports, json.byTransport, {
			websocket: "WebSocket",
			polling: "Polling",
			sse: "EventSource"
		});
		pairs(gaps, json.gaps, {});
		members.update(json.nodes, json.incomplete ?? []);
		say(mode, MODES$1[json.authMode] ?? "");
	}, EVERY);
	openapi().then(({ components }) => {
		const { properties } = components.schemas.Stats;
		for (const tile of tiles) if (!tile.plain) say(tile.hint, properties[tile.field]?.description ?? "");
	}, () => {});
	onKey(() => root.isConnected && !root.hidden && poll.now());
	const group = (name) => h("div", { class: "group" }, h("h3", {}, name), h("div", { class: "tiles" }, ...tiles.filter(({ field }) => GROUPS[name].some((tile) => tile.field === field)).map(({ root }) => root), ...name === "Now" ? [fact("By transport", transports)] : name === "Since the start" ? [fact("Gaps reported, by reason", gaps)] : []));
	const root = section("Statistics", "The counts of all nodes, now and since their start.", [check("Refresh every 2 s", true, (on) => {
		poll.paused = !on;
	})], note.root, ...Object.keys(GROUPS).map(group), members.root, mode);
	return {
		title: "Statistics",
		root,
		show: () => poll.start(),
		hide: () => poll.stop()
	};
}
var MODES$1 = {
	open: "Open mode: the server accepts every user id.",
	token: "Token mode: clients need a JWT or a ticket.",
	ticket: "Ticket mode: clients need a ticket.",
	hook: "Hook mode: the server asks your application who a client is."
};
var fact = (name, list) => h("div", { class: "card tile" }, h("span", { class: "name" }, name), list);
function pairs(list, values = {}, names) {
	const text = Object.entries({
		...Object.fromEntries(Object.keys(names).map((name) => [name, 0])),
		...values
	});
	const key = JSON.stringify(text);
	if (list.dataset.key === key) return;
	list.dataset.key = key;
	list.replaceChildren(...text.flatMap(([name, value]) => [h("dt", {}, names[name] ?? name.replaceAll("_", " ")), h("dd", {}, number(value))]));
}
function tileOf(name, shape) {
	const value = h("span", { class: "value" }, "–"), hint = h("span", { class: "hint" });
	const curve = shape && spark(SHOWN);
	if (curve) set(curve.root, { "aria-label": `${name}: no values yet` });
	const rate = shape === "rate" && h("span", { class: "hint" });
	const root = h("div", { class: "card tile" }, h("span", { class: "name" }, name), value, rate, hint, curve?.root);
	function point(n) {
		const text = n.toFixed(n < 10 ? 1 : 0);
		if (rate) say(rate, `${text} a second`);
		curve?.push(n);
		if (curve) set(curve.root, { "aria-label": `${name}, the last three minutes: now ${text}, at most ${curve.most().toFixed(n < 10 ? 1 : 0)}` });
	}
	return {
		root,
		value,
		hint,
		point
	};
}
// ../client/src/errors.ts
/** Returns an error with a code. retryAfter: in seconds. */
function clientError(code, message, retryAfter) {
	const error = new Error(message);
	return Object.assign(error, {
		code,
		retryAfter: retryAfter || void 0
	});
}
/** Rejects when promise takes longer than ms. what: names the wait in the error. */
function withTimeout(promise, ms, what) {
	let timer;
	const timeout = new Promise((_, reject) => {
		timer = setTimeout(() => reject(clientError("timeout", `${what}: no answer within ${ms} ms`)), ms);
	});
	return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
/** Returns the value of an acknowledgement, or throws the error that it contains. */
function acknowledged(reply) {
	const error = reply?.error;
	if (error?.code) throw clientError(error.code, error.message ?? error.code, error.retryAfter);
	return reply;
}
var TOKEN_ERROR, FINAL, isFinal, withCode;
var init_errors = __esmMin((() => {
	TOKEN_ERROR = /^(unauthenticated|invalid_token|token_expired)$/;
	FINAL = /^(forbidden|validation|disconnected)$/;
	isFinal = (code, { getToken, getTicket }) => FINAL.test(code) || TOKEN_ERROR.test(code) && !getToken && !getTicket;
	withCode = (error) => typeof error.code === "string" ? error : void 0;
}));
// ../client/src/driver.ts
/** Reports that an event cannot be sent. */
function refuse(sink, event, code, tab) {
	sink.event("error", clientError(code, `${event} cannot be sent now`), "", tab);
	return false;
}
var init_driver$1 = __esmMin((() => {
	init_errors();
}));
// ../client/src/replies.ts
var REPLIES, isReply;
var init_replies = __esmMin((() => {
	REPLIES = {
		ping: "pong",
		subscribe: "subscribed",
		unsubscribe: "unsubscribed",
		"join-room": "room-joined",
		"leave-room": "room-left",
		"custom-event": "custom-event-response",
		"send-message": "",
		"auth:refresh": "auth:refreshed"
	};
	isReply = ({ type, id }) => !id && Object.values(REPLIES).includes(type);
}));
// ../client/src/link.ts
/**
* Returns the notification in the arguments of an event. Events that Go code emits, and replies,
* are wrapped into one. own: the trailing id is the id of this event, not only the cursor at its
* place; for a reply it is always the cursor, which also moves on with notifications for other
* users.
*/
function notificationOf(name, args, id, own) {
	const [first] = args;
	const isNotification = args.length === 1 && first?.type === name && "data" in first && first.timestamp;
	const fits = (first?.id ?? id) === id || first?.metadata?.retained === true;
	if (isNotification && fits) return {
		metadata: {},
		...first
	};
	return {
		...own && !isReply({ type: name }) && { id },
		type: name,
		data: args.length > 1 ? args : first ?? null,
		timestamp: (/* @__PURE__ */ new Date()).toISOString(),
		metadata: {}
	};
}
var isId, CONTROL_EVENTS, uniqueId, copy;
var init_link = __esmMin((() => {
	init_replies();
	isId = (value) => typeof value === "string" && /^([\da-f]{8}-\d{1,16}|\d{13}-\d{1,7})$/.test(value);
	CONTROL_EVENTS = "connected gap recovery sync heartbeat overloaded disconnected auth:expiring auth:expired auth:refreshed error".split(" ");
	uniqueId = () => crypto.getRandomValues(/* @__PURE__ */ new Uint32Array(4)).join("-");
	copy = (value) => JSON.parse(JSON.stringify(value));
}));
// ../client/src/eventsource.ts
/**
* Returns the error in a response. Only a problem document (RFC 9457) in the form of the server is
* its word: any other comes from a proxy, which may let the next request through.
*/
async function problemOf(response) {
	const { headers, status } = response, problem = await response.json().catch(() => 0);
	const { code = "network", detail = `status ${status}` } = headers.get("Content-Type") === "application/problem+json" && problem?.type === "about:blank" ? problem : {};
	return clientError(code, detail, Number(headers.get("Retry-After")));
}
/** Opens a link. url: of the stream. */
function openStream(url, handshake, options, sink) {
	const { userId, username, token, channels, sessionId, since } = handshake;
	const { withCredentials, tokenInUrl, getTicket, timeout, Source } = options;
	const requests = new AbortController();
	let { ticket } = handshake, open = true, source, clientId = "";
	/** Of the stream: with it the server accepts requests for a stream without a user. */
	let secret;
	/** The answer of the server when a request joined the channels. */
	let joined;
	/** Takes the id of `connected` from a stream that only joins channels. */
	let joins;
	let lastRequest = Promise.resolve();
	function urlOf(path, query) {
		const result = new URL(url.href.replace(/\/$/, "") + path);
		for (const name in query) if (query[name]) result.searchParams.set(name, query[name]);
		return result;
	}
	/** Sends a request with the token in a header: proxies log URLs. */
	async function request(to, init) {
		const response = await fetch(to, {
			...init,
			signal: requests.signal,
			credentials: withCredentials ? "include" : "same-origin",
			headers: {
				...init?.headers,
				...handshake.token && { Authorization: "Bearer " + handshake.token },
				...secret && { "X-Stream-Secret": secret }
			}
		});
		if (!response.ok) throw await problemOf(response);
		return response;
	}
	async function post(path, body) {
		const query = ticket && getTicket ? { ticket: await getTicket() } : {
			userId,
			username
		};
		const init = {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify(body)
		};
		return (await request(urlOf(path, query), init)).json();
	}
	function close(reason) {
		open = false;
		requests.abort(clientError("closed", reason));
		source?.close();
	}
	function end(reason, error) {
		if (!open) return;
		close(reason);
		sink.closed(reason, error);
	}
	const failed = (error) => end(error.message, withCode(error));
	async function start(lastEventId, names = channels) {
		const exchanged = token && !ticket && !tokenInUrl;
		const to = urlOf("", {
			...ticket ? { ticket } : exchanged ? {} : {
				userId,
				username,
				token
			},
			sessionId,
			lastEventId,
			envelope: "true"
		});
		for (const name of names) to.searchParams.append("channel", name);
		if (to.href.length > MAX_URL && names.length) {
			const connected = new Promise((resolve) => joins = resolve);
			await start(lastEventId, []);
			const lastId = await connected;
			joined = await post(`/${clientId}/channels`, { join: names });
			joins = void 0;
			source.close();
			if (ticket) ticket = await getTicket();
			return start(lastEventId ?? lastId, []);
		}
		if (exchanged) to.search = `ticket=${(await post("/tickets")).ticket}&` + to.search.slice(1);
		if (!open) return;
		source = new Source(to, { withCredentials: !!withCredentials });
		for (const name of ["message", ...CONTROL_EVENTS]) source.addEventListener(name, (event) => receive(name, event));
		source.onerror = () => {
			if (source.readyState === 2) refused(to);
			else end("connection lost");
		};
	}
	function receive(name, { data, lastEventId }) {
		if (!open || data === void 0) return;
		const { channels, ...value } = JSON.parse(data);
		if (name === "connected") {
			({clientId, secret} = Object.assign(value, joined));
			delete value.secret;
		}
		if (name === "disconnected") end(value.reason, clientError(name, value.reason ?? name));
		else if (name === "overloaded") end(name, clientError("unavailable", name));
		else if (joins) name === "connected" && joins(lastEventId);
		else if (name === "message") sink.event(value.type, {
			metadata: {},
			...value
		}, lastEventId, void 0, channels);
		else sink.event(name, value, lastEventId);
		if (open) sink.alive(SILENCE$1);
	}
	/**
	* Asks again why the server refused the stream, because an EventSource does not say so. The
	* ticket that the client got for its token is used up by now; the token, in the header, takes
	* precedence.
	*/
	function refused(to) {
		source.close();
		request(to).then(() => end("refused"), failed);
	}
	start(since).catch(failed);
	return {
		emit() {},
		async ask(name, [body]) {
			const { channels, token } = body ?? {};
			const [path, content] = {
				subscribe: ["channels", { join: channels }],
				unsubscribe: ["channels", { leave: channels }],
				"send-message": ["messages", body],
				"auth:refresh": ["token", { token }]
			}[name] ?? [];
			if (!path) throw clientError("unsupported", `${name} needs socket.io`);
			const answer = lastRequest.then(() => withTimeout(post(`/${clientId}/${path}`, content), timeout, name));
			lastRequest = answer.catch(() => {});
			await answer;
			if (token && open) {
				handshake.token = token;
				sink.event("auth:refreshed", await answer, "");
			}
			return answer;
		},
		close: () => close("closed")
	};
}
var SILENCE$1, MAX_URL;
var init_eventsource = __esmMin((() => {
	init_errors();
	init_link();
	SILENCE$1 = 9e4;
	MAX_URL = 2e3;
}));
// ../client/src/pending.ts
var Pending;
var init_pending = __esmMin((() => {
	init_errors();
	Pending = class {
		#requests = /* @__PURE__ */ new Map();
		#next = 0;
		/**
		* Sends a request under an id of its own and resolves with its answer. Rejects when there is none
		* within timeout, in ms.
		*/
		ask(name, timeout, note, send) {
			const id = `${this.#next++}`;
			const answer = new Promise((...settle) => this.#requests.set(id, {
				note,
				settle
			}));
			send(id);
			return withTimeout(answer, timeout, name).finally(() => this.#requests.delete(id));
		}
		/** The notes of all requests, in the order they were sent. */
		get notes() {
			return [...this.#requests.values()].map(({ note }) => note);
		}
		/**
		* Settles a request with its answer: a value, or an error when failed is 1. It ignores answers to
		* requests that have ended.
		*/
		settle(id, value, failed) {
			this.#requests.get(id)?.settle[failed](value);
			this.#requests.delete(id);
		}
		/** Rejects all requests. */
		clear(error) {
			for (const { settle: [, reject] } of this.#requests.values()) reject(error);
		}
	};
}));
// ../client/src/websocket.ts
/** Opens a link. */
function openSocket(url, handshake, { timeout, Socket }, sink) {
	const acknowledgements = new Pending();
	let open = true, patience = 0, lastId = "";
	/** Takes the next attachment of the packet that is being read. */
	let attach;
	url.protocol = url.protocol.replace("http", "ws");
	url.search = "EIO=4&transport=websocket";
	const socket = new Socket(url);
	socket.binaryType = "arraybuffer";
	socket.onmessage = ({ data }) => {
		try {
			if (typeof data === "string") readEngine(data[0], data.slice(1));
			else attach(data);
			if (open) sink.alive(patience);
		} catch (error) {
			end("unreadable packet: " + error.message);
		}
	};
	socket.onclose = (event) => end(event.reason || "connection lost");
	socket.onerror = () => {};
	function close(reason) {
		open = false;
		socket.onmessage = socket.onclose = null;
		socket.close();
		acknowledgements.clear(clientError("closed", reason));
	}
	function end(reason, error) {
		if (!open) return;
		close(reason);
		sink.closed(reason, error);
	}
	const write = (text) => {
		if (socket.readyState === 1) socket.send(text);
	};
	/** Reads an Engine.IO packet: one in each message, its type first. */
	function readEngine(type, rest) {
		if (type === "0") {
			const { sid, pingInterval, pingTimeout } = JSON.parse(rest);
			if (!sid) throw new Error("handshake");
			patience = pingInterval + pingTimeout;
			const { since, pid, ...identity } = handshake;
			const resume = pid && isId(since) && {
				pid,
				offset: since
			};
			write("40" + JSON.stringify({
				...identity,
				as: "type",
				since,
				...resume
			}));
		} else if (type === "1") end("closed by the server");
		else if (type === "2") write("3" + rest);
		else if (type === "4") readPacket(rest);
	}
	/**
	* Reads a Socket.IO packet: <type>[<attachments>-][<namespace>,][<acknowledgement>][JSON]. The
	* attachments follow, each in a message of its own.
	*/
	function readPacket(text) {
		const [, type, count, id, json] = /^([0-6])(?:(\d+)-)?(?:\/[^,]*,)?(\d*)(.*)$/s.exec(text);
		const attachments = [];
		const revive = (_, value) => value?._placeholder ? attachments[value.num] : value;
		attach = (...attachment) => {
			attachments.push(...attachment);
			if (attachments.length < Number(count)) return;
			attach = void 0;
			const data = json && JSON.parse(json, count ? revive : void 0);
			if (type === "0") {
				if (data?.pid) sink.session(data.pid);
			} else if (type === "1") end("disconnected by the server", clientError("disconnected", "disconnected by the server"));
			else if (type === "4") {
				const { message, data: refusal } = data;
				end(message, clientError(refusal?.code ?? "forbidden", message, refusal?.retryAfter));
			} else if (type === "3" || type === "6") acknowledgements.settle(id, data[0], 0);
			else readEvent(data, id);
		};
		attach();
	}
	function readEvent([name, ...args], acknowledgement) {
		const channels = handshake.target && !acknowledgement ? args.pop() : void 0;
		const id = !acknowledgement && isId(args.at(-1)) ? args.pop() : "";
		const own = id !== "" && id !== lastId;
		if (id) lastId = id;
		if (acknowledgement) write(`43${acknowledgement}[]`);
		const value = CONTROL_EVENTS.includes(name) ? args[0] : notificationOf(name, args, id, own);
		sink.event(name, value, id, value?.id ? void 0 : senderOf(name, value), channels);
	}
	/**
	* Returns the tab that an event replies to: the server answers in order, with each reply right
	* before its acknowledgement. A rate limit concerns all tabs, and comes out of order.
	*/
	function senderOf(name, value) {
		const refusal = name === "error" && value?.code !== "rate_limited";
		const isAnswered = ({ reply }) => reply === name || refusal && reply !== void 0;
		return acknowledgements.notes.find(isAnswered)?.tab;
	}
	const ask = (name, args, tab) => acknowledgements.ask(name, timeout, {
		reply: REPLIES[name],
		tab
	}, (id) => {
		write("42" + id + JSON.stringify([name, ...args]));
	});
	return {
		ask,
		emit(name, args, tab) {
			if (tab !== void 0 && name in REPLIES) ask(name, args, tab).catch(() => {});
			else write("42" + JSON.stringify([name, ...args]));
		},
		close(ordered) {
			if (ordered) write("41");
			close("closed");
		}
	};
}
var init_websocket = __esmMin((() => {
	init_errors();
	init_link();
	init_pending();
	init_replies();
}));
// ../client/src/open.ts
/**
* Returns the URL of a path at the server. Without `options.url` the server is the page's own
* origin.
*/
function endpoint(options, path) {
	const url = new URL(options.url || "/", globalThis.location?.href);
	if (!/^http/.test(url.protocol)) throw new TypeError(`${url}: not http(s)`);
	url.pathname = url.pathname.replace(/\/$/, "") + path;
	url.search = url.hash = "";
	return url;
}
/** Asks the server for the position in its log. It needs no credentials. */
async function positionOf(options, { signal } = {}) {
	const url = endpoint(options, (options.ssePath ?? "/sse").replace(/\/$/, "") + "/position");
	const credentials = options.withCredentials ? "include" : "same-origin";
	const read = async () => (await fetch(url, {
		signal: signal ?? null,
		credentials
	})).json();
	const { position } = await withTimeout(read(), timeoutOf(options), "position");
	if (!isId(position)) throw clientError("network", "no position");
	return position;
}
/** Calls a function of the page for credentials. It may fail in any way. */
async function askPage(options, name) {
	try {
		return (await withTimeout(options[name](), timeoutOf(options), name)).trim();
	} catch (error) {
		throw clientError("credentials", error?.message ?? `${name}: ${error}`);
	}
}
/** Prepares a link over a transport. Throws where the runtime does not have it. */
function prepare(transport, options) {
	const timeout = timeoutOf(options), { socketPath = "/socket.io/", ssePath = "/sse" } = options;
	if (transport === "sse") {
		const Source = options.EventSource ?? globalThis.EventSource, url = endpoint(options, ssePath);
		if (!Source) throw clientError("unsupported", "no EventSource here");
		const getTicket = options.getTicket && (() => askPage(options, "getTicket"));
		const streamOptions = {
			...options,
			timeout,
			Source,
			getTicket
		};
		return {
			url,
			open: (handshake, sink) => openStream(url, handshake, streamOptions, sink)
		};
	}
	const Socket = options.WebSocket ?? globalThis.WebSocket, url = endpoint(options, socketPath);
	if (!Socket) throw clientError("unsupported", "no WebSocket here");
	return {
		url,
		open: (handshake, sink) => openSocket(url, handshake, {
			timeout,
			Socket
		}, sink)
	};
}
var timeoutOf;
var init_open = __esmMin((() => {
	init_errors();
	init_eventsource();
	init_link();
	init_websocket();
	timeoutOf = ({ timeout = 1e4 }) => timeout;
}));
// ../client/src/queue.ts
var MAX_EVENTS, Queue;
var init_queue = __esmMin((() => {
	init_errors();
	MAX_EVENTS = 20;
	Queue = class {
		#entries = /* @__PURE__ */ new Set();
		/** Adds an event, which has no answer. Returns false when the queue is full. */
		add(send) {
			if ([...this.#entries].filter(({ reject }) => !reject).length >= MAX_EVENTS) return false;
			this.#entries.add({ send });
			return true;
		}
		/**
		* Sends a request when there is a connection and resolves with its answer. Rejects when there is
		* none within timeout, in ms.
		*/
		async request(send, timeout) {
			let entry;
			return (await withTimeout(new Promise((resolve, reject) => this.#entries.add(entry = {
				send: () => resolve([send()]),
				reject
			})), timeout, "connect").finally(() => this.#entries.delete(entry)))[0];
		}
		/** Sends everything. */
		flush() {
			for (const entry of this.#entries) {
				this.#entries.delete(entry);
				entry.send();
			}
		}
		/** Rejects the requests and drops the events. */
		clear(error) {
			for (const { reject } of this.#entries) reject?.(error);
			this.#entries.clear();
		}
	};
}));
// ../client/src/rounds.ts
var BLOCKED, SOCKET_PATIENCE, OTHER, Rounds;
var init_rounds = __esmMin((() => {
	BLOCKED = 6e4;
	SOCKET_PATIENCE = 5e3;
	OTHER = /^(unsupported|not_found|network|)$/;
	Rounds = class {
		/** How many rounds failed since the last connection. */
		count = 0;
		/** The transport that the options name; undefined with `auto`. */
		fixed;
		#first;
		#longest;
		#failed;
		#blockedUntil = 0;
		constructor({ transport, backoff: { min = 1e3, max = 3e4 } = {} }) {
			this.fixed = transport === "auto" ? void 0 : transport;
			this.#first = min;
			this.#longest = max;
		}
		/** Begins a round. Returns the transport that is more likely to work. */
		begin() {
			this.#failed = void 0;
			return this.fixed ?? (Date.now() < this.#blockedUntil ? "sse" : "socket.io");
		}
		/** Returns how long a transport may take to connect, in ms. longest: the timeout of the options. */
		patience(transport, longest) {
			return !this.fixed && transport === "socket.io" ? Math.min(longest, SOCKET_PATIENCE) : longest;
		}
		/** Returns the transport to try after one failed with code; undefined when the round is over. */
		next(failed, code) {
			if (this.fixed || this.#failed || !OTHER.test(code)) return void 0;
			this.#failed = failed;
			this.#blockedUntil = 0;
			return failed === "sse" ? "socket.io" : "sse";
		}
		/** Ends a round in which a transport connected. */
		end(transport) {
			this.count = 0;
			if (this.#failed) this.#blockedUntil = transport === "sse" ? Date.now() + BLOCKED : 0;
		}
		/**
		* Ends a round in which none did. Returns how long to wait, in ms. retryAfter: what the server
		* asked for, in seconds.
		*/
		wait(retryAfter = 0) {
			const part = Math.random() / 2, wait = Math.min(this.#longest, this.#first * 2 ** this.count++);
			return Math.max(retryAfter * 1e3 * (1 + part), wait * (1 - part));
		}
	};
}));
// ../client/src/connection.ts
var Connection;
var init_connection = __esmMin((() => {
	init_driver$1();
	init_errors();
	init_link();
	init_open();
	init_queue();
	init_rounds();
	Connection = class {
		#options;
		#sink;
		#log;
		#timeout;
		/** The channels that the next handshake joins. */
		#channels;
		/** The channels that this client left, which the server may join for every client (`general`). */
		#left = /* @__PURE__ */ new Set();
		#sessionId = uniqueId();
		#queue = new Queue();
		#rounds;
		#link;
		#transport = "socket.io";
		#status = "closed";
		#lastId;
		#pid;
		/** Why the last link ended. */
		#reason = "";
		/** The number of the current attempt. What an earlier attempt waited for is dropped. */
		#attempt = 0;
		/** For the next sign of life of the server, or for the next round. */
		#timer;
		#pinger;
		constructor(options, sink, log) {
			this.#options = options;
			this.#sink = sink;
			this.#log = log;
			this.#timeout = timeoutOf(options);
			this.#channels = new Set(options.channels);
			this.#lastId = options.since;
			this.#rounds = new Rounds(options);
			this.reconnect();
		}
		emit(event, args, tab) {
			const connected = this.#status === "connected";
			const transport = connected ? this.#transport : this.#rounds.fixed;
			if (this.#status === "closed") return refuse(this.#sink, event, "closed", tab);
			if (transport === "sse") return refuse(this.#sink, event, "unsupported", tab);
			if (!connected) {
				const sent = copy(args);
				return this.#queue.add(() => this.emit(event, sent, tab)) || refuse(this.#sink, event, "unavailable", tab);
			}
			this.#link.emit(event, args, tab);
			return true;
		}
		async ask(event, args, tab) {
			if (this.#status === "closed") throw clientError("closed", "closed");
			const connected = this.#status === "connected", sent = connected ? args : copy(args);
			const send = async () => acknowledged(await this.#link.ask(event, sent, tab));
			return connected ? send() : this.#queue.request(send, this.#timeout);
		}
		async change(join, leave, tab) {
			for (const name of leave) {
				this.#channels.delete(name);
				this.#left.add(name);
			}
			const added = join.filter((name) => !this.#channels.has(name));
			for (const name of join) {
				this.#left.delete(name);
				this.#channels.add(name);
			}
			if (leave.length) await this.ask("unsubscribe", [{ channels: leave }], tab);
			if (!join.length) return {
				joined: [],
				denied: []
			};
			try {
				const { denied = [] } = await this.ask("subscribe", [{ channels: join }], tab);
				for (const name of denied) this.#channels.delete(name);
				return {
					joined: join.filter((name) => !denied.includes(name)),
					denied
				};
			} catch (error) {
				if (this.#status === "connected") for (const name of added) this.#channels.delete(name);
				throw error;
			}
		}
		reconnect() {
			this.#rounds.count = 0;
			this.#listen("addEventListener");
			this.#begin();
		}
		close() {
			this.#drop("closed", true);
			this.#log("close");
			this.#finish(clientError("closed", "closed"));
		}
		#listen(how) {
			for (const event of [
				"online",
				"offline",
				"pageshow"
			]) globalThis[how]?.(event, this.#wake);
		}
		/**
		* Follows the network and the page cache of the browser. A page that comes back from the cache
		* has lost its connection.
		*/
		#wake = ({ type, persisted }) => {
			if (type === "offline") this.#status === "connected" && this.#lose(type);
			else if (persisted || this.#status === "reconnecting" && !this.#link) this.#begin();
		};
		#set(status, change = {}) {
			const before = this.#status, reason = this.#reason;
			this.#status = status;
			this.#sink.state({
				status,
				transport: void 0,
				...change
			});
			if (before === "connected" && before !== status) this.#sink.event("disconnect", { reason }, "");
		}
		#begin() {
			this.#open(this.#rounds.begin());
		}
		/** Makes one attempt. */
		async #open(transport) {
			this.#drop("reconnect");
			const attempt = this.#attempt, since = this.#lastId, { getToken, getTicket } = this.#options;
			this.#transport = transport;
			const isFirst = !this.#rounds.count && since === this.#options.since;
			this.#set(isFirst ? "connecting" : "reconnecting");
			if (attempt !== this.#attempt) return;
			try {
				const { url, open } = prepare(transport, this.#options);
				const ticket = getTicket && await askPage(this.#options, "getTicket");
				const token = getToken ? await askPage(this.#options, "getToken") : this.#options.token;
				if (attempt !== this.#attempt) return;
				this.#log("connect", transport, url.origin + url.pathname, since ? "since " + since : "");
				const { userId, username, shared: target } = this.#options, sessionId = this.#sessionId, pid = this.#pid;
				const channels = [...this.#channels];
				this.#link = open({
					userId,
					username,
					token,
					ticket,
					since,
					pid,
					sessionId,
					channels,
					target
				}, this.#received);
				this.#expect(this.#rounds.patience(transport, this.#timeout));
			} catch (error) {
				if (attempt === this.#attempt) this.#lose(error.message, withCode(error));
			}
		}
		/** Gives up the link when the server sends nothing within ms. */
		#expect(ms) {
			clearTimeout(this.#timer);
			this.#timer = setTimeout(() => this.#lose("no sign of the server"), ms);
		}
		/** Receives what the link reports. */
		#received = {
			event: (name, value, id, tab, channels) => {
				if (id) this.#sink.state({ lastId: this.#lastId = id });
				this.#log(name, id);
				if (name === "connected" && this.#status !== name && !this.#connect(value)) return;
				if (name === "error") value = clientError(value?.code, value?.message ?? value ?? "", value?.retryAfter);
				if (name === "auth:expiring" && this.#options.getToken) this.#refresh();
				this.#sink.event(name, value, id, tab, channels);
			},
			closed: (reason, error) => this.#lose(reason, error),
			alive: (ms) => {
				if (this.#status === "connected") this.#expect(ms);
			},
			session: (pid) => void (this.#pid = pid)
		};
		/**
		* Takes the first event of a link. Returns false when a handler closed the client, or connected
		* again.
		*/
		#connect(connection) {
			const attempt = this.#attempt, transport = this.#transport, stream = transport === "sse";
			this.#rounds.end(transport);
			this.#status = "connected";
			if (this.#left.size) this.ask("unsubscribe", [{ channels: [...this.#left] }]).catch(() => {});
			this.#queue.flush();
			if (attempt !== this.#attempt) return false;
			const { clientId } = connection ?? {};
			this.#set("connected", {
				transport,
				error: void 0,
				clientId,
				connection
			});
			if (attempt !== this.#attempt) return false;
			const { pingInterval = this.#rounds.fixed ? 3e3 : 0, shared } = this.#options;
			const ping = () => this.#link.emit("ping", [], shared ? "" : void 0);
			if (pingInterval && !stream) this.#pinger = setInterval(ping, pingInterval);
			return true;
		}
		/**
		* Sends the server a new token. When that fails, the server ends the connection, and the next one
		* asks the page again.
		*/
		async #refresh() {
			try {
				await this.ask("auth:refresh", [{ token: await askPage(this.#options, "getToken") }]);
			} catch (error) {
				this.#log("token:", error.message);
			}
		}
		/** Ends the attempt and its link. ordered: tells the server first. */
		#drop(reason, ordered) {
			this.#reason = reason;
			this.#attempt++;
			clearTimeout(this.#timer);
			clearInterval(this.#pinger);
			this.#link?.close(ordered);
			this.#link = void 0;
		}
		/** Decides what follows the end of a link. */
		#lose(reason, error) {
			const connected = this.#status === "connected", code = error?.code ?? "";
			this.#drop(reason);
			this.#log("close", this.#transport, reason, code);
			const final = isFinal(code, this.#options);
			const next = final || connected ? void 0 : this.#rounds.next(this.#transport, code);
			if (final) this.#finish(error, error);
			else if (next) this.#open(next);
			else {
				const wait = this.#rounds.wait(error?.retryAfter);
				this.#log("retry in", Math.round(wait), "ms");
				this.#timer = setTimeout(() => this.#begin(), wait);
				this.#set("reconnecting", { error: error ?? clientError("network", reason) });
			}
			if (code) this.#sink.event("error", error, "");
		}
		/** Ends for good. error: rejects the requests that wait. shown: the state's error. */
		#finish(error, shown) {
			this.#listen("removeEventListener");
			this.#queue.clear(error);
			this.#set("closed", { error: shown });
		}
	};
}));
// ../client/src/token.ts
/** Returns the user that a token names. Only the server can check whether that is true. */
function subjectOf(token) {
	try {
		const [, payload] = token.split(".");
		return JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/"))).sub;
	} catch {
		return;
	}
}
// \0vite/preload-helper.js
var scriptRel = /* @__PURE__ */ (function detectScriptRel() {
	const relList = typeof document !== "undefined" && document.createElement("link").relList;
	return relList && relList.supports && relList.supports("modulepreload") ? "modulepreload" : "preload";
})();
var assetsURL = function(dep, importerUrl) {
	return new URL(dep, importerUrl).href;
};
var seen = {};
var isCssPreloadUrl = function isCssPreloadUrl(url) {
	return url.pathname.endsWith(".css");
};
var preloadOnce = function preloadOnce(seen, href, preload) {
	if (href in seen) return seen[href];
	const promise = preload();
	if (!promise) {
		seen[href] = void 0;
		return;
	}
	const preloadPromise = promise.then(() => {
		seen[href] = void 0;
	}, (err) => {
		seen[href] = void 0;
		throw err;
	});
	seen[href] = preloadPromise;
	return preloadPromise;
};
var __vitePreload = function preload(baseModule, deps, importerUrl) {
	let promise = Promise.resolve();
	if (deps && deps.length > 0) {
		let preloadedHrefs;
		const cspNonceMeta = document.querySelector("meta[property=csp-nonce]");
		const cspNonce = cspNonceMeta?.nonce || cspNonceMeta?.getAttribute("nonce");
		function allSettled(promises) {
			return Promise.all(promises.map((p) => Promise.resolve(p).then((value) => ({
				status: "fulfilled",
				value
			}), (reason) => ({
				status: "rejected",
				reason
			}))));
		}
		function importMetaResolve(specifier) {
			if (import.meta.resolve) return new URL(import.meta.resolve(specifier));
			return new URL(
				specifier,
				/** #__KEEP__ */
				import.meta.url
			);
		}
		promise = allSettled(deps.map((depString) => {
			depString = assetsURL(depString, importerUrl);
			const dep = importMetaResolve(depString);
			const isCss = isCssPreloadUrl(dep);
			return preloadOnce(seen, dep.href, () => {
				if (preloadedHrefs === void 0) {
					preloadedHrefs = {
						all: /* @__PURE__ */ new Set(),
						styles: /* @__PURE__ */ new Set()
					};
					const links = document.getElementsByTagName("link");
					for (let i = links.length - 1; i >= 0; i--) {
						const link = links[i];
						preloadedHrefs.all.add(link.href);
						if (link.rel === "stylesheet") preloadedHrefs.styles.add(link.href);
					}
				}
				if ((isCss ? preloadedHrefs.styles : preloadedHrefs.all).has(dep.href)) return;
				const link = document.createElement("link");
				link.rel = isCss ? "stylesheet" : scriptRel;
				if (!isCss) link.as = "script";
				link.crossOrigin = "";
				link.href = dep.href;
				if (cspNonce) link.setAttribute("nonce", cspNonce);
				document.head.appendChild(link);
				if (isCss) return new Promise((res, rej) => {
					const handleSettle = (e) => {
						link.removeEventListener("load", handleSettle);
						link.removeEventListener("error", handleSettle);
						if (e.type === "error") rej(/* @__PURE__ */ new Error(`Unable to preload CSS for ${dep}`));
						else res(e);
					};
					link.addEventListener("load", handleSettle);
					link.addEventListener("error", handleSettle);
				});
			});
		}).filter((p) => p !== void 0));
	}
	function handlePreloadError(err) {
		const e = new Event("vite:preloadError", { cancelable: true });
		e.payload = err;
		window.dispatchEvent(e);
		if (!e.defaultPrevented) throw err;
	}
	return promise.then((res) => {
		for (const item of res || []) {
			if (item.status !== "rejected") continue;
			handlePreloadError(item.reason);
		}
		return baseModule().catch(handlePreloadError);
	});
};
// ../client/src/shared/bus.ts
/** Opens a BroadcastChannel with typed messages. A tab does not receive its own. */
function openBus(name, receiver) {
	const channel = new BroadcastChannel(name);
	channel.onmessage = ({ data: [message, ...args] }) => receiver[message]?.(...args);
	return {
		post: (...message) => channel.postMessage(message),
		close: () => channel.close()
	};
}
var plain, revived;
var init_bus = __esmMin((() => {
	init_errors();
	plain = (value) => value instanceof Error ? {
		...value,
		message: value.message
	} : value;
	revived = (value) => value && clientError(value.code, value.message, value.retryAfter);
}));
// ../client/src/shared/calls.ts
/** timeout: for each answer, in ms. send: sends a call; id is "" where no answer is wanted. */
function callsOf(timeout, send) {
	const waiting = new Queue(), pending = new Pending();
	let led = false;
	const hold = () => {
		led = false;
	};
	return {
		add(...call) {
			const now = () => send("", ...call);
			if (!led) return waiting.add(now);
			now();
			return true;
		},
		request(what, ...call) {
			const ask = () => pending.ask(what, timeout, void 0, (id) => send(id, ...call));
			return led ? ask() : waiting.request(ask, timeout);
		},
		settle: (...answer) => pending.settle(...answer),
		follow() {
			led = true;
			waiting.flush();
		},
		hold,
		close() {
			hold();
			for (const all of [waiting, pending]) all.clear(clientError("closed", "closed"));
		}
	};
}
var init_calls = __esmMin((() => {
	init_errors();
	init_pending();
	init_queue();
}));
// ../client/src/shared/channels.ts
var without, Channels;
var init_channels = __esmMin((() => {
	without = (names, others) => names.filter((name) => !others.includes(name));
	Channels = class {
		#tab;
		#tabs = /* @__PURE__ */ new Map();
		/** tab: the one that keeps the table. */
		constructor(tab) {
			this.#tab = tab;
		}
		/** The channels of the tab that keeps the table. */
		get own() {
			return this.#tabs.get(this.#tab) ?? [];
		}
		/** The channels of each tab. */
		get entries() {
			return [...this.#tabs];
		}
		/** The channels of all tabs, each once. */
		get all() {
			return [...new Set([...this.#tabs.values()].flat())];
		}
		set(tab, channels) {
			this.#tabs.set(tab, [...new Set(channels)]);
		}
		/** Forgets a tab. Returns its channels. */
		delete(tab) {
			const channels = this.#tabs.get(tab) ?? [];
			this.#tabs.delete(tab);
			return channels;
		}
		/** Forgets the other tabs. */
		reset() {
			const { own } = this;
			this.#tabs.clear();
			this.set(this.#tab, own);
		}
		/** Reports whether an event is for other tabs only: they alone are in the channels it is for. */
		foreign(channels) {
			const { own, all } = this;
			return !!channels?.every((channel) => all.includes(channel) && !own.includes(channel));
		}
	};
}));
// ../client/src/shared/delivery.ts
/** Reports whether an id is not after another one, of the same log as far as ids show. */
function isRepeat(id, of) {
	const [epoch, sequence] = id.split("-"), [before, last] = of.split("-");
	return epoch === before ? +sequence <= +last : epoch.length === 13 && before.length === 13 && epoch < before;
}
/**
* Returns the function that delivers an event to the tab, unless it replies to another tab, was
* delivered before, or is only for channels of other tabs.
*/
function delivery(tab, channels, sink) {
	/** The id of the newest notification that this tab delivered. */
	let delivered = "";
	return (name, value, id, to, only) => {
		if (to && to !== tab) return;
		if (name === "gap" && value?.reason === "epoch") delivered = "";
		if (value?.id) {
			if (isRepeat(value.id, delivered)) return;
			delivered = value.id;
		}
		if (!channels.foreign(only)) sink.event(name, value, id);
	};
}
var init_delivery = __esmMin((() => {}));
// ../client/src/shared/election.ts
/**
* name: of the lock. lead: called when this tab begins to lead. depose: called when another tab has
* taken the lead from it.
*/
function elect(name, lead, depose) {
	let leave = () => {};
	return {
		run(steal) {
			leave();
			const abort = new AbortController(), { signal } = abort;
			leave = () => abort.abort();
			const hold = () => new Promise((release) => {
				signal.onabort = () => release();
				lead();
			});
			navigator.locks.request(name, steal ? { steal } : { signal }, () => signal.aborted ? void 0 : hold()).catch((error) => {
				if (signal.aborted) return;
				if (error.name === "AbortError") depose();
				else hold();
			});
		},
		leave: () => leave()
	};
}
var init_election = __esmMin((() => {}));
// ../client/src/shared/leader.ts
/** Connects, and joins the channels of all tabs in the handshake. */
function lead(given, channels, sink, log) {
	const options = {
		...given,
		channels: channels.all
	}, state = {};
	/** Wait for the next event. */
	const proofs = [];
	/** When the server sent the last event. */
	let sign = 0, silenced;
	const connection = new Connection(options, {
		event(...event) {
			if (silenced) return;
			sink.event(...event);
			sign = Date.now();
			for (const proved of proofs.splice(0)) proved();
		},
		state(change) {
			Object.assign(state, change);
			if (!silenced) sink.state(change);
		}
	}, log);
	const leader = {
		call: async (tab, method, [first, second]) => (method === "change" ? leader : connection)[method](first, second, tab),
		change: (join, leave, tab) => connection.change(join, without(leave, channels.all), tab),
		prove(proved) {
			const stream = state.transport === "sse", age = Date.now() - sign;
			if (state.status !== "connected" || age < (stream ? FRESH_STREAM : FRESH_SOCKET)) return proved();
			proofs.push(proved);
			(stream ? connection.ask("subscribe", [{ channels: [] }]) : connection.ask("ping", [], "none")).catch(() => {});
		},
		reconnect(token) {
			options.token = token ?? options.token;
			connection.reconnect();
		},
		close(silent) {
			silenced = silent;
			connection.close();
		}
	};
	return leader;
}
var FRESH_SOCKET, FRESH_STREAM;
var init_leader = __esmMin((() => {
	init_connection();
	init_channels();
	FRESH_SOCKET = 1500;
	FRESH_STREAM = 1e4;
}));
// ../client/src/shared/watch.ts
/** longest: for an answer, in ms. */
function watchLeader(ask, replace, longest) {
	const least = Math.min(longest, ANSWER);
	let timer, patience = least, asked = 0;
	const stop = () => clearTimeout(timer);
	const wait = (then, ms) => {
		stop();
		timer = setTimeout(then, ms);
	};
	const doubt = () => {
		ask();
		asked = Date.now();
		wait(() => {
			patience *= 2;
			replace();
		}, patience);
	};
	return {
		doubt,
		heard() {
			if (Date.now() - asked < least) patience = least;
			wait(doubt, document.hidden ? SILENCE : QUIET + Math.random() * 500);
		},
		stop
	};
}
/**
* Follows what the browser does to the page, until the returned function is called. rest: it stops
* the page, because it freezes a hidden tab, or keeps a page that the user left in a cache. look:
* the page runs again, or the user looks at it. end: it ends.
*/
function watchPage(rest, look, end) {
	const listeners = {
		pagehide: ({ persisted }) => persisted ? rest() : end(),
		pageshow: ({ persisted }) => persisted && look(),
		freeze: rest,
		resume: look,
		visibilitychange: () => document.hidden || look()
	};
	const abort = new AbortController(), { signal } = abort;
	for (const event in listeners) addEventListener(event, listeners[event], {
		signal,
		capture: true
	});
	return () => abort.abort();
}
var QUIET, SILENCE, ANSWER;
var init_watch = __esmMin((() => {
	QUIET = 1500;
	SILENCE = 9e4;
	ANSWER = 2500;
}));
// ../client/src/shared/driver.ts
var driver_exports = /* @__PURE__ */ __exportAll({ SharedDriver: () => SharedDriver });
var SharedDriver;
var init_driver = __esmMin((() => {
	init_driver$1();
	init_errors();
	init_link();
	init_open();
	init_bus();
	init_calls();
	init_channels();
	init_delivery();
	init_election();
	init_leader();
	init_watch();
	SharedDriver = class {
		/** Of the lock and the bus: the same for all tabs that share the connection. */
		#name;
		#options;
		#sink;
		#log;
		#tab = uniqueId();
		#election;
		#channels = new Channels(this.#tab);
		#calls;
		#deliver;
		#watch;
		#unwatchPage = () => {};
		#bus;
		#leader;
		#state = {};
		/** Whether this tab has not yet received the state of the leader's connection. */
		#fresh = true;
		#resting = false;
		/** user: whose connection it is. */
		constructor(user, options, sink, log) {
			const { url, channels = [], transport, socketPath, ssePath } = options;
			this.#name = "roomcast:" + JSON.stringify([
				url,
				user,
				[...channels].sort(),
				transport,
				socketPath,
				ssePath
			]);
			this.#options = { ...options };
			this.#sink = sink;
			this.#log = log;
			const timeout = timeoutOf(options);
			this.#calls = callsOf(timeout, (id, ...call) => {
				if (this.#leader) this.#messages.call(this.#tab, id, ...call);
				else this.#post("call", this.#tab, id, ...call);
			});
			this.#deliver = delivery(this.#tab, this.#channels, sink);
			this.#channels.set(this.#tab, channels);
			this.#election = elect(this.#name, () => this.#lead(), () => {
				this.#yield();
				this.#run();
			});
			const ask = () => this.#post("hello", this.#tab, this.#channels.own);
			this.#watch = watchLeader(ask, () => this.#election.run(true), timeout);
			this.#start();
		}
		emit(event, args) {
			if (this.#state.status === "closed") return refuse(this.#sink, event, "closed");
			return this.#calls.add("emit", [event, copy(args)]) || refuse(this.#sink, event, "unavailable");
		}
		async ask(event, args) {
			return this.#request(event, "ask", [event, copy(args)]);
		}
		async change(join, leave) {
			const { own } = this.#channels, added = without(join, own);
			this.#declare([...without(own, leave), ...join]);
			try {
				const result = await this.#request("join", "change", [join, leave]);
				if (result.denied.length) this.#declare(without(this.#channels.own, result.denied));
				return result;
			} catch (error) {
				if (this.#state.status === "connected") this.#declare(without(this.#channels.own, added));
				throw error;
			}
		}
		reconnect() {
			if (!this.#bus) this.#start();
			else if (this.#leader) this.#leader.reconnect();
			else {
				this.#post("reconnect", this.#options.token);
				this.#watch.doubt();
			}
		}
		close() {
			this.#end();
			this.#unwatchPage();
			this.#watch.stop();
			const leader = this.#leader, { status } = this.#state;
			this.#leader = void 0;
			this.#bus?.close();
			this.#bus = void 0;
			this.#election.leave();
			this.#calls.close();
			if (leader) return leader.close();
			this.#apply({
				status: "closed",
				transport: void 0,
				error: void 0
			});
			if (status === "connected") this.#sink.event("disconnect", { reason: "closed" }, "");
		}
		#post = (...message) => this.#bus?.post(...message);
		#start() {
			this.#bus = openBus(this.#name, this.#messages);
			this.#channels.reset();
			this.#apply({ status: "connecting" });
			const look = () => this.#resting ? this.#run() : this.#leader || this.#watch.doubt();
			this.#unwatchPage = watchPage(() => this.#rest(), look, this.#end);
			this.#run();
		}
		/** Stands for election, and asks whether another tab leads. */
		#run() {
			this.#resting = false;
			this.#election.run();
			this.#watch.doubt();
		}
		/** Tells the other tabs that this one ends. */
		#end = () => this.#post("gone", this.#tab, !!this.#leader);
		/** Hands over: a page that does not run would keep the lock, or get it. It may come back. */
		#rest() {
			this.#resting = true;
			this.#watch.stop();
			this.#calls.hold();
			if (this.#leader) {
				this.#post("gone", "", true);
				this.#yield();
			}
			this.#election.leave();
		}
		#lead() {
			this.#watch.stop();
			this.#log("leads");
			const since = this.#state.lastId ?? this.#options.since;
			this.#leader = lead({
				...this.#options,
				since
			}, this.#channels, this.#reports, this.#log);
			this.#calls.follow();
		}
		/** Follows again, without a word to the other tabs. */
		#yield() {
			this.#leader?.close(true);
			this.#leader = void 0;
			this.#apply({
				status: "reconnecting",
				transport: void 0
			});
		}
		async #request(what, method, args) {
			if (this.#state.status === "closed") throw clientError("closed", "closed");
			return this.#calls.request(what, method, args);
		}
		/** Tells all tabs which channels this one is in. */
		#declare(channels) {
			this.#channels.set(this.#tab, channels);
			this.#post("channels", this.#tab, this.#channels.own);
		}
		#apply(change) {
			Object.assign(this.#state, change);
			this.#sink.state(change);
		}
		/** As the leader: sends the state to the other tabs, with the channels of all when one asked. */
		#tell(channels) {
			this.#post("state", {
				...this.#state,
				error: plain(this.#state.error)
			}, channels);
		}
		/** Receives the reports of the connection, while this tab leads. */
		#reports = {
			event: (name, value, ...about) => {
				this.#post("event", name, plain(value), ...about);
				this.#deliver(name, value, ...about);
			},
			state: (change) => {
				if (change.status === "connecting" && this.#state.connection) change = {
					...change,
					status: "reconnecting"
				};
				this.#apply(change);
				if (change.status) this.#tell();
			}
		};
		/** Receives the messages of other tabs. */
		#messages = {
			channels: (tab, channels) => this.#channels.set(tab, channels),
			hello: (tab, channels) => {
				this.#channels.set(tab, channels);
				const leader = this.#leader;
				leader?.prove(() => leader === this.#leader && this.#tell(this.#channels.entries));
			},
			gone: (tab, led) => {
				const channels = this.#channels.delete(tab);
				if (led) this.#calls.hold();
				this.#leader?.change([], channels, tab).catch(() => {});
			},
			state: (state, channels) => {
				for (const [tab, names] of channels ?? []) if (tab !== this.#tab) this.#channels.set(tab, names);
				if (this.#leader) return;
				const connected = channels && state.status === "connected", { lastId } = this.#state;
				if (connected && lastId && state.lastId !== lastId) return this.#election.run(true);
				this.#apply({
					...state,
					error: revived(state.error)
				});
				this.#watch.heard();
				this.#calls.follow();
				if (!this.#fresh) return;
				this.#log("follows");
				if (connected) this.#deliver("connected", state.connection, state.lastId ?? "");
				if (state.status === "closed") this.#post("reconnect", this.#options.token);
				this.#fresh = state.status.endsWith("ing");
			},
			event: (name, value, id, ...about) => {
				if (this.#leader) return;
				this.#watch.heard();
				if (id) this.#apply({ lastId: id });
				this.#log(name, id);
				this.#deliver(name, name === "error" ? revived(value) : value, id, ...about);
			},
			call: (tab, id, ...call) => {
				const answer = (failed) => (value) => {
					if (tab === this.#tab) this.#calls.settle(id, value, failed);
					else if (id) this.#post("answer", tab, id, plain(value), failed);
				};
				this.#leader?.call(tab, ...call).then(answer(0), answer(1));
			},
			answer: (tab, id, value, failed) => {
				if (tab === this.#tab) this.#calls.settle(id, failed ? revived(value) : value, failed);
			},
			reconnect: (token) => {
				this.#options.token = token ?? this.#options.token;
				this.#leader?.reconnect(token);
			}
		};
	};
}));
// ../client/src/shared/loading.ts
init_connection();
init_driver$1();
init_errors();
init_open();
init_queue();
/** The driver of a shared connection. Calls wait in their order until its code is there. */
var LoadingDriver = class {
	#user;
	#options;
	#sink;
	#log;
	#queue = new Queue();
	#driver;
	#closed = true;
	constructor(user, options, sink, log) {
		this.#user = user;
		this.#options = options;
		this.#sink = sink;
		this.#log = log;
		this.reconnect();
	}
	emit(event, args) {
		if (this.#driver) return this.#driver.emit(event, args);
		if (this.#closed) return refuse(this.#sink, event, "closed");
		return this.#queue.add(() => this.#driver.emit(event, args)) || refuse(this.#sink, event, "unavailable");
	}
	async ask(event, args) {
		return this.#request((driver) => driver.ask(event, args));
	}
	async change(join, leave) {
		return this.#request((driver) => driver.change(join, leave));
	}
	reconnect() {
		if (this.#driver) return this.#driver.reconnect();
		if (!this.#closed) return;
		this.#closed = false;
		this.#sink.state({ status: "connecting" });
		this.#load();
	}
	close() {
		if (this.#driver) return this.#driver.close();
		this.#closed = true;
		this.#queue.clear(clientError("closed", "closed"));
		this.#sink.state({ status: "closed" });
	}
	async #load() {
		const load = await __vitePreload(() => Promise.resolve().then(() => (init_driver(), driver_exports)), void 0, import.meta.url).catch((error) => {
			this.#log("not shared:", error.message);
		});
		if (this.#closed || this.#driver) return;
		const parameters = [
			this.#options,
			this.#sink,
			this.#log
		];
		this.#driver = load ? new load.SharedDriver(this.#user, ...parameters) : new Connection(...parameters);
		this.#queue.flush();
	}
	async #request(call) {
		if (this.#driver) return call(this.#driver);
		if (this.#closed) throw clientError("closed", "closed");
		return this.#queue.request(() => call(this.#driver), timeoutOf(this.#options));
	}
};
// ../client/src/shared/index.ts
/**
* Returns a share in the connection of this browser's tabs; undefined where the options or the
* browser do not allow one.
*/
function share(options, sink, log) {
	const user = options.userId ?? subjectOf(options.token);
	if (!options.shared) return void 0;
	if (!globalThis.navigator?.locks || !globalThis.BroadcastChannel || user === void 0) return void log("not shared:", user);
	return new LoadingDriver(user, options, sink, log);
}
// ../client/src/client.ts
init_connection();
init_open();
init_replies();
/** The parts of the state whose changes are reported to `onStatus`. */
var WATCHED = [
	"status",
	"transport",
	"error",
	"clientId"
];
/**
* Connects to a server and stays connected: by WebSocket, or by EventSource where WebSocket is
* blocked. It returns at once; {@link Client.onStatus} reports the connection. After a reconnect
* the notifications that were missed come before any new one.
*
* @throws TypeError when options.url is not an http(s) URL, or is missing outside of a page.
*/
function connect(options = {}) {
	endpoint(options, "/");
	const handlers = /* @__PURE__ */ new Map();
	const anyHandlers = /* @__PURE__ */ new Set(), watchers = /* @__PURE__ */ new Set();
	const aliases = [options.as ?? "type"].flat();
	const state = {
		status: "connecting",
		transport: void 0,
		error: void 0,
		clientId: void 0,
		connection: void 0,
		lastId: options.since
	};
	const log = options.debug ? (...parts) => console.debug("[roomcast]", ...parts) : () => {};
	/**
	* Calls the current handlers, except those that another one removes. An error ends no other
	* handler.
	*/
	function callAll(set, ...args) {
		for (const handler of [...set ?? []]) {
			if (!set.has(handler)) continue;
			try {
				handler(...args);
			} catch (error) {
				(globalThis.reportError ?? console.error)(error);
			}
		}
	}
	const sink = {
		event(name, value, id) {
			if (name === "sync") return;
			callAll(handlers.get(name), value, id);
			const renamed = value?.data === void 0 || isReply(value) || name === "connection-update" ? [] : aliases;
			for (const alias of renamed) if (alias !== "type" && alias !== name) callAll(handlers.get(alias), value, id);
			callAll(anyHandlers, name, value, id);
		},
		state(change) {
			const before = { ...state };
			Object.assign(state, change);
			if (WATCHED.some((name) => before[name] !== state[name])) callAll(watchers, client);
		}
	};
	const client = {
		on(name, handler) {
			const set = handlers.get(name) ?? /* @__PURE__ */ new Set();
			handlers.set(name, set.add(handler));
			return () => client.off(name, handler);
		},
		onAny(handler) {
			anyHandlers.add(handler);
			return () => void anyHandlers.delete(handler);
		},
		onStatus(handler) {
			watchers.add(handler);
			return () => void watchers.delete(handler);
		},
		off(name, handler) {
			const sets = name === void 0 ? [
				...handlers.values(),
				anyHandlers,
				watchers
			] : [handlers.get(name)];
			for (const set of sets) if (name !== void 0 && handler) set?.delete(handler);
			else set?.clear();
			for (const [key, set] of handlers) if (!set.size) handlers.delete(key);
		},
		join: (...channels) => driver.change(channels, []),
		leave: async (...channels) => void await driver.change([], channels),
		send: (room, message, metadata) => driver.ask("send-message", [{
			room,
			message,
			metadata
		}]),
		emit: (event, ...args) => driver.emit(event, args),
		ack: (event, ...args) => driver.ask(event, args),
		position: (init) => positionOf(options, init),
		reconnect: () => driver.reconnect(),
		close: () => driver.close()
	};
	for (const name in state) Object.defineProperty(client, name, {
		get: () => state[name],
		enumerable: true
	});
	const driver = share(options, sink, log) ?? new Connection(options, sink, log);
	return client;
}
// src/admission.ts
/**
* Returns a source of tickets, which work in every mode, if there is a key; else the user id.
* channels: returns those that a ticket of a limited key has to name.
*/
async function credentials(userId, channels) {
	if (!userId) throw new Error("A user ID is required: the user whose notifications to show.");
	const bare = {
		userId,
		username: userId
	};
	const mode = key.value ? await authMode() : "open";
	if (mode === "open") return bare;
	const getTicket = () => ticket(userId, ["*"]).catch(() => ticket(userId, channels()));
	if (!mode && !await getTicket().then(() => true, () => false)) return bare;
	return { getTicket };
}
async function ticket(userId, patterns) {
	const { json, problem } = await call("POST", "v1/tickets", { body: JSON.stringify({
		userId,
		channels: patterns
	}) });
	if (problem) throw Object.assign(new Error(lineOf(problem)), { code: problem.status === 401 ? "forbidden" : problem.code });
	return json.ticket;
}
// src/log.ts
/** The events about the connection, which are not notifications. */
var CONTROL = /* @__PURE__ */ new Set([
	"connected",
	"disconnect",
	"gap",
	"recovery",
	"heartbeat",
	"subscribed",
	"unsubscribed",
	"auth:expiring",
	"auth:expired",
	"auth:refreshed",
	"error",
	"overloaded"
]);
/** How much of an open event is shown, in characters. */
var LONGEST = 2e4;
/** Returns the entry for the arguments of a handler. */
function entryOf(name, value) {
	const control = CONTROL.has(name);
	const { channel, channels } = control ? {} : value?.metadata ?? {};
	const shown = value instanceof Error ? {
		code: value.code,
		message: value.message
	} : value;
	return {
		name: control ? name : String(value?.type ?? name),
		control,
		tags: [],
		at: Date.now(),
		id: control ? "" : value?.id ?? "",
		published: control ? "" : value?.timestamp ?? "",
		channels: [channels ?? channel ?? []].flat().filter((one) => typeof one === "string"),
		text: json(control ? shown : value?.data),
		whole: control ? shown : {
			id: value?.id,
			type: value?.type,
			data: value?.data,
			timestamp: value?.timestamp,
			metadata: value?.metadata
		}
	};
}
var Log = class {
	most;
	painted;
	root;
	/** The number of entries, including those that the filter hides. */
	size = 0;
	#list = h("ol");
	#entries = [];
	#waiting = [];
	#frame = 0;
	#held = false;
	#wanted = () => true;
	/** most: the number of entries kept. painted: called after each change. */
	constructor(label, empty, most, painted = () => {}) {
		this.most = most;
		this.painted = painted;
		this.root = h("div", {
			class: "log",
			role: "log",
			"aria-label": label,
			tabindex: 0
		}, this.#list);
		set(this.root, { "data-empty": empty });
	}
	push(entry) {
		this.#waiting.push(entry);
		if (this.#waiting.length > this.most) this.#waiting.shift();
		this.#frame ||= requestAnimationFrame(() => this.#paint());
	}
	/** The number of entries that wait while the list is paused, at most as many as are kept. */
	get held() {
		return this.#held ? this.#waiting.length : 0;
	}
	/** Pauses or resumes the list. While it is paused, new entries wait; the oldest are dropped. */
	hold(held) {
		this.#held = held;
		this.#paint();
	}
	/** Shows only the wanted entries. */
	filter(wanted) {
		this.#wanted = wanted;
		for (const { entry, row } of this.#entries) row.hidden = !wanted(entry);
		this.painted();
	}
	clear() {
		this.#waiting = [];
		this.#entries = [];
		this.#list.replaceChildren();
		this.#paint();
	}
	/** The number of entries that the filter shows. */
	get shown() {
		return this.#entries.filter(({ row }) => !row.hidden).length;
	}
	/** Returns the rows of one id. */
	rows(id) {
		return this.#entries.filter(({ entry }) => entry.id === id).map(({ row }) => row);
	}
	#paint() {
		cancelAnimationFrame(this.#frame);
		this.#frame = 0;
		if (this.#held) return this.painted();
		const { root } = this;
		const atEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 40;
		const rows = this.#waiting.map((entry) => ({
			entry,
			row: rowOf(entry, !this.#wanted(entry))
		}));
		this.#waiting = [];
		this.#list.append(...rows.map(({ row }) => row));
		this.#entries.push(...rows);
		for (const { row } of this.#entries.splice(0, this.#entries.length - this.most)) row.remove();
		this.size = this.#entries.length;
		if (atEnd) root.scrollTop = root.scrollHeight;
		this.painted();
	}
};
function rowOf(entry, hidden) {
	const { name, id, control, tags, channels, at, published, text, whole } = entry;
	const when = h("time", {
		datetime: new Date(at).toISOString(),
		title: published && `published ${published}`
	}, time(at));
	const names = h("span", { class: "name" }, h("b", { class: "type" }, name));
	for (const tag of tags) add(names, h("span", { class: `tag ${tag.split(" ")[0]}` }, tag));
	for (const channel of channels) add(names, h("span", {
		class: "tag channel",
		title: `channel ${channel}`
	}, channel));
	const details = h("details", { ontoggle: () => {
		if (details.open && details.childElementCount === 1) add(details, h("pre", {}, cut(json(whole, 2), LONGEST)));
	} }, h("summary", {}, when, names, h("code", { class: "id" }, id), h("span", { class: "data" }, cut(text, 2e3))));
	const row = h("li", {
		class: control ? "event control" : "event",
		hidden
	}, details);
	Object.assign(row.dataset, {
		id,
		type: name,
		tags: tags.join(",")
	});
	return row;
}
// src/matcher.ts
/**
* Returns a test of entries. type: a part of the event name, or a pattern with stars. text: a part
* of the name, the data, the id or a channel. Case does not matter.
*/
function matcher(type, text) {
	const pattern = type.trim().toLowerCase(), wanted = text.trim().toLowerCase();
	const parts = pattern.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
	const glob = parts.length > 1 && new RegExp(`^${parts.join(".*")}$`, "s");
	return ({ name, text, id, channels }) => {
		const own = name.toLowerCase();
		if (pattern && !(glob ? glob.test(own) : own.includes(pattern))) return false;
		return !wanted || [
			own,
			text,
			id,
			...channels
		].some((one) => one.toLowerCase().includes(wanted));
	};
}
// src/names.ts
/** changed: called with the names that the user adds or removes. */
function nameList(label, add, changed) {
	const held = /* @__PURE__ */ new Set();
	const options = h("datalist", { id: newId() });
	const field = h("input", {
		name: "channel",
		"aria-label": label,
		maxlength: 2e3,
		placeholder: "orders, news",
		spellcheck: "false",
		autocomplete: "off",
		list: options.id
	});
	const list = h("ul", {
		class: "chips",
		"aria-label": label
	});
	function paint() {
		list.replaceChildren(...[...held].map((name) => h("li", { class: "chip" }, name, button("×", () => {
			held.delete(name);
			paint();
			field.focus();
			changed([], [name]);
		}, {
			"aria-label": `Leave ${name}`,
			title: "Leave"
		}))));
	}
	return {
		root: h("form", {
			class: "field",
			autocomplete: "off",
			onsubmit: (event) => {
				event.preventDefault();
				const names = words(field.value).filter((name) => !held.has(name));
				field.value = "";
				for (const name of names) held.add(name);
				paint();
				if (names.length) changed(names, []);
			}
		}, h("span", { class: "label" }, label), h("div", { class: "inline" }, field, h("button", {}, add)), list, options),
		get values() {
			return [...held];
		},
		put(...names) {
			for (const name of names) held.add(name);
			paint();
		},
		drop(...names) {
			for (const name of names) held.delete(name);
			paint();
		},
		suggest: (names) => options.replaceChildren(...names.map((value) => h("option", { value })))
	};
}
// src/views/tail.ts
var KEPT$1 = 1e3;
var MOST_CHANNELS = 64;
function tail() {
	const user = h("input", {
		name: "userId",
		value: "console",
		maxlength: 128,
		spellcheck: "false",
		autocomplete: "off"
	});
	const start = select({
		now: "from now",
		all: "with everything kept"
	}, { name: "since" });
	const channels = nameList("Channels", "Join", change);
	const type = h("input", {
		type: "search",
		name: "type",
		placeholder: "payment:* or a part",
		spellcheck: "false"
	});
	const text = h("input", {
		type: "search",
		name: "text",
		placeholder: "in data, ids, channels",
		spellcheck: "false"
	});
	const note = new Note();
	const state = h("p", {
		class: "state",
		role: "status"
	}, "not connected");
	const count = h("p", { class: "hint" });
	const begin = h("button", { class: "primary" }, "Connect"), end = button("Disconnect", () => client?.close(), { disabled: true });
	const pause = button("Pause", () => hold(!paused), { "aria-pressed": "false" });
	const log = new Log("Events", "Nothing yet. Connect to see the events.", KEPT$1, counted);
	let client, paused = false, total = 0;
	async function run() {
		client?.close();
		note.say("");
		let who;
		try {
			who = await credentials(user.value.trim(), () => channels.values);
		} catch (error) {
			return note.say(error.message, true);
		}
		const mine = client = connect({
			...who,
			url: base.href,
			channels: channels.values,
			backoff: { max: 5e3 },
			...start.value === "all" && { since: "0" }
		});
		mine.onAny((name, value) => name !== "heartbeat" && take(entryOf(name, value)));
		mine.onStatus(() => mine === client && show(mine));
		mine.on("connected", ({ denied = [] }) => {
			if (denied.length) note.say(`Not allowed: ${denied.join(", ")}`, true);
		});
		show(mine);
	}
	function show({ status, transport, error }) {
		set(root, { "data-state": status });
		say(state, status === "connected" ? `connected by ${transport === "sse" ? "EventSource" : "Socket.IO"}` : `${status}${error ? `: ${error.message}` : ""}`);
		set(end, { disabled: status === "closed" });
		say(begin, status === "closed" ? "Connect" : "Reconnect");
	}
	function take(entry) {
		total++;
		if (entry.name === "gap" && entry.control) entry.tags.push("gap");
		if (!entry.control && !entry.id) entry.tags.push("volatile");
		log.push(entry);
	}
	async function change(joined, left) {
		if (!client || client.status === "closed") return;
		try {
			const { denied } = joined.length ? await client.join(...joined) : { denied: [] };
			if (left.length) await client.leave(...left);
			channels.drop(...denied);
			note.say(denied.length ? `Not allowed: ${denied.join(", ")}` : "", denied.length > 0);
		} catch (error) {
			note.say(`Channels not changed: ${error.message}`, true);
		}
	}
	/**
	* Joins the channels that have members now, because nobody receives what is sent to other rooms.
	*/
	async function all() {
		const { json, problem } = await call("GET", `v1/channels?limit=${MOST_CHANNELS}`);
		note.problem(problem);
		if (problem) return;
		const names = json.channels.map(({ channel }) => channel).filter((name) => !channels.values.includes(name));
		channels.put(...names);
		if (names.length) await change(names, []);
	}
	function hold(on) {
		paused = on;
		set(pause, { "aria-pressed": String(on) });
		log.hold(on);
	}
	function counted() {
		say(pause, paused ? "Resume" : "Pause");
		const hidden = log.size - log.shown;
		const parts = [`${plural(total, "event")} in all`];
		if (total > log.size) parts.push(`the last ${number(log.size)} kept`);
		if (hidden) parts.push(`${number(hidden)} hidden by the filter`);
		if (paused) parts.push(`paused, ${number(log.held)} waiting`);
		say(count, `${parts.join(" · ")}.`);
	}
	const filter = () => log.filter(matcher(type.value, text.value));
	type.oninput = text.oninput = filter;
	const root = section("Live tail", "A connection of this page. It counts like any other, and receives what is sent to its user, its channels and everyone.", [], h("div", { class: "card form" }, h("div", { class: "halves" }, h("form", {
		class: "form",
		autocomplete: "off",
		onsubmit: (event) => {
			event.preventDefault();
			run();
		}
	}, h("div", { class: "pair" }, labelled("User ID", user, "whose notifications"), labelled("Start", start)), h("div", { class: "row" }, begin, end, state)), h("div", { class: "form" }, channels.root, h("div", { class: "row" }, button("Join all that have members", all, { class: "small" })))), note.root), h("div", {
		class: "filters",
		role: "search",
		"aria-label": "Filter"
	}, labelled("Type", type), labelled("Text", text)), h("div", { class: "row apart" }, count, h("div", { class: "row" }, pause, button("Clear", () => {
		total = 0;
		log.clear();
	}))), log.root);
	root.classList.add("tail");
	counted();
	return {
		title: "Live tail",
		root,
		show(params) {
			const given = params.get("user"), channel = params.get("channel");
			if (given) user.value = given;
			if (channel && !channels.values.includes(channel)) {
				channels.put(channel);
				change([channel], []);
			}
			if (key.value) call("GET", "v1/channels?limit=100").then(({ json }) => channels.suggest(json?.channels?.map(({ channel }) => channel) ?? []));
		}
	};
}
// src/credential.ts
/** Returns an input for text. */
var text$1 = (name, value = "", placeholder = "") => h("input", {
	name,
	value,
	placeholder,
	spellcheck: "false",
	autocomplete: "off"
});
/** Returns a hidden area for a credential, and for a command that uses it. */
function output(label, ...actions) {
	const made = h("pre", {
		class: "block",
		tabindex: 0,
		"aria-label": label
	}), use = h("pre", {
		class: "block",
		tabindex: 0,
		"aria-label": "How to try it"
	});
	return {
		root: h("div", {
			class: "form",
			hidden: true
		}, h("div", { class: "row apart" }, h("h3", {}, label), h("div", { class: "row" }, copier(() => made.textContent), ...actions)), made, use),
		made,
		use
	};
}
// src/views/ticketform.ts
/** Returns the form for a ticket of the server, which is valid for one connection. */
function ticketForm() {
	const userId = text$1("userId", "alice"), username = text$1("username"), channels = text$1("channels", "", "orders, team-*");
	const ttl = select({
		"30s": "30 s",
		"20s": "20 s",
		"10s": "10 s"
	}, { name: "ttl" });
	const note = new Note(), left = h("p", {
		class: "hint",
		role: "timer"
	});
	const out = output("Ticket");
	let timer;
	async function make() {
		const body = {
			userId: userId.value.trim(),
			ttl: ttl.value
		};
		if (username.value.trim()) body.username = username.value.trim();
		if (words(channels.value).length) body.channels = words(channels.value);
		const { json, problem } = await call("POST", "v1/tickets", { body: JSON.stringify(body) });
		set(userId, { "aria-invalid": problem?.field === "userId" && "true" });
		set(channels, { "aria-invalid": problem?.field?.startsWith("channels") && "true" });
		out.root.hidden = Boolean(problem);
		clearInterval(timer);
		if (problem) return note.problem(problem);
		note.say("Issued. It is valid for one connection.");
		say(out.made, json.ticket);
		const url = new URL("sse", base);
		url.searchParams.set("ticket", json.ticket);
		say(out.use, `curl -N '${url}'`);
		const tick = () => {
			const seconds = Math.ceil((Date.parse(json.expiresAt) - Date.now()) / 1e3);
			say(left, seconds > 0 ? `Valid for another ${seconds} s.` : "It has expired: issue another one.");
			if (seconds <= 0) clearInterval(timer);
		};
		tick();
		timer = setInterval(tick, 1e3);
	}
	out.root.append(left);
	return h("form", {
		class: "card form",
		id: "ticket",
		autocomplete: "off",
		onsubmit: (event) => {
			event.preventDefault();
			make();
		}
	}, h("h3", {}, "Ticket"), h("p", { class: "hint" }, "For one connection of a user, within 30 s. Your backend requests one for each page that connects."), h("div", { class: "pair" }, labelled("User ID", userId), labelled("Username", username)), h("div", { class: "pair" }, labelled("Channels", channels, "patterns"), labelled("Valid for", ttl)), h("div", { class: "row" }, h("button", { class: "primary" }, "Issue a ticket")), note.root, out.root);
}
// src/jwt.ts
var text = new TextEncoder();
var url64 = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
var part = (value) => url64(text.encode(JSON.stringify(value)));
/**
* Signs claims. Rejects on pages without WebCrypto, which browsers offer on https and localhost
* only.
*/
async function sign(claims, secret) {
	if (!globalThis.crypto?.subtle) throw new Error("browsers sign tokens on https and localhost only; use `roomcast token` elsewhere");
	const head = `${part({
		alg: "HS256",
		typ: "JWT"
	})}.${part(claims)}`;
	const key = await crypto.subtle.importKey("raw", text.encode(secret), {
		name: "HMAC",
		hash: "SHA-256"
	}, false, ["sign"]);
	return `${head}.${url64(new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(head))))}`;
}
// src/line.ts
/** A WebSocket and an EventSource for `connect` that share one network. */
var Line = class {
	#cut = false;
	#ends = /* @__PURE__ */ new Set();
	WebSocket;
	EventSource;
	constructor() {
		const isCut = () => this.#cut;
		const ends = this.#ends;
		this.WebSocket = class extends WebSocket {
			constructor(url, protocols) {
				if (isCut()) return dead("close");
				super(url, protocols);
				const end = () => this.close();
				ends.add(end);
				this.addEventListener("close", () => ends.delete(end));
			}
		};
		this.EventSource = class extends EventSource {
			#lost = false;
			constructor(url, init) {
				if (isCut()) return dead("error");
				super(url, init);
				ends.add(() => {
					if (super.readyState === EventSource.CLOSED) return;
					super.close();
					this.#lost = true;
					this.dispatchEvent(new Event("error"));
				});
			}
			get readyState() {
				return this.#lost ? EventSource.CONNECTING : super.readyState;
			}
		};
	}
	get cut() {
		return this.#cut;
	}
	/** Cuts or restores the line. While it is cut, new connections fail. */
	set cut(cut) {
		this.#cut = cut;
		if (!cut) return;
		for (const end of [...this.#ends]) end();
		this.#ends.clear();
	}
};
/** Returns a connection that fails with an event, because the line is cut. */
function dead(event) {
	const target = Object.assign(new EventTarget(), {
		readyState: 0,
		close() {},
		send() {},
		onclose: null,
		onerror: null
	});
	setTimeout(() => target[`on${event}`]?.(Object.assign(new Event(event), { reason: "the line is cut" })), 0);
	return target;
}
// src/pane.ts
var KEPT = 500;
var COUNTERS = {
	received: "Received",
	replayed: "Replayed",
	gaps: "Gaps",
	disorder: "Out of order"
};
var Pane = class {
	root;
	client;
	/** The ids received on this side. */
	ids = /* @__PURE__ */ new Set();
	#o;
	#line = new Line();
	#state = h("p", {
		class: "state",
		role: "status"
	}, "not connected");
	#start = select({
		after: "after the last id",
		now: "from now",
		all: "with everything kept"
	});
	#buttons;
	#facts = {
		client: h("dd"),
		last: h("dd")
	};
	#numbers;
	#counts = {
		received: 0,
		replayed: 0,
		gaps: 0,
		disorder: 0
	};
	#replaying = false;
	#seen = "";
	#last = "";
	#log;
	constructor(o) {
		this.#o = o;
		this.#log = new Log(`${o.title} events`, "Nothing yet.", KEPT, () => this.#paint());
		this.#log.root.addEventListener("toggle", (event) => {
			const { open, parentElement } = event.target;
			if (open && parentElement?.dataset.id) o.chosen(parentElement.dataset.id);
		}, true);
		this.#buttons = {
			connect: button("Connect", () => this.connect(), { class: "primary" }),
			disconnect: button("Disconnect", () => this.disconnect()),
			cut: button("Cut the line", () => this.#cutLine(!this.#line.cut), { title: "Simulates a lost network: nothing gets through until you restore the line" }),
			move: button(o.moveLabel, () => o.move())
		};
		for (const [name, node] of Object.entries(this.#buttons)) node.dataset.do = name;
		const count = () => h("dd", {}, "0");
		this.#numbers = {
			received: count(),
			replayed: count(),
			gaps: count(),
			disorder: count()
		};
		for (const [name, node] of Object.entries({
			...this.#facts,
			...this.#numbers,
			state: this.#state,
			start: this.#start
		})) node.dataset.of = name;
		const start = labelled("Start", this.#start);
		start.className = "start";
		const quiet = button("Clear", () => this.#clear(), { class: "small" });
		this.root = h("section", {
			class: "card pane",
			id: o.transport === "sse" ? "sse" : "socketio",
			"aria-label": o.title
		}, h("div", { class: "row apart" }, h("h3", {}, o.title), this.#state), h("div", { class: "row" }, ...Object.values(this.#buttons)), start, h("dl", { class: "ids" }, h("dt", {}, "Client"), this.#facts.client, h("dt", {}, "Last id"), this.#facts.last), h("dl", { class: "numbers" }, ...Object.entries(COUNTERS).map(([name, label]) => h("div", {}, h("dt", {}, label), this.#numbers[name]))), this.#log.root, h("div", { class: "row end" }, quiet));
		this.#show();
		this.#paint();
	}
	get status() {
		return this.client?.status ?? "closed";
	}
	get last() {
		return this.#last;
	}
	/** Connects from the position in the Start field, or after an id that the other side reached. */
	connect(from) {
		const since = from ?? {
			after: this.#last,
			now: "",
			all: "0"
		}[this.#start.value] ?? "";
		this.client?.close();
		this.#replaying = since !== "";
		this.#seen = since === "0" ? "" : since;
		if (!this.#seen) this.#last = "";
		const { transport } = this.#o;
		const client = this.client = connect({
			...this.#o.who(),
			transport,
			url: base.href,
			pingInterval: 0,
			backoff: { max: 4e3 },
			WebSocket: this.#line.WebSocket,
			EventSource: this.#line.EventSource,
			...since && { since }
		});
		client.onAny((name, value) => client === this.client && this.#take(name, value));
		client.onStatus(() => client === this.client && this.#show());
		this.#show();
	}
	disconnect() {
		this.client?.close();
	}
	#cutLine(cut) {
		this.#line.cut = cut;
		if (!cut && this.status !== "closed") this.client.reconnect();
		this.#show();
	}
	/** Joins and leaves on the open connection. Resolves with the refused channels. */
	async change(join, leave) {
		if (this.status === "closed" || !this.client) return [];
		const { denied } = join.length ? await this.client.join(...join) : { denied: [] };
		if (leave.length) await this.client.leave(...leave);
		return denied;
	}
	/** Marks the rows of an id, and removes other marks. */
	point(id) {
		for (const row of this.root.querySelectorAll(".event.same")) row.classList.remove("same");
		for (const row of this.#log.rows(id)) {
			row.classList.add("same");
			row.scrollIntoView({ block: "nearest" });
		}
	}
	#show() {
		const { status } = this;
		const error = this.client?.error;
		set(this.root, { "data-state": status });
		if (status === "reconnecting") this.#replaying = true;
		const text = {
			connecting: "connecting",
			connected: "connected",
			reconnecting: this.#line.cut ? "the line is cut; trying again" : "reconnecting",
			closed: error ? error.message : "not connected"
		}[status];
		say(this.#state, text);
		const { connect, disconnect, cut, move } = this.#buttons;
		set(connect, { disabled: status !== "closed" });
		for (const node of [disconnect, move]) set(node, { disabled: status === "closed" });
		set(cut, {
			disabled: status === "closed" && !this.#line.cut,
			"aria-pressed": String(this.#line.cut)
		});
		say(cut, this.#line.cut ? "Restore the line" : "Cut the line");
		this.#paint();
		this.#o.changed();
	}
	#take(name, value) {
		const entry = entryOf(name, value);
		if (name === "heartbeat") return;
		if (name === "gap") {
			this.#count("gaps", `gap ${value?.reason ?? ""}`, entry.tags);
			if (value?.reason === "epoch") this.#seen = "";
		}
		if (name === "connected" && value?.recovered) entry.tags.push("recovered");
		if (name === "recovery") {
			this.#replaying = false;
			entry.tags.push(value?.recovered === false ? "not recovered" : "recovered");
		}
		if (!entry.control) {
			this.#counts.received++;
			if (!entry.id) entry.tags.push("volatile");
			else {
				if (this.#replaying) this.#count("replayed", "replayed", entry.tags);
				this.#order(entry.id, entry.tags);
				this.ids.add(entry.id);
			}
		}
		this.#log.push(entry);
	}
	#count(counter, tag, tags) {
		this.#counts[counter]++;
		tags.push(tag);
	}
	#order(id, tags) {
		const [epoch, seq] = id.split("-"), [before, last] = this.#seen.split("-");
		if (epoch === before ? Number(seq) <= Number(last) : epoch.length === 13 && before.length === 13 && epoch < before) this.#count("disorder", "out of order", tags);
		this.#seen = id;
	}
	#paint() {
		this.#last = this.client?.lastId && this.client.lastId !== "0" ? this.client.lastId : this.#last;
		say(this.#facts.client, this.status === "connected" ? this.client.clientId ?? "–" : "–");
		say(this.#facts.last, this.#last || "–");
		for (const [name, node] of Object.entries(this.#numbers)) say(node, number(this.#counts[name]));
		for (const name of ["gaps", "disorder"]) this.#numbers[name].parentElement?.classList.toggle("bad", this.#counts[name] > 0);
		this.#o.changed();
	}
	#clear() {
		for (const name of Object.keys(this.#counts)) this.#counts[name] = 0;
		this.ids.clear();
		this.#log.clear();
	}
};
// src/views/sendform.ts
/**
* Returns the form. The view Send has all options. user: the field of the user id. channels:
* returns those of both clients.
*/
function sendForm(user, channels, socket, stream) {
	const sent = new Note();
	const by = select({
		api: "the HTTP API",
		"socket.io": "this Socket.IO client",
		sse: "this EventSource client"
	}, { name: "by" });
	const type = h("input", {
		name: "type",
		value: "payment:completed",
		maxlength: 128,
		spellcheck: "false",
		autocomplete: "off"
	});
	const target = targetField("", (kind) => ({
		user: [user.value],
		users: [user.value],
		channel: channels(),
		channels: channels(),
		client: [socket, stream].map(({ client }) => client?.clientId ?? "").filter(Boolean)
	})[kind] ?? []);
	const channel = h("input", {
		name: "room",
		value: "",
		maxlength: 200,
		spellcheck: "false",
		placeholder: "orders"
	});
	const data = jsonField("data", "Data", "", false, "any");
	target.fill({ user: "alice" });
	data.fill({
		paymentId: "p-1",
		amount: 42
	});
	const typed = labelled("Type", type), room = labelled("Channel", channel);
	by.onchange = () => {
		const api = by.value === "api";
		typed.hidden = target.root.hidden = !api;
		room.hidden = api;
	};
	room.hidden = true;
	let before = user.value;
	user.oninput = () => {
		const name = target.root.querySelector("input");
		if (name.value === before) name.value = user.value;
		before = user.value;
	};
	async function send() {
		for (const field of [target, data]) field.mark("");
		try {
			const json = data.value() ?? "null";
			sent.say("Sending…");
			const receipt = by.value === "api" ? await publish(json) : await sendByClient(json);
			if (receipt) sent.say(countsOf(receipt));
		} catch (error) {
			if (error instanceof Mistake) {
				error.field.mark(error.message);
				error.field.focus();
			}
			sent.say(error instanceof Mistake ? `Not sent: ${error.message}` : `Refused: ${error.message}`, true);
		}
	}
	async function publish(json) {
		const { json: receipt, problem } = await call("POST", "v1/notifications", { body: `{"target": ${target.value()}, "type": ${JSON.stringify(type.value.trim())}, "data": ${json}}` });
		if (!problem) return receipt;
		sent.problem(problem);
		if (problem.field?.startsWith("target")) target.mark(problem.detail);
		if (problem.status !== 401) sent.say(lineOf(problem), true);
	}
	async function sendByClient(json) {
		const pane = by.value === "sse" ? stream : socket;
		if (pane.status !== "connected") throw new Error("this side is not connected");
		return pane.client.send(channel.value.trim(), JSON.parse(json));
	}
	return h("form", {
		class: "card form",
		id: "quick",
		autocomplete: "off",
		onsubmit: (event) => {
			event.preventDefault();
			send();
		},
		onkeydown: (event) => {
			if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
				event.preventDefault();
				send();
			}
		}
	}, h("h3", {}, "Send"), labelled("By", by), target.root, typed, room, data.root, h("button", { class: "primary" }, "Send"), sent.root);
}
// src/views/tryout.ts
var token = h("input", {
	name: "token",
	type: "password",
	autocomplete: "off",
	spellcheck: "false"
});
/** Puts a token into the form. */
var useToken = (text) => {
	token.value = text;
};
function tryout() {
	const field = (name, value = "") => h("input", {
		name,
		value,
		maxlength: 128,
		spellcheck: "false",
		autocomplete: "off"
	});
	const who = {
		userId: field("userId", "alice"),
		username: field("username", "Alice")
	};
	const paths = {
		socketPath: field("socketPath", "/socket.io/"),
		ssePath: field("ssePath", "/sse")
	};
	const note = new Note();
	const channels = nameList("Channels", "Join", change);
	const same = h("p", {
		class: "hint",
		role: "status"
	});
	function options() {
		const text = token.value.trim(), userId = who.userId.value.trim(), username = who.username.value.trim();
		return {
			...text ? { token: text } : { userId },
			...username && { username },
			channels: channels.values,
			socketPath: paths.socketPath.value,
			ssePath: paths.ssePath.value
		};
	}
	const common = {
		who: options,
		changed: compare,
		chosen: (id) => {
			for (const pane of panes) pane.point(id);
		}
	};
	const make = (o) => new Pane({
		...common,
		...o
	});
	const panes = [];
	const socket = make({
		transport: "socket.io",
		title: "Socket.IO",
		moveLabel: "Move to EventSource",
		move: () => move(socket, stream)
	});
	const stream = make({
		transport: "sse",
		title: "EventSource",
		moveLabel: "Move to Socket.IO",
		move: () => move(stream, socket)
	});
	panes.push(socket, stream);
	compare();
	/**
	* Disconnects one side and resumes on the other after its last id. Both read one log, so nothing
	* is missed.
	*/
	function move(from, to) {
		from.disconnect();
		to.connect(from.last || void 0);
	}
	function compare() {
		if (panes.length < 2) return;
		const both = [...socket.ids].filter((id) => stream.ids.has(id)).length;
		const alone = socket.ids.size + stream.ids.size - 2 * both;
		say(same, both + alone === 0 ? "" : `${plural(both, "id")} on both sides${alone ? `, ${number(alone)} on one only` : ""}. Open an event to see it on the other side.`);
	}
	async function change(join, leave) {
		const results = await Promise.allSettled(panes.map((pane) => pane.change(join, leave)));
		const denied = new Set(results.flatMap((result) => result.status === "fulfilled" ? result.value : []));
		const failed = results.find((result) => result.status === "rejected");
		channels.drop(...denied);
		if (failed) note.say(`Channels not changed everywhere: ${failed.reason.message}`, true);
		else note.say(denied.size ? `Not allowed: ${[...denied].join(", ")}` : "", denied.size > 0);
	}
	return {
		title: "Try-out",
		root: section("Try-out", "Connect both, send, cut a line, restore it: the ids are the same on both sides, and nothing is missing.", [button("Connect both", () => {
			for (const pane of panes) if (pane.status === "closed") pane.connect();
		}, { class: "primary" }), button("Disconnect both", () => {
			for (const pane of panes) pane.disconnect();
		})], h("div", { class: "tryout" }, h("div", { class: "forms" }, h("div", { class: "card form" }, h("h3", {}, "Identity"), h("div", { class: "pair" }, labelled("User ID", who.userId), labelled("Username", who.username)), labelled("Token", token, "if the server requires one"), channels.root, h("details", {}, h("summary", {}, "Paths"), h("div", { class: "pair" }, labelled("Socket.IO", paths.socketPath), labelled("EventSource", paths.ssePath))), note.root), sendForm(who.userId, () => channels.values, socket, stream)), h("div", { class: "form" }, h("div", { class: "panes" }, ...panes.map(({ root }) => root)), same)))
	};
}
// src/views/tokenform.ts
/** The shortest JWT_SECRET that a server accepts, in bytes. */
var SHORTEST = 32;
/** Returns the form for a token. The secret never leaves the page. */
function tokenForm() {
	const warned = newId();
	const secret = h("input", {
		name: "secret",
		type: "password",
		autocomplete: "off",
		spellcheck: "false",
		"aria-describedby": warned
	});
	const sub = text$1("sub", "alice"), name = text$1("tokenName"), channels = text$1("patterns", "", "orders, team-*"), publish = text$1("publish", "", "orders");
	const issuer = text$1("iss"), audience = text$1("aud");
	const life = select({
		"300s": "5 minutes",
		"3600s": "1 hour",
		"86400s": "1 day",
		"45s": "45 s, to see it expire"
	}, { name: "life" });
	const note = new Note(), claims = h("pre", {
		class: "block",
		tabindex: 0,
		"aria-label": "Claims"
	});
	const out = output("Token", button("Use in the try-out", () => {
		useToken(out.made.textContent);
		location.hash = to("try");
	}, { class: "small" }));
	out.use.replaceWith(claims);
	async function make() {
		const bytes = new TextEncoder().encode(secret.value).length;
		const wrong = bytes === 0 ? "The secret is missing." : !sub.value.trim() ? "The user ID is missing." : "";
		set(secret, { "aria-invalid": bytes === 0 && "true" });
		set(sub, { "aria-invalid": !sub.value.trim() && "true" });
		out.root.hidden = true;
		if (wrong) {
			(bytes === 0 ? secret : sub).focus();
			return note.say(wrong, true);
		}
		const now = Math.floor(Date.now() / 1e3);
		const body = {
			sub: sub.value.trim(),
			iat: now,
			exp: now + parseInt(life.value)
		};
		for (const [claim, field] of [
			["name", name],
			["iss", issuer],
			["aud", audience]
		]) if (field.value.trim()) body[claim] = field.value.trim();
		for (const [claim, field] of [["channels", channels], ["publish", publish]]) if (words(field.value).length) body[claim] = words(field.value);
		try {
			say(out.made, await sign(body, secret.value));
		} catch (error) {
			return note.say(error.message, true);
		}
		say(claims, JSON.stringify(body, null, 2));
		out.root.hidden = false;
		const weak = bytes < SHORTEST ? ` The secret has ${bytes} bytes; the server requires at least ${SHORTEST}.` : "";
		note.say(`Signed. It expires at ${full((now + parseInt(life.value)) * 1e3)}.${weak}`, weak !== "");
	}
	return h("form", {
		class: "card form",
		id: "token",
		autocomplete: "off",
		onsubmit: (event) => {
			event.preventDefault();
			make();
		}
	}, h("h3", {}, "Token (JWT, HS256)"), h("p", { class: "hint" }, "For tests. In production your own login signs tokens, with a key that no browser sees."), labelled("Secret", secret, "JWT_SECRET of the server"), h("p", {
		class: "warning",
		id: warned
	}, "Anyone with this secret can impersonate every user. The page neither sends nor stores it. Do not enter the secret of a production server."), h("div", { class: "pair" }, labelled("User ID", sub, "sub"), labelled("Name", name)), h("div", { class: "pair" }, labelled("May join", channels, "channels"), labelled("May publish to", publish)), h("div", { class: "pair" }, labelled("Valid for", life)), h("details", {}, h("summary", {}, "Issuer and audience"), h("div", { class: "pair" }, labelled("Issuer", issuer), labelled("Audience", audience))), h("div", { class: "row" }, h("button", { class: "primary" }, "Sign")), note.root, out.root);
}
// src/views/tokens.ts
var MODES = {
	open: "This server is in open mode: it accepts every user id, so clients need neither a ticket nor a token. Tickets work too; tokens are checked if the server has a key for them.",
	ticket: "This server is in ticket mode: every connection needs a ticket. It has no key for tokens.",
	hook: "This server is in hook mode: it asks your application about every connection without a ticket. It has no key for tokens.",
	token: "This server is in token mode: every connection needs a token or a ticket."
};
function tokens() {
	const mode = h("p", {
		class: "hint",
		role: "status"
	});
	async function ask() {
		const now = await authMode();
		say(mode, now ? MODES[now] : "With an API key without limits, this line shows how the server authenticates clients.");
	}
	onKey(() => root.isConnected && !root.hidden && ask());
	const root = section("Tokens", "Credentials for clients.", [], mode, h("div", { class: "halves" }, ticketForm(), tokenForm()));
	return {
		title: "Tokens",
		root,
		show: () => {
			ask();
		}
	};
}
// src/main.ts
var VIEWS = {
	connections: {
		name: "Connections",
		make: connections,
		keyed: true
	},
	channels: {
		name: "Channels",
		make: channels,
		keyed: true
	},
	stats: {
		name: "Statistics",
		make: stats,
		keyed: true
	},
	send: {
		name: "Send",
		make: composer,
		keyed: true
	},
	tail: {
		name: "Live tail",
		make: tail,
		keyed: false
	},
	try: {
		name: "Try-out",
		make: tryout,
		keyed: false
	},
	tokens: {
		name: "Tokens",
		make: tokens,
		keyed: false
	}
};
var FIRST = "connections";
var main = document.getElementById("main");
var made = /* @__PURE__ */ new Map();
var links = /* @__PURE__ */ new Map();
var shown = "";
/** Shows the view in the address. */
function route(first = false) {
	const [path = "", query = ""] = location.hash.split("?");
	if (shown && !path.startsWith("#/")) return;
	const name = path.slice(2) in VIEWS ? path.slice(2) : FIRST;
	const { make, name: title, keyed } = VIEWS[name];
	if (!made.has(name)) {
		const view = make();
		made.set(name, view);
		main.append(view.root);
	}
	const view = made.get(name);
	if (shown !== name) made.get(shown)?.hide?.();
	for (const other of made.values()) other.root.hidden = other !== view;
	for (const [other, link] of links) set(link, { "aria-current": other === name && "page" });
	document.title = `${title} · Roomcast console`;
	const same = shown === name;
	shown = name;
	view.show?.(new URLSearchParams(query));
	if (!same && !first) view.root.querySelector("h2").focus();
	if (!same) scrollTo(0, 0);
	if (keyed && first && !key.value) askForKey();
}
takeKey();
document.getElementById("nav").append(h("ul", {}, ...Object.entries(VIEWS).map(([name, { name: title }]) => {
	const link = h("a", { href: to(name) }, title);
	links.set(name, link);
	return h("li", {}, link);
})));
var keyButton = button("", askForKey, {
	class: "key",
	"aria-haspopup": "dialog"
});
var showKey = () => {
	say(keyButton, key.value ? "API key" : "No API key");
	set(keyButton, { "data-set": Boolean(key.value) });
};
onKey(showKey);
showKey();
document.getElementById("tools").append(keyButton, themeSwitch());
addEventListener("hashchange", () => {
	takeKey();
	route();
});
route(true);
