// A state and the stream of its changes: reads the state of the page's own backend, then applies
// notifications to it, so that nothing falls between.

import type {
  Client,
  EventName,
  Live,
  LiveOptions,
  LiveState,
  Notification,
  Reducers,
  Unsubscribe,
} from "./types.ts";

/** How long to wait for a connection before the state is read without one, in ms. */
const PATIENCE = 1000;

/** The shortest time between two renderings of a state, in ms. */
const PACE = 16;

/** How many notifications wait for the state. */
const MAX_WAITING = 10_000;

/**
 * Keeps a state up to date while it has a subscriber: reads it with fetchState, then applies the
 * notifications of the given types. It reads the state again when the server can no longer replay
 * everything (`gap`). A reducer that returns undefined, or throws, makes it read the state again
 * too.
 */
export function live<State, Type extends EventName>(
  client: Client,
  fetchState: FetchState<State>,
  reducers: Reducers<State, Type>,
  options: LiveOptions<State> = {},
): Live<State> {
  return keep(client, () => ({ fetchState, reducers, options }), options);
}

export type FetchState<State> = (context: { signal: AbortSignal }) => State | Promise<State>;

/** Is {@link live} with functions that may change: newest returns those of now. */
export function keep<State, Type extends EventName>(
  client: Client,
  newest: () => {
    fetchState: FetchState<State>;
    reducers: Reducers<State, Type>;
    options: LiveOptions<State>;
  },
  { initialData, channels = [], backoff: { min = 1000, max = 30_000 } = {} }: LiveOptions<State>,
): Live<State> {
  const listeners = new Set<() => void>();
  let shown: LiveState<State> = {
    data: initialData,
    error: undefined,
    isLoading: initialData === undefined,
    isFetching: false,
    isLive: false,
  };
  let next = shown, pace: ReturnType<typeof setTimeout> | undefined;

  let stops: Unsubscribe[] = [], running = false, joined: Promise<unknown> | undefined;
  /** The read that runs. */
  let reading: AbortController | undefined, done: Promise<void> = Promise.resolve();
  /** What has arrived since it began; undefined: no read runs. */
  let waiting: [Notification, string][] | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined, began = 0, failures = 0;
  /** The data has everything up to this id; undefined: it was read without a connection. */
  let position: string | undefined;
  /** valid: the data has everything that arrived since. sure: nothing before the next is missing. */
  let valid = false, sure = false, connected = false, hasId = false;

  function show() {
    pace = undefined;
    if (shown === next) return;
    shown = next;
    for (const listener of [...listeners]) listener();
    pace = setTimeout(show, PACE);
  }

  function set(change: Partial<LiveState<State>> = {}, atOnce?: boolean) {
    const isLive = valid && sure && connected;
    const changed = { ...next, ...change, isLive };
    if ((Object.keys(changed) as (keyof typeof next)[]).every((k) => changed[k] === next[k])) return;
    next = changed;
    if (atOnce) clearTimeout(pace);
    if (atOnce || pace === undefined) show();
  }

  /** Reads the state after ms. */
  function schedule(ms: number) {
    clearTimeout(timer);
    timer = setTimeout(read, ms);
  }

  /** Something is missing: reads the state again, at most once in each shortest wait. */
  function lose() {
    valid = false;
    set();
    schedule(Math.max(0, began + min - Date.now()));
  }

  function read(): void {
    clearTimeout(timer);
    reading?.abort();
    reading = new AbortController();
    done = attempt(reading);
  }

  async function attempt(mine: AbortController) {
    const { signal } = mine, streams = connected;
    began = Date.now();
    waiting = [];
    sure ||= streams; // a loss after this moment is reported
    set({ isFetching: true });
    try {
      let from: string | undefined;
      if (streams) {
        await (joined ??= join());
        // The state is read after the position, so it has everything up to there. Without an answer
        // the last id that arrived will do: more of what follows is applied twice.
        from = await client.position({ signal }).catch(() => client.lastId ?? "");
      }
      signal.throwIfAborted();
      const data = await newest().fetchState({ signal });
      if (mine !== reading) return;
      const arrived = waiting;
      waiting = reading = undefined;
      failures = 0;
      position = from;
      valid = streams;
      next = { ...next, data };
      for (const [notification, id] of arrived) if (valid) apply(notification, id);
      if (arrived.length >= MAX_WAITING) lose();
      set({ error: undefined, isLoading: false, isFetching: false }, true);
    } catch (error) {
      if (mine !== reading) return;
      waiting = reading = undefined;
      valid = false;
      const { retry = true } = newest().options;
      const goesOn = typeof retry === "function" ? retry(failures, error)
        : typeof retry === "number" ? failures < retry : retry;
      set({ error, isLoading: false, isFetching: false }, true);
      const wait = Math.min(min * 2 ** failures++, max);
      if (goesOn) schedule(wait * (1 - Math.random() / 2));
    }
  }

  async function join() {
    try {
      const { denied } = channels.length ? await client.join(...channels) : { denied: [] };
      if (denied.length) {
        const error = new Error(`may not join ${denied.join(", ")}`);
        throw Object.assign(error, { code: "forbidden" });
      }
    } catch (error) {
      joined = undefined; // the next read tries again
      throw error;
    }
  }

  function apply(notification: Notification, id: string) {
    if (position && isBefore(notification.id, id, position)) return;
    let data: State | undefined;
    try {
      const reduce: any = newest().reducers[notification.type as Type];
      data = reduce(next.data, notification.data, notification);
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
    if (data === undefined) lose();
    else set({ data });
  }

  function receive(name: string, value: any, id: string) {
    if (id) hasId = true;
    if (name === "gap") {
      if (reading) read(); // it may be older than what is missing
      else lose();
    } else if (name === "connected" || name === "recovery") {
      sure ||= !!value?.recovered;
    } else if (value?.data !== undefined && Object.hasOwn(newest().reducers, value.type)) {
      if (waiting && waiting.length < MAX_WAITING) waiting.push([value, id]);
      if (valid) apply(value, id);
    }
    set();
  }

  /** Follows the status of the connection. */
  function changed() {
    const before = connected;
    connected = client.status === "connected";
    if (before && !connected) {
      sure = false;
      if (!hasId) position = undefined; // without ids the server cannot resume
    }
    if (connected && !before && position === undefined) read();
    else if (!began && !connected && client.status !== "connecting") read();
    set();
  }

  function attach() {
    stops = [client.onAny(receive), client.onStatus(changed)];
    joined = undefined;
  }

  function start() {
    running = true;
    attach();
    changed();
    if (!began) schedule(PATIENCE);
  }

  function detach() {
    for (const end of stops) end();
    stops = [];
    if (channels.length) client.leave(...channels).catch(() => {});
  }

  function stop() {
    running = false;
    clearTimeout(timer);
    clearTimeout(pace);
    reading?.abort();
    reading = waiting = position = pace = undefined;
    began = failures = 0;
    valid = sure = connected = hasId = false;
    shown = next = { ...next, isFetching: false, isLive: false };
  }

  return {
    get: () => shown,
    subscribe(listener) {
      listeners.add(listener);
      if (!running) start();
      else if (!stops.length) {
        attach();
        joined = join();
        joined.catch(lose);
        changed();
      }
      return () => {
        if (!listeners.delete(listener) || listeners.size) return;
        detach();
        // Not at once, because React's StrictMode subscribes again.
        queueMicrotask(() => running && !listeners.size && stop());
      };
    },
    refetch() {
      if (running) read();
      return done;
    },
  };
}

/**
 * Reports whether a notification is at or before a position. One without an id of its own, such as
 * a volatile one, is at the cursor of its place in the stream.
 */
function isBefore(own: string | undefined, cursor: string, position: string): boolean {
  const id = own ?? cursor, number = (text: string) => Number(text.slice(9));
  if (!id || id.slice(0, 8) !== position.slice(0, 8)) return false;
  return own ? number(id) <= number(position) : number(id) < number(position);
}
