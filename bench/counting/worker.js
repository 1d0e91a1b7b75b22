// A contender of which all that Cloudflare bills is counted. `GET /` answers what has come together since it was asked
// last, `GET /?rest` whether the object could hibernate, and for how long nothing has happened.
import contender, {Room as Contender} from 'contender';

/**
 * How long an event counts as, in milliseconds: what Cloudflare's own examples of bills take for a message. How long it
 * is there nobody can see from here, and how long it is here depends on the machine.
 */
const EVENT_MS = 10;

const counts = {connections: 0, messages: 0, bytes: 0};
const cursors = [];
/** From when to when something kept the object awake: events, and timers until they fired or were cleared. */
const awake = [];
/** When each timer that is pending was set. */
const timers = new Map();
let lastAt = Date.now();

const onEvent = () => {
  lastAt = Date.now();
  awake.push([lastAt, lastAt + EVENT_MS]);
};

const {setTimeout, clearTimeout} = globalThis;

const endTimer = (id) => {
  if (timers.has(id)) awake.push([timers.get(id), Date.now()]);
  timers.delete(id);
};

globalThis.setTimeout = (callback, ...rest) => {
  const id = setTimeout(() => {
    endTimer(id);
    onEvent();
    callback();
  }, ...rest);
  timers.set(id, Date.now());
  return id;
};

globalThis.clearTimeout = (id) => {
  endTimer(id);
  clearTimeout(id);
};

/** How long the object was awake, where what overlaps counts once. */
const awakeMs = () => {
  let total = 0;
  let end = 0;
  for (const [from, to] of awake.splice(0).sort(([one], [other]) => one - other)) {
    total += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return total;
};

// A cursor knows what it has read and written once it has been read to its end, so it is asked later.
const countRows = ({sql}) => {
  const prototype = Object.getPrototypeOf(sql);
  const {exec} = prototype;
  if (exec.isCounted) return;
  prototype.exec = function (...statement) {
    const cursor = exec.apply(this, statement);
    cursors.push(cursor);
    return cursor;
  };
  prototype.exec.isCounted = true;
};

const databases = new WeakMap();

const counted = {fetch: 'connections', webSocketMessage: 'messages', webSocketClose: undefined, webSocketError: undefined};
for (const [name, what] of Object.entries(counted)) {
  const handler = Contender.prototype[name];
  if (!handler) continue;
  Contender.prototype[name] = function (...rest) {
    onEvent();
    if (what) counts[what]++;
    try {
      return handler.apply(this, rest);
    } finally {
      counts.bytes = databases.get(this).databaseSize;
    }
  };
}

export class Room {
  constructor(context, env) {
    countRows(context.storage);
    const room = new Contender(context, env);
    databases.set(room, context.storage.sql);
    return room;
  }
}

const takeCounts = () => {
  const total = {...counts, awakeMs: awakeMs(), rowsRead: 0, rowsWritten: 0};
  for (const {rowsRead, rowsWritten} of cursors.splice(0)) {
    total.rowsRead += rowsRead;
    total.rowsWritten += rowsWritten;
  }
  counts.connections = counts.messages = 0;
  return total;
};

export default {
  fetch(request, env, context) {
    const {pathname, search} = new URL(request.url);
    if (pathname !== '/') {
      return typeof contender === 'function'
        ? new contender(context, env).fetch(request)
        : contender.fetch(request, env, context);
    }
    if (search !== '?rest') return Response.json(takeCounts());
    return Response.json({canHibernate: timers.size === 0, quietMs: Date.now() - lastAt});
  },
};
