// Which tab is in which channels. Every tab keeps this table: for what it delivers, and for the
// handshake if it leads.

import type { To } from "../driver.ts";

/** Returns the names that are not among others. */
export const without = (names: readonly string[], others: readonly string[]): string[] =>
  names.filter((name) => !others.includes(name));

export class Channels {
  readonly #tab: string;
  readonly #tabs = new Map<string, string[]>();

  /** tab: the one that keeps the table. */
  constructor(tab: string) {
    this.#tab = tab;
  }

  /** The channels of the tab that keeps the table. */
  get own(): string[] {
    return this.#tabs.get(this.#tab) ?? [];
  }

  /** The channels of each tab. */
  get entries(): [tab: string, channels: string[]][] {
    return [...this.#tabs];
  }

  /** The channels of all tabs, each once. */
  get all(): string[] {
    return [...new Set([...this.#tabs.values()].flat())];
  }

  set(tab: string, channels: Iterable<string>): void {
    this.#tabs.set(tab, [...new Set(channels)]);
  }

  /** Forgets a tab. Returns its channels. */
  delete(tab: string): string[] {
    const channels = this.#tabs.get(tab) ?? [];
    this.#tabs.delete(tab);
    return channels;
  }

  /** Forgets the other tabs. */
  reset(): void {
    const { own } = this;
    this.#tabs.clear();
    this.set(this.#tab, own);
  }

  /** Reports whether an event is for other tabs only: they alone are in the channels it is for. */
  foreign(channels: To): boolean {
    const { own, all } = this;
    return !!channels?.every((channel) => all.includes(channel) && !own.includes(channel));
  }
}
