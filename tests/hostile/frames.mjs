// What members send that have a token: the room must bear it, or close them.
import {change, forgedAnswer, message, misdirected, mutant, text} from './messages.mjs';
import {BINARY, CLOSE, PING, frame} from './wire.mjs';

const letters = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
const messageId = (random) => Array.from({length: 16}, () => random.pick([...letters])).join('');

const fragment = (id, index, count, part, to = '') => frame(`${to}\n${id}\n${index}\n${count}\n${part}`);
const cut = (text, size) => text.match(new RegExp(`.{1,${size}}`, 'gsu')) ?? [''];

/** One of these at a time: some frames, in fragments that are wrong in some way. */
const fragmentKinds = {
  'fragments that never end': (random) => {
    const count = 2 + random.below(999);
    return random.times(1, 20, (index) => fragment(messageId(random), index % count, count, 'x'.repeat(random.below(3000))));
  },
  'one message that never ends': (random) => {
    const id = messageId(random);
    return random.times(1, 60, (index) => fragment(id, index, 1000, 'x'.repeat(random.below(500))));
  },
  'an index or a count that is none': (random) => {
    const odd = () => random.pick(['-1', '1.5', '', ' 1', '1e3', '99999999999999999999', 'NaN', '0x1', '１', '00', '1000', '1001']);
    return [fragment(messageId(random), random.chance(0.5) ? odd() : 0, random.chance(0.7) ? odd() : 5, '["a"')];
  },
  'a message id that is none': (random) => [fragment(messageId(random).slice(random.below(16)) + random.pick(['', 'é', ' ', 'xx']), 0, 2, '[')],
  'parts that overlap': (random) => {
    const id = messageId(random);
    return random.times(2, 6, () => fragment(id, random.below(3), 3 + random.below(2), '[1,'));
  },
  'too many messages': (random) => random.times(90, 120, () => fragment(messageId(random), 0, 2, '[')),
  'parts of a bad message': (random) => {
    const [id, parts] = [messageId(random), cut(mutant(random).text.replace(/^.*\n/, ''), 1 + random.below(400)).slice(0, 900)];
    return random.shuffle(parts.map((part, index) => fragment(id, index, parts.length, part)));
  },
  'parts for different receivers': (random) => {
    const [id, parts] = [messageId(random), cut(text(random).split('\n').slice(1).join('\n'), 20)];
    return parts.map((part, index) => fragment(id, index, parts.length, part, random.pick(['', 'S', 'x'])));
  },
  'large parts': (random) => {
    const id = messageId(random);
    return random.times(1, 4, (index) => fragment(id, index, 50, 'x'.repeat(random.below(200_000))));
  },
};

const anyOf = (kinds) => (random) => {
  const what = random.pick(Object.keys(kinds));
  return {what, frames: kinds[what](random)};
};

const binary = {
  'a binary frame': (random) => [frame(Buffer.from(text(random)), {opcode: BINARY})],
  'binary noise': (random) => [frame(Buffer.from(random.times(1, 200, () => random.below(256))), {opcode: BINARY})],
  'empty frames': (random) => random.times(1, 30, () => frame('', {opcode: random.pick([1, BINARY])})),
  'a large binary frame': (random) => [frame(Buffer.alloc(random.below(300_000)), {opcode: BINARY})],
};

const noise = {
  heartbeats: (random) => random.times(1, 30, () => frame(random.pick(['ping', 'pong', 'keepalive', '{"type":"ping"}', ' ', 'ping\r']))),
  'one long line': (random) => [frame('x'.repeat(random.below(500_000)))],
  'bytes that are no UTF-8': (random) => [frame(Buffer.from([10, ...random.times(1, 60, () => random.below(256))]))],
  'UTF-8 that is cut': (random) => [frame(Buffer.from(`\n[null,3,[[{"bad0":[{"a":[{"c":["é😀`).subarray(0, -1 - random.below(3)))],
};

