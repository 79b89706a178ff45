// Tabs as a user has them: only one is visible, and the browser can freeze the others. Playwright
// emulates a focus that keeps all of its pages visible, so these tabs are in a context that it does
// not know, and speak the DevTools protocol.

import { deadline, retry, SOON } from "./wait.mjs";

/** Returns a function that opens a tab in a new context of the browser. */
export async function tabsOf(browser) {
  const root = await browser.newBrowserCDPSession();
  const { browserContextId } = await root.send("Target.createBrowserContext");
  const answers = new Map();
  let calls = 0;
  root.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, ...answer } = JSON.parse(message);
    answers.get(id)?.(answer);
    answers.delete(id);
  });

  return async (url) => {
    const { targetId } = await root.send("Target.createTarget", { url, browserContextId });
    const target = await root.send("Target.attachToTarget", { targetId, flatten: false });
    /** Calls a method of the DevTools protocol. */
    const send = (method, params = {}) => {
      const message = JSON.stringify({ id: ++calls, method, params });
      const answer = new Promise((resolve) => answers.set(calls, resolve));
      return deadline(
        root.send("Target.sendMessageToTarget", { ...target, message }).then(() => answer),
        SOON,
        method,
      );
    };
    /** Evaluates an expression in the page. Resolves with its value. */
    const evaluate = async (expression) => {
      const { result, error } = await send("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      if (error || result.exceptionDetails)
        throw new Error(JSON.stringify(error ?? result.exceptionDetails));
      return result.result.value;
    };
    const state = (state) => send("Page.setWebLifecycleState", { state });
    const loaded = `location.href === ${JSON.stringify(url)} && document.readyState === "complete"`;
    await retry(() => evaluate(loaded), "the page");
    return {
      evaluate,
      freeze: () => state("frozen"),
      unfreeze: () => state("active"),
    };
  };
}
