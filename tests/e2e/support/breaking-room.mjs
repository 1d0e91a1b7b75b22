// Runs in workerd, around the built Worker: has its WebAssembly break where it is ordered to, by what it calls out to. Orders
// come as requests with a header.
import {callAgain} from './instances.mjs';
import worker, {Room as BuiltRoom} from './index.js';
import {like} from './like.mjs';
import trapping from './trap.wasm';

const {trap} = new WebAssembly.Instance(trapping).exports;

/** The failure that is ordered, and where it has happened: in what event, by what call. */
let failure;
let broke;
/** The kind of the event that is at work. */
let now;

const ways = {
  trap,
  panic: callAgain,
  range: () => {
    throw new RangeError('Array buffer allocation failed');
  },
};

const callOut = (name) => {
  const {how, event = now, call = name} = failure ?? {};
  if (how === undefined || event !== now || call !== name || failure.after-- > 0) return;
  failure = undefined;
  broke = `${event}, ${call}`;
  ways[how]();
};

/** What the module calls in every event, in most of them, or now and then. Most of them are not expected to throw. */
const outside = [
  [Date, 'now'],
  [crypto, 'getRandomValues'],
  [TextDecoder.prototype, 'decode'],
  [TextEncoder.prototype, 'encodeInto'],
  [WebSocket.prototype, 'send'],
  [WebSocket.prototype, 'serializeAttachment'],
  [WebSocket.prototype, 'deserializeAttachment'],
];
for (const [object, name] of outside) {
  const original = object[name];
  object[name] = function (...rest) {
    callOut(name);
    return original.apply(this, rest);
  };
}

/** Does something as part of an event of that kind. */
const during = (event, action) => {
  const before = now;
  now = event;
  try {
    return action();
  } finally {
    now = before;
  }
};
const {setTimeout} = globalThis;
globalThis.setTimeout = (callback, ...rest) => setTimeout(() => during('timer', callback), ...rest);
const {ReadableStream} = globalThis;
globalThis.ReadableStream = class extends ReadableStream {
  constructor({pull, cancel}) {
    super({pull: (controller) => during('pull', () => pull(controller)), cancel});
  }
};
const {then} = Promise.prototype;

/** A promise that calls back as an event of that kind. */
const promising = (promise, event) => ({
  then: (...callbacks) => then.apply(promise, callbacks.map((callback) => () => during(event, callback))),
});
// The runtime takes nothing for the context of an object but itself.
const observed = (ctx) => {
  const {storage} = ctx;
  const block = ctx.blockConcurrencyWhile.bind(ctx);
  return Object.defineProperties(ctx, {
    storage: {value: like(storage, {sync: () => promising(storage.sync(), 'durable')})},
    blockConcurrencyWhile: {value: (action) => promising(block(action), 'resumed')},
  });
};

/** Calls something where there is hardly any stack left: so many frames before its end. */
const deep = (frames, action) => {
  let left = frames;
  let isDone = false;
  const descend = () => {
    try {
      descend();
    } catch (error) {
      if (isDone || left-- > 0) throw error;
      isDone = true;
      action();
    }
  };
  descend();
};

/** How many rooms were constructed, and how many of them the garbage collector has found. */
const objects = {made: 0, collected: 0};
const registry = new FinalizationRegistry(() => objects.collected++);

export class Room extends BuiltRoom {
  constructor(ctx, env) {
    super(observed(ctx), env);
    objects.made++;
    registry.register(this);
  }

  fetch(request) {
    return during('fetch', () => super.fetch(request));
  }

  webSocketMessage(...rest) {
    const take = () => during('message', () => super.webSocketMessage(...rest));
    if (failure?.how !== 'overflow') {
      take();
      return;
    }
    const {after} = failure;
    failure = undefined;
    broke = 'message';
    deep(after, take);
  }

  webSocketClose(...rest) {
    return during('close', () => super.webSocketClose(...rest));
  }

  webSocketError(...rest) {
    return during('error', () => super.webSocketError(...rest));
  }
}

const orders = {
  objects: () => {
    // Garbage, so that the collector has a reason to come.
    Array.from({length: 200_000}, (_, n) => ({n, text: `garbage ${n}`}));
    return objects;
  },
  break: ({how, after, event, call}) => {
    failure = {how, after, event, call};
    broke = undefined;
  },
  broke: () => {
    failure = undefined;
    return broke ?? null;
  },
};

export default {
  fetch(request, env, ctx) {
    const order = JSON.parse(request.headers.get('x-order'));
    if (order) return Response.json(orders[order.name](order) ?? null);
    return during('request', () => new worker(ctx, env).fetch(request));
  },
};
