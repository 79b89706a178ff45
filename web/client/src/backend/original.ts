// The forms of arguments that the original application has, where they differ from those of this
// package. Both work; the types are overloads.

import type {
  BatchOperationStatus,
  MaintenanceAction,
  SecurityAlertSeverity,
} from "../catalogue.ts";
import type { KindFunctions } from "./kinds.ts";
import type { Fields, OptionalTarget, SendOptions, Sent } from "./types.ts";

type Name = keyof KindFunctions;

/** The functions of kinds that have a second form. */
export interface OriginalForms {
  /** The original form has no id. The call makes one, and `data.type` is the action too. */
  sendMaintenanceNotification: KindFunctions["sendMaintenanceNotification"] & {
    <To extends OptionalTarget>(type: MaintenanceAction, data: Fields, ...to: To): Sent<To>;
  };
  /** The original form has no id. The call makes one. */
  sendSecurityAlertNotification: KindFunctions["sendSecurityAlertNotification"] & {
    <To extends OptionalTarget>(severity: SecurityAlertSeverity, data: Fields, ...to: To): Sent<To>;
  };
  /** The original form has the operation before the status. It becomes `data.operation`. */
  sendBatchOperationNotification: KindFunctions["sendBatchOperationNotification"] & {
    <To extends OptionalTarget>(
      batchId: string,
      operation: string,
      status: BatchOperationStatus,
      data: Fields,
      ...to: To
    ): Sent<To>;
  };
  /**
   * The original form ends with metadata. An object that has only names of options is the options;
   * any other is metadata, which the options may follow.
   */
  sendCustomNotification: KindFunctions["sendCustomNotification"] & {
    <To extends OptionalTarget[0]>(
      eventType: string,
      data: Fields,
      target: To,
      targetId: string | null | undefined,
      metadata: Record<string, any> | undefined,
      options?: SendOptions,
    ): Sent<[To]>;
  };
  /** The original form has the user first. The type is `user:<activityType>`. */
  sendUserActivityNotification: KindFunctions["sendUserActivityNotification"] & {
    <To extends OptionalTarget>(
      userId: string,
      activityType: string,
      data: Fields,
      ...to: To
    ): Sent<To>;
  };
}

const OPTIONS = ["except", "ttl", "volatile", "retain", "idempotencyKey"];

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Returns the id of a notification whose caller has none: the same for all calls with one key. */
const idOf = (options?: SendOptions): string => options?.idempotencyKey ?? crypto.randomUUID();

/** Returns data with more metadata. */
const withMetadata = (data: Fields, metadata: object): Fields => ({
  ...data,
  metadata: { ...metadata, ...data.metadata },
});

type Translation = (args: any[], fields: (data: unknown) => Fields) => any[];

const TRANSLATIONS: Partial<Record<Name, Translation>> = {
  sendMaintenanceNotification: ([type, data, ...to], fields) =>
    isObject(data) ? [idOf(to[2]), type, { type, ...fields(data) }, ...to] : [type, data, ...to],
  sendSecurityAlertNotification: ([severity, data, ...to]) =>
    isObject(data) ? [idOf(to[2]), severity, data, ...to] : [severity, data, ...to],
  sendBatchOperationNotification: ([id, operation, status, data, ...to], fields) =>
    typeof status === "string"
      ? [id, status, { operation, ...fields(data) }, ...to]
      : [id, operation, status, data, ...to],
  sendCustomNotification: ([type, data, target, targetId, last, options], fields) =>
    isObject(last) && Object.keys(last).some((name) => !OPTIONS.includes(name))
      ? [type, withMetadata(fields(data), last), target, targetId, options]
      : [type, data, target, targetId, options ?? last],
  sendUserActivityNotification: ([type, data, ...rest], fields) => {
    if (typeof data !== "string") return [type, data, ...rest];
    const [given, ...to] = rest;
    const about = { userId: type, activityType: data };
    return [`user:${data}`, withMetadata(fields(given), about), ...to];
  },
};

/** Returns arguments in the form of this package. fields: returns the fields of data. */
export function translated(
  name: Name,
  args: any[],
  fields: (data: unknown) => Fields,
): any[] {
  return TRANSLATIONS[name]?.(args, fields) ?? args;
}

/** Returns the type and data of {@link RealtimeUpdate}, the only form of which is the original. */
export function realtimeUpdate(
  entityType: string,
  entityId: string,
  action: string,
  data: Fields,
): [type: string, data: Fields] {
  const about = { entityType, entityId, action };
  return [`realtime:${entityType}:${action}`, withMetadata(data ?? {}, about)];
}

/**
 * Sends a change of an entity, as type `realtime:<entityType>:<action>`; without a target to
 * everyone. The entity is in the metadata too.
 */
export type RealtimeUpdate = <To extends OptionalTarget>(
  entityType: string,
  entityId: string,
  action: string,
  data: Fields,
  ...to: To
) => Sent<To>;
