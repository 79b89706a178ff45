// Components that were written for the hook of the original application. It knew two events:
// `message`, for every notification, and `connection-update`.

import { render, screen } from "@testing-library/react";
import { useEffect, useState } from "react";
import { expect, test } from "vitest";
import { useEventSource, type HookOptions } from "../../src/react/index.ts";
import { connections, serve, soon, tell } from "./harness.ts";

/** A component as in the original application. The options are the only addition. */
function Log({ userId, username, ...options }: HookOptions) {
  const { connected, addHandler, removeHandler } = useEventSource({ userId, username, ...options });
  const [lines, setLines] = useState<string[]>([]);
  const [total, setTotal] = useState(0);
  useEffect(() => {
    addHandler("connection-update", (d: any) => setTotal(d.totalConnections));
    addHandler("message", (d: any) =>
      setLines((all) => [...all, JSON.stringify([d.type, d.data?.message ?? d.message])]));
    return () => {
      removeHandler("connection-update");
      removeHandler("message");
    };
  }, [addHandler, removeHandler]);
  return <p>{connected ? "on" : "off"} {total} {lines.join(" ")}</p>;
}

test("handlers of message get the data of every notification", async () => {
  const url = await serve({ CONNECTION_UPDATES: "true" });
  render(<Log url={url} userId="ann" username="Ann" as="message" />);
  await soon(() => screen.getByText(/^on/));
  await tell(url, "ann", "payment:completed", { message: "paid" });
  await tell(url, "ann", "data:update", { message: "changed", type: "mine" });
  await soon(() => screen.getByText('on 1 [null,"paid"] ["mine","changed"]'));
});

test("with envelope they get what the original application passed", async () => {
  const url = await serve({ CONNECTION_UPDATES: "true" });
  render(<Log url={url} userId="ann" as="message" envelope />);
  await soon(() => screen.getByText(/^on/));
  await tell(url, "ann", "payment:completed", { message: "paid" });
  await soon(() => screen.getByText('on 1 ["payment:completed","paid"]'));
});

test("envelope opens no connection of its own", async () => {
  const url = await serve();
  render(
    <>
      <Log url={url} userId="ann" as="message" />
      <Log url={url} userId="ann" as="message" envelope />
    </>,
  );
  await soon(() => expect(screen.getAllByText(/^on/)).toHaveLength(2));
  await tell(url, "ann", "note", { message: "hi" });
  await soon(() => screen.getByText('on 0 ["note","hi"]'));
  await soon(() => screen.getByText('on 0 [null,"hi"]'));
  await connections(url, 1);
});
