// The kinds in the description of the API: notifications, and events with bare arguments.

import { openapi } from "../api.ts";
import { h } from "../dom.ts";
import type { Schema } from "../schema.ts";

/** The route of the plain notification. */
export const PLAIN = "v1/notifications";
/** The route of events with bare arguments. */
export const EMIT = "v1/emit";

/** A route that sends. */
export interface Kind {
  path: string;
  summary: string;
  about: string;
  schema: Schema;
  /** The schemas that it refers to, by name. */
  schemas: Record<string, Schema>;
  /** The schemas of the parameters in the query, by name. */
  query: Record<string, Schema>;
  example: any;
}

/** Reads the routes that send from the description of the API, into kinds and its select. */
export async function readKinds(kinds: Map<string, Kind>, choice: HTMLSelectElement) {
  const { paths, components: { schemas } } = await openapi();
  const names: string[] = [];
  for (const [path, { post }] of Object.entries<any>(paths)) {
    const name = path.slice(1);
    const media = (name === EMIT || name.startsWith(PLAIN)) &&
      post?.requestBody?.content["application/json"];
    if (!media) continue;
    const { $ref } = media.schema.anyOf?.[0] ?? media.schema;
    kinds.set(name, {
      path: name,
      schemas,
      schema: schemas[$ref.split("/").at(-1)],
      query: queryOf(post.parameters ?? []),
      example: media.example,
      summary: post.summary,
      // A form sends one event or notification, not the array that the route takes too.
      about: `${post.summary.replace(/, or up to .*|\.$/, "")}. ${post.description}`,
    });
    if (name.startsWith(`${PLAIN}/`)) names.push(name);
  }
  choice.replaceChildren(
    h("option", { value: PLAIN }, "notification, of any type"),
    h("option", { value: EMIT }, "event with bare arguments"),
    h(
      "optgroup",
      { label: "Catalogue" },
      ...names.sort().map((name) => h("option", { value: name }, name.slice(PLAIN.length + 1))),
    ),
  );
  kinds.get(PLAIN)!.about = "One notification, with a type and data of your own.";
}

function queryOf(parameters: any[]): Record<string, Schema> {
  return Object.fromEntries(
    parameters.filter((one) => one.in === "query")
      .map(({ name, description, schema }) => [name, { ...schema, description }]),
  );
}
