// JSON text as TinyBase clients write and read it on the wire, where *undefined* is the string U+FFFC.
//
// The clients do not export their two functions, so they are told again here. Up to 6.x the reading is done by a
// JSON.parse reviver, which leaves a hole in an array (a tombstone reads as undefined either way); from 7.0 by a walk.

import {parseJson} from './parse-json.mjs';

const UNDEFINED = '\uFFFC';

export const printWire = (thing) =>
  JSON.stringify(thing, (_key, value) => (value === undefined ? UNDEFINED : value));

export const readWireByReviver = (text) =>
  parseJson(text, (_key, value) => (value === UNDEFINED ? undefined : value));

const withUndefined = (thing) => {
  if (thing === UNDEFINED) {
    return undefined;
  }
  if (Array.isArray(thing)) {
    return thing.map(withUndefined);
  }
  if (typeof thing == 'object' && thing !== null) {
    return Object.fromEntries(Object.entries(thing).map(([id, child]) => [id, withUndefined(child)]));
  }
  return thing;
};

export const readWireByWalk = (text) => withUndefined(parseJson(text));
