// Clocks that are wrong, each client's in its own way, in one process.
import {AsyncLocalStorage} from 'node:async_hooks';

const skews = new AsyncLocalStorage();
const {now} = Date;
// TinyBase asks it at each edit and at each stamp that comes.
Date.now = () => now() + (skews.getStore() ?? 0);

/** Does something, with all that comes of it, by a clock that is so far ahead, or behind where that is negative. */
export const byClock = (skewMs, action) => skews.run(skewMs, action);

/** The same for what a socket tells, which comes of nothing that its client did. */
export const withClock = (Socket) =>
  class extends Socket {
    skewMs = 0;

    addEventListener(type, listener, ...rest) {
      super.addEventListener(type, (event) => byClock(this.skewMs, () => listener(event)), ...rest);
    }
  };
