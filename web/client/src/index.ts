export { connect } from "./client.ts";
export type * from "./types.ts";
export type * from "./catalogue.ts";