/** What WebSockets do not do: the runtime must end them. Nothing can be asked behind it. */
const broken = {
  'an opcode that is none': (random) => [frame('x', {opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])})],
  'reserved bits': (random) => [frame(text(random), {reserved: 1 + random.below(7)})],
  'a frame that is not masked': (random) => [frame(text(random), {isMasked: false})],
  'a long ping': (random) => [frame('x'.repeat(126 + random.below(1000)), {opcode: PING})],
  'a ping in parts': () => [frame('x', {opcode: PING, isLast: false})],
  'a continuation of nothing': (random) => [frame(text(random), {opcode: 0})],
  'a message within a message': (random) => [frame('\n[', {isLast: false}), frame(text(random))],
  'a length with its highest bit': () => [frame('x', {length: -1, wide: 64})],
  'a length beyond anything': () => [frame('x', {length: 2 ** 50, wide: 64})],
  'a long way to say a short length': (random) => [frame('ping', {wide: random.pick([16, 64])})],
  'a close with a code that is none': (random) => {
    const code = Buffer.alloc(2);
    code.writeUInt16BE(random.pick([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535]));
    return [frame(Buffer.concat([code, Buffer.from(random.pick(['', 'why', '\xff']))]), {opcode: CLOSE})];
  },
  'a close of one byte': () => [frame('x', {opcode: CLOSE})],
  'a close, and more': (random) => [frame('', {opcode: CLOSE}), frame(text(random))],
  'bytes that are no frames': (random) => [Buffer.from(random.times(1, 100, () => random.below(256)))],
};

/** What stops in the middle, and stays so for a while, or breaks off. */
const half = {
  'half a frame': (random) => {
    const whole = frame(text(random));
    return [whole.subarray(0, 1 + random.below(whole.length - 1))];
  },
  'a frame without an end': (random) => [frame('\n[null,3,', {isLast: false}), ...random.times(0, 20, () => frame('x', {opcode: 0, isLast: false}))],
  'the head of a large frame': (random) => [frame('', {length: random.pick([70_000, 1 << 20, 16 << 20, 31 << 20]), wide: 64})],
};

const flood = {
  'a flood of changes': (random) => random.times(50, 150, () => frame(text(random, change(random)))),
  'a flood of questions': (random) => random.times(50, 150, () => frame(`S\n${JSON.stringify(['q', random.pick([1, 4, 5, 6, 7]), {}]).replace('1,{}', '1,""')}`)),
  'a flood of answers': (random) => random.times(50, 150, () => frame(forgedAnswer(random))),
  'a flood of hashes': (random) => random.times(50, 150, () => frame(`\n[null,2,[${random.bits()},${random.bits()}]]`)),
  'a flood of heartbeats': (random) => random.times(100, 400, () => frame('ping')),
};

/** More than anybody may send at once. It is one line, so that nothing but its bytes counts. */
const tooMuch = () => ({what: 'more than the rate', frames: Array.from({length: 24}, () => frame('x'.repeat(1 << 20)))});

const one = (what, make) => (random) => ({what, frames: [frame(make(random))]});

/**
 * How a member's input ends: the room is asked something, and answers or has closed; or nothing more is said, and the room is
 * waited for; or the socket stays as it is for a while; or it is reset.
 */
export const [ASK, END, HOLD, RESET] = ['ask', 'end', 'hold', 'reset'];

/** The kinds of what members send, each as often as its weight. */
export const memberKinds = [
  [40, 'mutated messages', ASK, (random) => {
    const {what, text} = mutant(random);
    return {what, frames: [frame(text)]};
  }],
  [8, 'wrong receivers', ASK, one('to somebody it is not for', misdirected)],
  [8, 'forged answers', ASK, one('an answer that nobody asked for', forgedAnswer)],
  [6, 'legal messages', ASK, one('a message as it should be', (random) => text(random, message(random)))],
  [8, 'fragments', ASK, anyOf(fragmentKinds)],
  [4, 'binary and empty frames', ASK, anyOf(binary)],
  [4, 'noise', ASK, anyOf(noise)],
  [4, 'broken frames', END, anyOf(broken)],
  [2, 'half-open sockets', HOLD, anyOf(half)],
  [1, 'sockets that break off', RESET, anyOf(half)],
  [0.5, 'sockets that never read', HOLD, (random) => ({
    what: 'questions whose answers are not read',
    isDeaf: true,
    frames: random.times(1, 40, () => frame('S\n["q",4,{}]')),
  })],
  [0.4, 'floods', ASK, anyOf(flood)],
  [0.02, 'floods over the rate', ASK, tooMuch],
];
