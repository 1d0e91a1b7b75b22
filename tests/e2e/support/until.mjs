import {setTimeout as sleep} from 'node:timers/promises';

/** For what never comes, not for what is slow: no test depends on how fast the machine is. */
const PATIENCE = 240;

/** Waits until `condition` holds and returns what it gave; fails after `seconds` and says what was waited for. */
export const until = async (condition, what, seconds = PATIENCE) => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > end) {
      throw new Error(`waited ${seconds} s in vain: ${typeof what === 'function' ? await what() : what}`);
    }
    await sleep(5);
  }
};

/** Waits until what is counted has not grown for a moment. */
export const untilQuiet = async (count) => {
  for (let before = -1; before !== (before = count()); ) await aMoment();
};

/** How long a test watches before it says that nothing came. It covers the room's greeting 250 ms after a connect. */
export const aMoment = () => sleep(500);
