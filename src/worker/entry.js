// What the runtime calls: the Worker, and the Durable Object that a room is. It stands around the WebAssembly module, which
// all rooms in an isolate share.
//
// An allocation that fails, a stack that overflows and whatever else is thrown through WebAssembly unwinds nothing: what was
// borrowed stays borrowed, and half a change stays merged. So whatever is thrown breaks the module, and a broken one is never
// entered again. A fresh one takes its place at once, and each room is loaded into it at its next event: what was kept is
// there, and sockets stay open. What the room was about to keep, to tell or to ask is lost, and so it asks everybody what
// they hold.
//
// `worker-build` brings an entry of its own, in whose place tools/bundle.sh puts this one. That recovers from what is an
// instance of RuntimeError and came out of a method, and constructs the object again behind a proxy. But an overflow of the
// stack is a RangeError; what a timer or a promise calls is a closure, which enters the fresh module with addresses of the
// broken one where it is the first to find it broken, and throws where it is not; nobody is asked; and a room that nobody
// says anything to sleeps on with what it had still to do. So here nothing is a closure of Rust's. What is called later are
// methods of this class, and they find a room that is loaded.
import {WorkerEntrypoint} from 'cloudflare:workers';
import * as module from './index.js';

/** How long a room waits before it asks everybody again, if that broke the module once more: from, and up to. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [1000, 60_000];
/** The runtime ends an object that takes nothing in for 30 seconds. A pause is longer than a moment only where much has come. */
const LONGEST_PAUSE_MS = 20_000;
/** A socket that ended with one of these had no close frame that could be answered with it. */
const [NO_CODE, ABNORMAL, NO_TLS] = [1005, 1006, 1015];

const BROKEN_OFF = 'the room was loaded anew while it was read';

/** How many modules there were before this one, and whether it is broken. */
let life = 0;
let isBroken = false;
/** How many calls are in it, each made by the one before, and whether a call may make another: a stream asks for its first part. */
let depth = 0;
let mayNest = false;

const renew = () => {
  module.__wbg_reset_state();
  life++;
  isBroken = false;
};

/** Calls into the module. Where that throws it is broken. */
const enter = (call) => {
  if (depth > 0 && !mayNest) {
    // The call before never came back, not even to what stands behind `finally`: the runtime ended it, for its time.
    console.error('a call into the module of all rooms in this isolate never came back, and each is loaded anew');
    depth = 0;
    isBroken = true;
  }
  if (isBroken && depth === 0) renew();
  if (isBroken) throw new Error('the module is broken');
  depth++;
  try {
    return call();
  } catch (error) {
    if (!isBroken) console.error('the module of all rooms in this isolate broke, and each is loaded anew:', error);
    isBroken = true;
    throw error;
  } finally {
    if (--depth === 0 && isBroken) {
      try {
        renew();
      } catch {
        // There may be no memory for it before the garbage collector has run. The next event tries again.
      }
    }
  }
};

/** Does again what broke the module, in a fresh one: a request has nobody else who would send it again. */
const twice = (call) => {
  try {
    return call();
  } catch {
    return call();
  }
};

const answerClose = (socket, code) => {
  if (code === ABNORMAL || code === NO_TLS) return;
  try {
    if (code === NO_CODE) socket.close();
    else socket.close(code, '');
  } catch {
    // It is closed for good already, by the room.
  }
};

export default class extends WorkerEntrypoint {
  fetch(request) {
    return twice(() => enter(() => module.fetch(request, this.env)));
  }
}

export class Room {
  #state;
  #env;
  #room;
  /** The module that the room is in. */
  #life;
  #timer;
  /** Both ends of the socket that somebody is just getting. */
  #pair;
  /** What will ask everybody, how long it waits, and when the module last broke here. */
  #asking;
  #waitMs = 0;
  #brokeAt = -Infinity;

  constructor(state, env) {
    this.#state = state;
    this.#env = env;
  }

