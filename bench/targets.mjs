// What is to be reached, and whether it was.
import {contenders} from './contenders.mjs';

const target = (text, found, format, holds) => ({
  text,
  found: Number.isFinite(found) ? format(found) : 'not measured',
  met: Number.isFinite(found) && holds(found),
});

const times = (ratio) => `${ratio.toPrecision(3)} ×`;

/** How many times better Tinyroom is than another. */
export const ratio = (by, other, better) =>
  better === 'more' ? by.tinyroom / by[other] : by[other] / by.tinyroom;

export const atLeastTimes = (factor, by, other, better) =>
  target(
    `at least ${factor} × better than ${contenders[other].title}`,
    ratio(by, other, better),
    times,
    (found) => found >= factor,
  );

export const atMostTimes = (factor, by, other) =>
  target(
    `at most ${factor} × that of ${contenders[other].title}`,
    by.tinyroom / by[other],
    times,
    (found) => found <= factor,
  );

export const atMost = (limit, unit, found) =>
  target(`at most ${limit} ${unit}`, found, (number) => `${Number(number.toPrecision(3))} ${unit}`, () => found <= limit);
