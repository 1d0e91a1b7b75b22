// What the runtime calls: the Worker, and the Durable Object that a room is. It stands around the WebAssembly module.
import {DurableObject, WorkerEntrypoint} from 'cloudflare:workers';
import {TICKET, TICKETED, answerTo, decide, then, ticketUnknown, visit, withCors} from './gateway.js';
import {enter, isBroken, life, module, nested, twice} from './life.js';
import {Tickets} from './tickets.js';

/** How long a room waits before it asks everybody again, if that broke the module once more: from, and up to. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [1000, 60_000];
/** The runtime ends an object that takes nothing in for 30 seconds. A pause is longer than a moment only where much has come. */
const LONGEST_PAUSE_MS = 20_000;
/** A socket that ended with one of these had no close frame that could be answered with it. */
const [NO_CODE, ABNORMAL, NO_TLS] = [1005, 1006, 1015];

const BROKEN_OFF = 'the room was loaded anew while it was read';

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
    return visit(request, this.env);
  }
}

export class Room extends DurableObject {
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

  #tickets = new Tickets();

  constructor(state, env) {
    super(state, env);
    this.#state = state;
    this.#env = env;
  }

  /** Answers a ticket for one request by somebody who may do so much in this room, as the Worker has found. */
  admit(grant) {
    return this.#tickets.issue(grant);
  }

  /** A request. Who brings no ticket, or a forged one, is looked at as by the Worker. */
  fetch(request) {
    const ticket = request.headers.get(TICKET);
    const grant = ticket === null ? undefined : this.#tickets.take(ticket);
    if (grant !== undefined) return withCors(this.#fetch(request, grant), grant.cors);
    if (request.headers.has(TICKETED)) return ticketUnknown();
    const {id} = this.#state;
    return then(
      decide(request, this.#env, id.name ?? id.toString()),
      (found) => answerTo(found) ?? withCors(this.#fetch(request, found), found.cors),
    );
  }

  #fetch(request, {access, sub, expiresAtMs}) {
    return twice(() => {
      try {
        return this.#enter('fetch', request, access, sub, expiresAtMs);
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
        return nested(() => new ReadableStream({pull, cancel: () => later('cancel', reader)}));
      },
    };
  }
}
