// Messages of all eight types, and what can be done to them. None names what good clients write.

const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
/** A moment in 2025. */
const PAST = 1_750_000_000_000;

const digits = (number, count) =>
  Array.from({length: count}, (_, place) => ALPHABET[Math.floor(number / 64 ** (count - 1 - place)) % 64]).join('');

/** A stamp of nobody's: now and then it is one from the future, near enough to be taken or not. */
export const stamp = (random) => {
  const ahead = random.pick([30_000, 100_000, 230_000, 290_000, 86_400_000, 3e12]);
  const time = random.chance(0.05) ? Date.now() + ahead : PAST + random.below(1e9);
  return digits(time, 7) + digits(random.below(1 << 24), 4) + digits(random.below(1 << 30), 5);
};

/**
 * None that a plain object inherits, such as `__proto__`: clients of TinyBase throw at them, whoever wrote them. And none of one
 * character that JSON escapes: `JSON.parse` with a function, as TinyBase calls it, makes `\` of it in Node 24, now and then.
 */
const oddIds = ['', '0', '-1', 'null', 'é', '😀', '\ud800x', '\udc00x', '\0\0', 'a\n', '\u2028', '""', '\\\\', '\\u0000'];
const id = (random) => {
  if (random.chance(0.9)) return `bad${random.below(8)}`;
  return random.chance(0.05) ? 'x'.repeat(2000) : random.pick(oddIds);
};

const value = (random) =>
  random.pick([
    random.below(1e6),
    random.bits() / 7,
    true,
    null,
    '',
    '\uFFFC',
    '\uFFFD{"a":[1]}',
    '\uFFFD{"a":',
    '\uFFFDnull',
    '\ud83d',
    `word ${random.below(1e4)}`,
    'x'.repeat(random.below(2000)),
    -0,
    1e300,
  ]);

const cell = (random) => [value(random), ...(random.chance(0.9) ? [stamp(random)] : [])];
const hash = (random) => random.bits();
const some = (random, make) => Object.fromEntries(random.times(0, 3, () => [id(random), make(random)]));
const row = (random) => [some(random, cell), ...(random.chance(0.1) ? [''] : [])];
const table = (random) => [some(random, row)];
const tables = (random) => [some(random, table)];
const values = (random) => [some(random, cell)];

/** An id as the room makes them for its questions, one of each kind; or as clients make them; or none. */
const requestId = (random) =>
  random.pick([null, 'abc', '0123456789a.4bcd', `0123456789a.${random.pick([...'145678h'])}${digits(random.below(1 << 18), 3)}`]);

const hashes = (levels) => (random) => some(random, levels > 1 ? hashes(levels - 1) : hash);

const answer = (random) =>
  random.pick([
    () => [hash(random), hash(random)],
    () => [tables(random), hashes(1)(random)],
    () => [tables(random), hashes(2)(random)],
    () => tables(random),
    () => values(random),
    () => '',
    () => [{}],
  ])();

const payloads = [
  answer,
  () => '',
  (random) => [hash(random), hash(random)],
  (random) => [tables(random), values(random), 1],
  hashes(1),
  hashes(2),
  hashes(3),
  hashes(1),
];

/** A message as a client might send it. */
export const message = (random) => {
  const type = random.below(payloads.length);
  return [requestId(random), type, payloads[type](random)];
};

/** A change that is as it should be. */
export const change = (random) => [null, 3, [tables(random), values(random), 1]];

/** Stands for a text that is no JSON, or none that JavaScript would write. */
const RAW = /"@raw (\d+)@"/g;
const raws = ['1e999', '-1e999', '-0', '01', '1.', '.5', 'NaN', 'Infinity', '0x10', '1e-999', '9'.repeat(400), 'undefined', "'a'", '//', 'tru', '"\\ud800"', '"\\x"', '"\t"', '+1'];
const raw = (random) => `@raw ${random.below(raws.length)}@`;

const wrong = (random) =>
  random.pick([
    null, true, false, 0, -1, 1.5, 2 ** 53, '', 'x', '\uFFFC', [], {}, [[]], [{}], {a: 1}, [1, 2, 3, 4, 5], '0'.repeat(16), raw(random), raw(random), raw(random),
  ]);

/** Every place in a thing, as what holds it and the key there. */
const placesIn = (thing, found = []) => {
  if (thing === null || typeof thing !== 'object') return found;
  for (const key of Object.keys(thing)) {
    found.push([thing, key]);
    placesIn(thing[key], found);
  }
  return found;
};

const write = (thing) => JSON.stringify(thing).replace(RAW, (_, index) => raws[index]);

const nest = (depth, [open, close], inner = '1') => open.repeat(depth) + inner + close.repeat(depth);

