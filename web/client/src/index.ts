export { connect } from "./client.ts";
export { live } from "./live.ts";
export type * from "./types.ts";
export type * from "./catalogue.ts";
