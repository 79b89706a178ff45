// The part of JSON Schema that the description of the API uses.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  anyOf?: Schema[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: string[];
  format?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

/** The kind of input for a value. */
export type Shape = "text" | "choice" | "number" | "flag" | "list" | "object" | "json";

const typesOf = ({ type }: Schema): string[] => type === undefined ? [] : [type].flat();

/** Follows references, and ignores that a value may be null: an empty field is left out instead. */
export function resolve(schema: Schema, all: Record<string, Schema>): Schema {
  const { $ref, anyOf, description } = schema;
  const other = $ref ? all[$ref.split("/").at(-1)!] : anyOf?.find(({ type }) => type !== "null");
  if (!other) return schema;
  const found = resolve(other, all);
  return description ? { ...found, description } : found;
}

/** Returns the kind of input for a resolved schema. */
export function shapeOf(schema: Schema): Shape {
  const { enum: choices, properties, items } = schema;
  const name = typesOf(schema).find((one) => one !== "null");
  if (choices) return "choice";
  if (name === "string") return "text";
  if (name === "number" || name === "integer") return "number";
  if (name === "boolean") return "flag";
  // A name may be a number, too, which the API takes as text as well.
  if (name === "array") return items && typesOf(items).includes("string") ? "list" : "json";
  return name === "object" && properties ? "object" : "json";
}

/** Returns what the value of a resolved schema with the shape "json" must be. */
export function containerOf(schema: Schema): "object" | "array" | "any" {
  const types = typesOf(schema);
  return types.includes("object") ? "object" : types.includes("array") ? "array" : "any";
}
