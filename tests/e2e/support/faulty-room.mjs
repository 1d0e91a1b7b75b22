// Runs in workerd, around the built Worker: lends it a storage whose statements can be made to fail, and a clock that can
// be stopped. Orders come as requests with a header, and what is ordered outlives the eviction of a room.
import worker, {Room as BuiltRoom} from './index.js';
import {like} from './like.mjs';

/** By the id of a room's object: the failure that is ordered, the statements of the room, and how many messages came. */
const rooms = new Map();

const roomOf = (id) => {
  const key = String(id);
  if (!rooms.has(key)) rooms.set(key, {failure: undefined, statements: [], messages: 0});
  return rooms.get(key);
};

/** Stopped, the clock stands and timers wait to be run by hand. */
const clock = {stoppedAt: undefined, timers: []};
const {Date: RealDate, setTimeout, clearTimeout} = globalThis;
const now = () => clock.stoppedAt ?? RealDate.now();
globalThis.Date = class extends RealDate {
  static now = now;
  constructor(...rest) {
    super(...(rest.length > 0 ? rest : [now()]));
  }
};
/** The runtime's own are positive, or objects. */
let lastId = 0;
globalThis.setTimeout = (callback, ...rest) => {
  if (clock.stoppedAt === undefined) return setTimeout(callback, ...rest);
  const id = --lastId;
  clock.timers.push({id, callback});
  return id;
};
globalThis.clearTimeout = (id) => {
  if (id < 0) clock.timers = clock.timers.filter((timer) => timer.id !== id);
  else clearTimeout(id);
};

const faulty = (ctx) => {
  const room = roomOf(ctx.id);
  const {storage} = ctx;
  const exec = (query, ...bindings) => {
    room.statements.push(query);
    const {failure} = room;
    if (failure && failure.times > 0 && new RegExp(failure.statement).test(query) && failure.after-- <= 0) {
      failure.times--;
      failure.failed++;
      throw new Error('database or disk is full: SQLITE_FULL');
    }
    return storage.sql.exec(query, ...bindings);
  };
  // The runtime takes nothing for the context of an object but itself.
  return Object.defineProperty(ctx, 'storage', {value: like(storage, {sql: like(storage.sql, {exec})})});
};

export class Room extends BuiltRoom {
  constructor(ctx, env) {
    super(faulty(ctx), env);
  }

  async fetch(request) {
    const order = JSON.parse(request.headers.get('x-order'));
    if (!order) return super.fetch(request);
    if (order.sql) return Response.json(this.ctx.storage.sql.exec(order.sql, ...order.bindings).toArray());
    const timers = clock.timers.splice(0);
    timers.forEach(({callback}) => callback());
    return Response.json(timers.length);
  }

  webSocketMessage(...rest) {
    roomOf(this.ctx.id).messages++;
    return super.webSocketMessage(...rest);
  }
}

/** Orders that no room need be awake for. */
const orders = {
  fail: (room, {statement, after, times}) => {
    room.failure = {statement, after, times: times ?? Infinity, failed: 0};
    room.statements = [];
  },
  mend: (room) => {
    const {failure, statements} = room;
    room.failure = undefined;
    return {failed: failure?.failed ?? 0, statements};
  },
  failed: ({failure}) => failure?.failed ?? 0,
  messages: ({messages}) => messages,
  stopClock: () => {
    clock.stoppedAt = now();
  },
  moveClock: (_room, {milliseconds}) => {
    clock.stoppedAt += milliseconds;
  },
  // What is held then belongs to rooms that are gone.
  startClock: () => {
    clock.stoppedAt = undefined;
    clock.timers = [];
  },
};

export default {
  fetch(request, env, ctx) {
    const order = JSON.parse(request.headers.get('x-order'));
    if (!order) return new worker(ctx, env).fetch(request);
    const id = env.ROOMS.idFromName(order.room);
    return order.name in orders
      ? Response.json(orders[order.name](roomOf(id), order) ?? null)
      : env.ROOMS.get(id).fetch(request);
  },
};
