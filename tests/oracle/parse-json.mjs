// JSON.parse as ECMAScript has it. V8's own, from 12.8 on (Node 24 and 26, nodejs/node#63785), now and then reads a key that
// is spelled with an escape, such as "\n" or "\"", as another that an earlier text had, such as "\\". Here each key is read
// as a string, which V8 does right, and its number stands in its place while the rest is read. Numbered keys keep the order
// of the text, so of a key that stands twice the last counts.

const KEY_OR_STRING = /"[^"\\]*(?:\\.[^"\\]*)*"([ \t\n\r]*:)?/gs;

export const parseJson = (text, reviver) => {
  if (!text.includes('\\')) {
    return JSON.parse(text, reviver);
  }
  const ids = [];
  const numbered = text.replace(KEY_OR_STRING, (string, colon) =>
    colon ? `"k${ids.push(JSON.parse(string.slice(0, -colon.length))) - 1}":` : string,
  );
  return named(JSON.parse(numbered, reviver), ids);
};

const named = (thing, ids) => {
  if (Array.isArray(thing)) {
    // By hand, since map would fill the holes that a reviver leaves.
    thing.forEach((child, index) => (thing[index] = named(child, ids)));
    return thing;
  }
  if (typeof thing == 'object' && thing !== null) {
    return Object.fromEntries(Object.entries(thing).map(([key, child]) => [ids[key.slice(1)], named(child, ids)]));
  }
  return thing;
};
