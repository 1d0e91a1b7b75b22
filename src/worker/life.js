// Calls into the WebAssembly module, which all rooms in an isolate share, and a fresh module where it is broken.
//
// An allocation that fails, a stack that overflows and whatever else is thrown through WebAssembly unwinds nothing: what was
// borrowed stays borrowed, and half a change stays merged. So whatever is thrown breaks the module, and a broken one is never
// entered again. A fresh one takes its place at once, and each room is loaded into it at its next event: what was kept is
// there, and sockets stay open. What the room was about to keep, to tell or to ask is lost, and so it asks everybody what
// they hold.
//
// `worker-build` brings an entry of its own, in whose place tools/bundle.sh puts `entry.js`. That recovers from what is an
// instance of RuntimeError and came out of a method, and constructs the object again behind a proxy. But an overflow of the
// stack is a RangeError; what a timer or a promise calls is a closure, which enters the fresh module with addresses of the
// broken one where it is the first to find it broken, and throws where it is not; nobody is asked; and a room that nobody
// says anything to sleeps on with what it had still to do. So here nothing is a closure of Rust's. What is called later are
// methods of the class in `entry.js`, and they find a room that is loaded.
import * as module from './index.js';

export {module};

/** How many modules there were before this one, and whether it is broken. */
export let life = 0;
export let isBroken = false;
/** How many calls are in it, each made by the one before, and whether a call may make another: a stream asks for its first part. */
let depth = 0;
let mayNest = false;

const renew = () => {
  module.__wbg_reset_state();
  life++;
  isBroken = false;
};

/** Calls into the module. Where that throws it is broken. */
export const enter = (call) => {
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

/** Lets what the module calls call into it once more. */
export const nested = (call) => {
  mayNest = true;
  try {
    return call();
  } finally {
    mayNest = false;
  }
};

/** Does again what broke the module, in a fresh one: a request has nobody else who would send it again. */
export const twice = (call) => {
  try {
    return call();
  } catch {
    return call();
  }
};
