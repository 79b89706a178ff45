import { act, render } from "@testing-library/react";
import { StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { expect, onTestFinished, test } from "vitest";
import { RoomcastProvider, useEventSource, useNotifications } from "../../src/react/index.ts";
import { opened, serve, soon, tell } from "./harness.ts";

function List() {
  const { notifications, status } = useNotifications();
  const { lastEvent } = useEventSource();
  return <p>{status} {notifications.length} {lastEvent?.type ?? "none"}</p>;
}

for (const userId of ["ann", undefined]) {
  test(`the page hydrates for ${userId ?? "nobody"} without an error`, async () => {
    const url = await serve();
    const app = (user = userId) => (
      <StrictMode>
        <RoomcastProvider url={url} userId={user}>
          <List />
        </RoomcastProvider>
      </StrictMode>
    );
    const container = document.body.appendChild(document.createElement("div"));
    container.innerHTML = renderToString(app());
    expect(opened(url)).toBe(0);
    expect(container.textContent).toBe(`${userId ? "connecting" : "idle"} 0 none`);
    const recovered: unknown[] = [];
    const root = await act(() =>
      hydrateRoot(container, app(), { onRecoverableError: (error) => recovered.push(error) })
    );
    onTestFinished(async () => {
      await act(() => root.unmount());
      container.remove();
    });
    if (!userId) await act(() => root.render(app("ann")));
    await soon(() => expect(container.textContent).toBe("connected 0 none"));
    await tell(url, "ann", "step", 1);
    await soon(() => expect(container.textContent).toBe("connected 1 step"));
    expect(recovered).toEqual([]);
    expect(opened(url)).toBe(1);
  });
}

test("a part that hydrates while another is connected begins as on the server", async () => {
  const url = await serve();
  const Part = () => <p>{useEventSource({ url, userId: "ann" }).status}</p>;
  const other = render(<Part />);
  await soon(() => other.getByText("connected"));
  const container = document.body.appendChild(document.createElement("div"));
  container.innerHTML = "<p>connecting</p>"; // a server renders no connection
  const recovered: unknown[] = [];
  const root = hydrateRoot(container, <Part />, {
    onRecoverableError: (error) => recovered.push(error),
  });
  onTestFinished(() => {
    root.unmount();
    container.remove();
  });
  await soon(() => expect(container.textContent).toBe("connected"));
  expect(recovered).toEqual([]);
  expect(opened(url)).toBe(1);
});
