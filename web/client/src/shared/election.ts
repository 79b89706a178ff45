// Elects one of the tabs: the one that holds a Web Lock. The browser frees the lock when its tab
// ends or crashes.

export interface Election {
  /** Waits for the lock. steal: takes it at once, from a leader that does not answer. */
  run(steal?: boolean): void;
  /** Withdraws, or ends the lead. */
  leave(): void;
}

/**
 * name: of the lock. lead: called when this tab begins to lead. depose: called when another tab has
 * taken the lead from it.
 */
export function elect(name: string, lead: () => void, depose: () => void): Election {
  let leave = () => {};
  return {
    run(steal) {
      leave();
      const abort = new AbortController(), { signal } = abort;
      leave = () => abort.abort();
      // The lock is held for as long as this promise is pending.
      const hold = () =>
        new Promise<void>((release) => {
          signal.onabort = () => release();
          lead();
        });
      navigator.locks.request(
        name,
        steal ? { steal } : { signal },
        () => signal.aborted ? undefined : hold(),
      ).catch((error) => {
        if (signal.aborted) return;
        if (error.name === "AbortError") depose(); // this tab was frozen
        else void hold(); // a frame without an origin has no locks, and no other tabs
      });
    },
    leave: () => leave(),
  };
}