  fetch(request) {
    return twice(() => {
      try {
        return this.#enter('fetch', request);
      } catch (error) {
        // The room may have taken the one end in, and nobody will have the other.
        this.#pair?.[0].accept();
        this.#pair?.[0].close();
        throw error;
      } finally {
        this.#pair = undefined;
      }
    });
  }

  webSocketMessage(socket, frame) {
    this.#enter('message', socket, frame);
  }

  webSocketClose(socket, code) {
    // A close frame that is not answered leaves the client waiting, so nothing comes before it.
    answerClose(socket, code);
    this.#enter('closed', socket);
  }

  webSocketError(socket) {
    this.#enter('closed', socket);
  }

  #enter(method, ...args) {
    try {
      return enter(() => {
        if (this.#life !== life) this.#load(method);
        return this.#room[method](...args);
      });
    } catch (error) {
      const now = Date.now();
      const isCalm = now - this.#brokeAt > 2 * LONGEST_WAIT_MS;
      this.#waitMs = isCalm ? 0 : Math.min(2 * this.#waitMs || FIRST_WAIT_MS, LONGEST_WAIT_MS);
      this.#brokeAt = now;
      this.#ask();
      throw error;
    }
  }

  /** Loads the room into the module as it is now. If it was in another, what it has not kept is lost. */
  #load(method) {
    if (this.#life !== undefined && method !== 'onBroken') this.#ask();
    this.#life = life;
    clearTimeout(this.#timer);
    this.#room = new module.Room(this.#state, this.#env, this.#host());
  }

  /** Has the room ask everybody what they hold, in an event of its own. */
  #ask() {
    if (Date.now() - this.#brokeAt > 2 * LONGEST_WAIT_MS) this.#waitMs = 0;
    // Nobody is asked where nobody is, and an object with a timer stays in memory.
    if (this.#state.getWebSockets().length === 0) return;
    this.#asking ??= setTimeout(() => {
      this.#asking = undefined;
      if (this.#state.getWebSockets().length > 0) this.#enter('onBroken');
    }, this.#waitMs);
  }

  /**
   * What the room calls, as it is in this module, which holds on to it: so it must not hold on to the object in its turn, or
   * that would never be collected. What is called later is for the room in this module. In another it need only be loaded.
   */
  #host() {
    const [object, state, itsLife] = [new WeakRef(this), this.#state, life];
    const isOver = () => isBroken || life !== itsLife;
    const later = (method, ...args) => {
      const room = object.deref();
      if (!isOver()) return room?.#enter(method, ...args);
      if (room?.#life === itsLife) room.#ask();
      return undefined;
    };
    return {
      setTimer: (milliseconds) => {
        const room = object.deref();
        clearTimeout(room.#timer);
        room.#timer = setTimeout(() => later('onTimer'), milliseconds);
      },
      stopTimer: () => clearTimeout(object.deref().#timer),
      whenDurable: () => {
        const done = () => later('onDurable');
        state.storage.sync().then(done, done);
      },
      pause: () => {
        const end = Date.now() + LONGEST_PAUSE_MS;
        const isToGoOn = () => {
          try {
            return later('onPaused') && Date.now() < end;
          } catch {
            // It has been reported. Thrown on, it would end the object.
            return false;
          }
        };
        const pause = async () => {
          await scheduler.wait(0);
          while (isToGoOn()) await scheduler.wait(1);
        };
        const done = () => later('onResumed');
        state.blockConcurrencyWhile(pause).then(done, done);
      },
      pair: () => (object.deref().#pair = new WebSocketPair()),
      stream: (reader) => {
        const pull = (controller) => {
          try {
            later('pull', reader, controller);
          } catch {
            // It has been reported.
          }
          if (isOver()) controller.error(BROKEN_OFF);
        };
        mayNest = true;
        try {
          return new ReadableStream({pull, cancel: () => later('cancel', reader)});
        } finally {
          mayNest = false;
        }
      },
    };
  }
}
