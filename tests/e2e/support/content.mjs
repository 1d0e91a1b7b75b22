// Mergeable content, made comparable.

/** As TinyBase writes it in JSON: *undefined* is U+FFFC. */
export const asText = (thing) => JSON.stringify(thing, (_key, value) => (value === undefined ? '\uFFFC' : value));

/** Read back from that. It evens out the sign of -0, and prototypes, which do not travel. */
export const asJson = (thing) => JSON.parse(asText(thing));

/** A value as it stands in a stamp: since 8.0 an object or array is a text behind U+FFFD. */
export const asStamped = (value) =>
  value !== null && typeof value === 'object' ? `\uFFFD${JSON.stringify(value)}` : value;

const same = (thing) => thing;

/** A content with each value, each id and each end of a stamp (HLC and hash) changed. */
export const mapContent = ([tables, values], {value = same, id = same, end = same}) => {
  const node =
    (map) =>
    ([children, ...rest]) =>
      [Object.fromEntries(Object.entries(children).map(([key, child]) => [id(key), map(child)])), ...end(rest)];
  const leaf = ([held, ...rest]) => [value(held), ...end(rest)];
  return [node(node(node(leaf)))(tables), node(leaf)(values)];
};
