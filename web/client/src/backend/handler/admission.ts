import { ConnectionData } from "./data.ts";
import type { Entering, Middleware } from "./namespace.ts";
import { Refusal } from "./refusal.ts";
import type { ConnectAnswer, ConnectRequest } from "./requests.ts";

/**
 * Asks the functions of `use` in turn, and returns the answer of a connect hook with their rooms and
 * data. Throws a Refusal with the error that one of them passed to next().
 */
export async function admitted(
  request: ConnectRequest,
  answer: ConnectAnswer,
  middlewares: readonly Middleware[],
): Promise<ConnectAnswer> {
  if (middlewares.length === 0) return answer;
  const data = new ConnectionData(answer.data ?? {}), rooms = new Set(answer.rooms);
  const { auth, query, headers, ip } = request;
  const socket: Entering = {
    handshake: { auth, query, headers, address: ip },
    nsp: { name: request.namespace },
    get data() {
      return data.values;
    },
    set data(values) {
      data.replace(values);
    },
    join(names) {
      for (const name of [names].flat()) rooms.add(name);
    },
  };
  for (const middleware of middlewares) await passed(middleware, socket);
  data.markAdmitted();
  const changes = data.changes();
  return {
    ...answer,
    rooms: [...rooms],
    data: { ...answer.data, ...(changes && JSON.parse(changes)) },
  };
}

/** Resolves when a function calls next(). Rejects with a Refusal when it calls next(error). */
function passed(middleware: Middleware, socket: Entering): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (error?: Error & { data?: unknown; status?: 401 | 403 }) => {
      if (!error) return resolve();
      reject(error instanceof Refusal ? error : new Refusal(error.message, error.data));
    };
    (async () => middleware(socket, next))().catch(reject);
  });
}
