// Servers and networks for one test, and waits for events of a client.

import { onTestFinished } from "vitest";
import { commands as untyped } from "vitest/browser";
import type * as node from "../commands.ts";
import { SOON } from "../../../e2e/wait.mjs";
import { connect, type Client, type Options } from "../../src/index.ts";

type Remote<F> = F extends (context: any, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;

export const commands = untyped as unknown as {
  [Name in keyof typeof node]: Remote<(typeof node)[Name]>;
};

/** Starts a server for one test. */
export async function serve(env: Record<string, string> = {}, program = "."): Promise<string> {
  const url = await commands.startServer(env, program);
  onTestFinished(() => commands.stopServer(url));
  return url;
}

/** Puts a network in front of a server for one test. */
export async function network(url: string): Promise<string> {
  const line = await commands.startLine(url);
  onTestFinished(() => commands.stopLine(line));
  return line;
}

/**
 * Resolves when find returns a value besides undefined and false. Calls it after each event of the
 * client.
 */
export function until<T>(
  client: Client,
  find: () => T | undefined | false,
  what = "",
  ms = SOON,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const found = find();
      if (found === undefined || found === false) return;
      done();
      resolve(found);
    };
    const ends = [client.onAny(check), client.onStatus(check)];
    const timer = setTimeout(() => {
      done();
      reject(new Error(`waited ${ms} ms for ${
        what || find
      }; status ${client.status}, error ${client.error?.message}`));
    }, ms);
    const done = () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
    check();
  });
}

export const connected = (client: Client) =>
  until(client, () => client.status === "connected", "the connection");

/** Resolves with the next event of that name. */
export function next(client: Client, name: string, ms = SOON): Promise<any> {
  let event: any;
  const end = client.on(name, (value) => {
    event ??= { value };
  });
  return until(client, () => event, name, ms).then(({ value }: any) => value).finally(end);
}

/** Connects a client for one test, and records its events. Its calls have time on a busy machine. */
export function listen(
  options: Options,
): Client & { got: { name: string; value: any; id: string }[]; ids(type: string): string[] } {
  options.timeout ??= SOON; // not a copy: tests change their options later
  const client = connect(options);
  onTestFinished(() => client.close());
  const got: { name: string; value: any; id: string }[] = [];
  client.onAny((name, value, id) => got.push({ name, value, id }));
  return Object.defineProperties(client, {
    got: { value: got },
    ids: { value: (type: string) => got.filter(({ name }) => name === type).map(({ id }) => id) },
  }) as any;
}
