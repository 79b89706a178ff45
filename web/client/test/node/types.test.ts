// The types of the catalogue. `npm run check` tests them; here they only run.

import { expectTypeOf, test } from "vitest";
import { createBackend, type Target } from "../../src/backend/index.ts";
import type { AnyJobData, PaymentData } from "../../src/catalogue.ts";
import type { Catalogue, Client, Notification } from "../../src/index.ts";

declare module "../../src/catalogue.ts" {
  interface Catalogue {
    "order:shipped": { orderId: string };
  }
}

test("the type of a notification determines its data", () => {
  expectTypeOf<Catalogue["payment:completed"]>().toEqualTypeOf<PaymentData<"completed">>();
  expectTypeOf<Catalogue["payment:completed"]["status"]>().toEqualTypeOf<"completed">();
  expectTypeOf<Catalogue["payment:completed"]["amount"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Catalogue["payment:completed"]["items"]>().toEqualTypeOf<unknown>();
  expectTypeOf<Catalogue["payment:completed"]["metadata"]["priority"]>().toEqualTypeOf<
    "low" | "medium" | "normal" | "high"
  >();
  // Four kinds of jobs share these types. Fields of all are required, fields of some are optional.
  expectTypeOf<Catalogue["job:completed"]>().toEqualTypeOf<AnyJobData<"completed">>();
  expectTypeOf<Catalogue["job:completed"]["jobId"]>().toEqualTypeOf<string>();
  expectTypeOf<Catalogue["job:completed"]["downloadUrl"]>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Catalogue["maintenance"]["action"]>().toEqualTypeOf<
    "scheduled" | "emergency" | "completed"
  >();
  expectTypeOf<Catalogue["order:shipped"]>().toEqualTypeOf<{ orderId: string }>();
});

test("the event name determines the parameters of a handler", () => {
  const never = (_: (client: Client) => void) => {};
  never((client) => {
    client.on(
      "payment:completed",
      (n) =>
        expectTypeOf(n).toEqualTypeOf<
          Notification<PaymentData<"completed">, "payment:completed">
        >(),
    );
    client.on("order:shipped", ({ data }) => expectTypeOf(data.orderId).toEqualTypeOf<string>());
    client.on("anything", ({ data }) => expectTypeOf(data).toBeAny());
    // @ts-expect-error: amount is a number, and may be missing
    client.on("payment:completed", ({ data }) => data.amount.toFixed(2));
    // @ts-expect-error: there is no such status of this type
    client.on("payment:completed", ({ data }) => data.status === "failed");
  });
});

test("functions accept what the server accepts, and have the types of their results", () => {
  const never = (_: () => void) => {};
  const b = createBackend();
  interface Order {
    customerId: string;
    amount: number;
    items: { id: string }[];
  }
  never(() => {
    const order = {} as Order, target = {} as Target;
    expectTypeOf(b.sendPaymentNotification("p_1", "completed", order)).toEqualTypeOf<
      Promise<number>
    >();
    expectTypeOf(b.sendPaymentNotification("p_1", "completed", order, "user", "ann")).toEqualTypeOf<
      Promise<number>
    >();
    expectTypeOf(b.sendPaymentNotification("p_1", "completed", order, "all")).toEqualTypeOf<
      Promise<number>
    >();
    expectTypeOf(b.sendPaymentNotification("p_1", "completed", order, "client", "c1"))
      .toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(b.sendPaymentNotification("p_1", "completed", order, target, "c1")).toEqualTypeOf<
      Promise<number | boolean>
    >();
    expectTypeOf(b.sendPaymentNotification("p_1", "completed", order, undefined, undefined, {
      ttl: "5m",
    })).toEqualTypeOf<Promise<number>>();
    expectTypeOf(b.SSEManager.sendToClient("c1", "x")).toEqualTypeOf<Promise<boolean>>();
    b.sendJobNotification(
      "j_1",
      "progress",
      { progress: 40, metadata: { priority: "low", own: 1 } },
      "channel",
      "reports",
    );
    // @ts-expect-error: no such status
    b.sendPaymentNotification("p_1", "done", order);
    // @ts-expect-error: an amount is a number
    b.sendPaymentNotification("p_1", "completed", { amount: "9.99" });
    // @ts-expect-error: null is refused for a known field
    b.sendPaymentNotification("p_1", "completed", { description: null });
    // @ts-expect-error: targetId is missing
    b.sendPaymentNotification("p_1", "completed", order, "user");
    // @ts-expect-error: no such target
    b.sendPaymentNotification("p_1", "completed", order, "users", "ann");
    // @ts-expect-error: these jobs have no progress as a status
    b.sendVideoProcessingNotification("v_1", "progress", {}, "all");
    // @ts-expect-error: jobs need a target
    b.sendJobNotification("j_1", "completed", {});
    // @ts-expect-error: no such priority
    b.sendCustomNotification("x", { metadata: { priority: "urgent" } });
  });
});