/** What is done to a message before it is written: a field gets a value of another kind, goes, or comes once more. */
const changeField = (random, message) => {
  const [holder, key] = random.pick(placesIn(message));
  if (random.chance(0.15) && Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (random.chance(0.1) && Array.isArray(holder)) holder.push(wrong(random));
  else holder[key] = wrong(random);
};

const insert = (text, at, what) => text.slice(0, at) + what + text.slice(at);

/** What is done to a text, of any message. */
const textChanges = {
  truncated: (random, text) => text.slice(0, random.below(text.length)),
  'with something more': (random, text) => text + random.pick(['x', ' ', ']', '\0', '\n', '[null,1,""]', '\uFEFF', ',']),
  'with something before it': (random, text) => random.pick(['\uFEFF', ' ', '\n', '\0', '[', '//']) + text,
  'with a character changed': (random, text) => {
    const at = random.below(text.length);
    return text.slice(0, at) + random.pick([...'{}[]",:0x\\\0\n\t\x7f\u2028\ud800é']) + text.slice(at + 1);
  },
  'with a character more': (random, text) =>
    insert(text, random.below(text.length), random.pick([...'{}[]",:0-.e\\\0\x01\x1f\u200b\ud83d'])),
  'a part twice': (random, text) => {
    const [from, to] = [random.below(text.length), random.below(text.length)];
    return text.slice(0, Math.max(from, to)) + text.slice(Math.min(from, to));
  },
  'keys twice': (random, text) => text.replace(/"([^"]*)":/g, (key) => (random.chance(0.5) ? `${key}${random.pick(['1', '[{}]', 'null', '["a"]'])},${key}` : key)),
  nested: (random, text) => {
    const inner = nest(random.pick([3, 50, 500, 5000, 50_000]), random.pick(['[]', ['{"a":', '}'], ['[{"a":', '}]']]));
    return text.replace(/,([^,]*)$/, random.chance(0.5) ? `,${inner}]` : `,${inner.slice(0, inner.length / 2)}`);
  },
  'escapes in it': (random, text) => text.replace(/bad/g, () => random.pick(['\\u0062ad', 'x\\ud800', '\\uDBFF\\uDFFF', '\\u0000\\u0000', '\\/', '\\u', '\\b\\f'])),
};

const receivers = ['', 'S', 'server', 'nobody', 's', 'S ', '0', 'null', '../x', '\0', '\r', 'M', '__proto__', 'x'.repeat(5000), '0123456789012345', 'é', '*'];

/** The line before a message. */
export const receiver = (random) => (random.chance(0.7) ? random.pick(['', 'S']) : random.pick(receivers));

/** A text for a socket, of a message to which something was done, and what that was. */
export const mutant = (random) => {
  const body = message(random);
  const to = receiver(random);
  const way = random.below(10);
  if (way < 4) {
    for (let more = random.below(2); more >= 0; more--) if (placesIn(body).length > 0) changeField(random, body);
    return {what: 'a field of another type', text: `${to}\n${write(body)}`};
  }
  if (way < 9) {
    const what = random.pick(Object.keys(textChanges));
    return {what: `a message ${what}`, text: `${to}\n${textChanges[what](random, write(body))}`};
  }
  if (random.chance(0.5)) {
    return {what: 'of a channel', text: random.pick([`M\nbad\n${to}\n${write(body)}`, 'S\n["id",-1,[0,1]]', 'S\n["id",-1,[1,"bad"]]', 'S\n[null,-1,[2,"bad"]]'])};
  }
  return {what: 'no message', text: random.pick(['\n', '\n\n\n', 'S\n', '\r\n', `${to}\n${to}\n${write(body)}`, write(body), `\n${nest(100_000, '[]')}`, `\n${'{"a":'.repeat(20_000)}`])};
};

/** A message that is as it should be, to somebody that it should not be for, or an answer that nobody asked for. */
export const misdirected = (random) => `${random.pick(receivers)}\n${write(message(random))}`;
export const forgedAnswer = (random) => {
  const payload = answer(random);
  if (random.chance(0.2) && placesIn(payload).length > 0) changeField(random, payload);
  const id = `${digits(random.bits(), 11)}.${random.pick([...'145678h'])}${digits(random.below(1 << 18), 3)}`;
  return `${random.pick(['S', 'S', ''])}\n${write([random.chance(0.3) ? '0123456789a.4bcd' : id, 0, payload])}`;
};
export const text = (random, body = message(random)) => `${receiver(random)}\n${write(body)}`;

/** What a question of the room's is answered, which is in a frame of its own: with nonsense. */
export const nonsenseTo = (random, question) => `S\n${write([question, 0, answer(random)])}`;
