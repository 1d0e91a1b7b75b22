// Runs in workerd, before the built Worker: keeps hold of its WebAssembly, so that a room can be called while it is at work,
// which nothing in the built Worker does. Rust panics then.
const {Instance} = WebAssembly;

let last = () => {};

/** Calls the room that took in the last message once more. */
export const callAgain = () => last();

WebAssembly.Instance = class extends Instance {
  get exports() {
    const exports = {...super.exports};
    const {room_message: message, room_onTimer: onTimer} = exports;
    if (message === undefined) return exports;
    exports.room_message = (room, ...rest) => {
      last = () => onTimer(room);
      return message(room, ...rest);
    };
    return exports;
  }
};
