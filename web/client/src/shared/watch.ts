// When a tab doubts its leader, and what the browser does to the page.

/** How long a leader may be silent before a visible tab asks it for a sign of life, in ms. */
const QUIET = 1500;

/** The same for a hidden tab. The server sends events more often. */
const SILENCE = 90_000;

/** How long the leader may take to answer, in ms. With QUIET it is replaced within 5 s. */
const ANSWER = 2500;

/** Watches the leader of other tabs. */
export interface Watch {
  /** Asks the leader for a sign of life, and replaces it when there is none. */
  doubt(): void;
  /** Takes a sign of life. */
  heard(): void;
  stop(): void;
}

/** longest: for an answer, in ms. */
export function watchLeader(ask: () => void, replace: () => void, longest: number): Watch {
  const least = Math.min(longest, ANSWER);
  let timer: ReturnType<typeof setTimeout> | undefined, patience = least, asked = 0;
  const stop = () => clearTimeout(timer);
  const wait = (then: () => void, ms: number) => {
    stop();
    timer = setTimeout(then, ms);
  };
  const doubt = () => {
    ask();
    asked = Date.now();
    wait(() => {
      // Twice as long next time: tabs that take the lead in turn would burden a slow server more.
      patience *= 2;
      replace();
    }, patience);
  };
  return {
    doubt,
    heard() {
      if (Date.now() - asked < least) patience = least;
      // At random, so that of several tabs one asks, and its answer serves all.
      wait(doubt, document.hidden ? SILENCE : QUIET + Math.random() * 500);
    },
    stop,
  };
}

/**
 * Follows what the browser does to the page, until the returned function is called. rest: it stops
 * the page, because it freezes a hidden tab, or keeps a page that the user left in a cache. look:
 * the page runs again, or the user looks at it. end: it ends.
 */
export function watchPage(rest: () => void, look: () => void, end: () => void): () => void {
  const listeners: Record<string, (event: any) => void> = {
    pagehide: ({ persisted }) => persisted ? rest() : end(),
    pageshow: ({ persisted }) => persisted && look(),
    freeze: rest,
    resume: look,
    visibilitychange: () => document.hidden || look(),
  };
  const abort = new AbortController(), { signal } = abort;
  // The last three are events of the document, which the window sees in the capture phase.
  for (const event in listeners) addEventListener(event, listeners[event]!, { signal, capture: true });
  return () => abort.abort();
}
