// A Worker that fails when it is told to.
import {ordersTo} from './orders.mjs';
import {startWorker} from './worker.mjs';

export const startFaultyWorker = async (options) => {
  const worker = await startWorker({...options, wrapper: 'tests/e2e/support/faulty-room.mjs'});
  const send = ordersTo(worker);
  const order = (name, room, more) => send(name, {room, ...more});

  return {
    ...worker,
    /** Lets statements that match fail: the first `after` of them go well, the next `times` do not. */
    fail: (room, {statement = '', after = 0, times} = {}) => order('fail', room, {statement, after, times}),
    /** How many have failed until now. */
    failed: (room) => order('failed', room),
    /** How many messages of clients have come to a room, evicted or not. */
    messages: (room) => order('messages', room),
    /** Ends that. Answers how many failed, and the room's statements since it began. */
    mend: (room) => order('mend', room),
    /** Runs a statement in a room's database, behind its back. */
    sql: (room, sql, ...bindings) => order('sql', room, {sql, bindings}),
    /** Stops the clock of all rooms: it stands, and timers wait to be run by hand. */
    stopClock: () => order('stopClock', ''),
    /** Moves the clock that stands. */
    moveClock: (milliseconds) => order('moveClock', '', {milliseconds}),
    /** Runs the timers that a room waits for; those they set wait in their turn. Answers how many there were. */
    runTimers: (room) => order('runTimers', room),
    /** Lets time go on, without the timers that were waiting. */
    startClock: () => order('startClock', ''),
  };
};
