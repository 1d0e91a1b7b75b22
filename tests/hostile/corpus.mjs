// The nastiest inputs by hand. A run begins with all of them.
import {ASK, END, HOLD} from './frames.mjs';
import {everyForgery, places} from './tokens.mjs';
import {BINARY, CLOSE, PING, frame, head, upgrade} from './wire.mjs';

const HLC = 'OhqqeV-----Alice';
const MEBIBYTE = 1 << 20;
const host = 'Host: room.example.com';

const diff = (payload) => `\n[null,3,${payload}]`;
const oneCell = (stamp) => diff(`[[{"bad0":[{"r":[{"c":${stamp}}]}]}],[{}],1]`);
const fragment = (index, count, part, id = '0123456789abcdef') => `\n${id}\n${index}\n${count}\n${part}`;
const nest = (depth, open, close) => open.repeat(depth) + close.repeat(depth);

/** Texts, each in a frame of its own. */
const texts = [
  ['\n'], ['\n\n'], ['S\n'], ['\n['], ['\n[]'], ['\nnull'], ['\n"x"'], ['\n{}'], ['\n[null]'], ['\n[null,1]'], ['\n[null,1,"",1]'], ['\n[1,1,""]'], ['\n[null,"1",""]'],
  ['\n[null,8,""]'], ['\n[null,-1,""]'], ['\n[null,1e400,""]'], ['\n[null,1.0,""]'], ['\n[null,99999999999999999999999,""]'], ['\n[null,1,null]'], ['\n[null,1,{}]'],
  ['\n[null,2,[1,2,3]]'], ['\n[null,2,[-1,1e99]]'], ['\n[null,2,["1",2]]'], ['\n[null,2,[4294967296,4294967296]]'], ['\n[null,4,[]]'], ['\n[null,5,{"a":1}]'], ['\n[null,6,{"a":{"b":1}}]'], ['\n[null,7,{"a":{}}]'],
  ['\n["0123456789a.4bcd",0,[{"bad0":[{"r":[{"c":[1]}]}]}]]'], ['S\n["0123456789a.1bcd",0,["a","b"]]'], ['S\n["0123456789a.hbcd",0,[{}]]'], ['S\n["0123456789a.4bcd",0,[[{}],{"x":1}]]'],
  [diff('[[{}],[{}]]')], [diff('[[{}],[{}],2]')], [diff('[[{"bad0":[1]}],[{}],1]')], [diff('[[{"bad0":1}],[{}],1]')], [diff(`[[{},"${HLC}"],[{},"${HLC}"],1]`)],
  [diff('[[{"bad0":[{}]}],[{}],1]')], [diff('[[{"bad0":[{"r":[{}]}]}],[{}],1]')],
  [oneCell('[]')], [oneCell('[1,2]')], [oneCell('[{}]')], [oneCell('[[1]]')], [oneCell('[1,"short"]')], [oneCell(`[1,"${HLC}x"]`)], [oneCell(`[1,"${HLC}",1,2]`)], [oneCell('[1,"zzzzzzzzzzzzzzzz"]')], [oneCell('[1,"----------------"]')],
  [oneCell('["\\ud800","OhqqeV----0Alice"]')], [oneCell('["\uFFFD{\\"a\\":","OhqqeV----1Alice"]')], [oneCell('["\uFFFC","OhqqeV----2Alice"]')], [oneCell('[1e999,"OhqqeV----3Alice"]')], [oneCell('[-0,"OhqqeV----4Alice"]')], [oneCell(`[${'9'.repeat(5000)},"OhqqeV----5Alice"]`)],
  [diff(`[[{"bad0":[{"r":[{"c":[1,"${HLC}"],"c":[2,"${HLC}"]}]}],"bad0":[{}]}],[{}],1]`)],
  [`\n${'['.repeat(1_000_000)}`], [`\n${nest(200_000, '[', ']')}`], [`\n${'{"a":'.repeat(200_000)}`], [`\n[null,4,${nest(100_000, '{"a":', '}')}]`], [`\n["${'x'.repeat(MEBIBYTE)}",1,""]`], [`\n["${'\\u0000'.repeat(100_000)}",1,""]`],
  [`${'x'.repeat(MEBIBYTE)}\n[null,1,""]`], ['x'.repeat(4 * MEBIBYTE)], [`\n${' '.repeat(2 * MEBIBYTE)}[null,1,""]`],
  // A change of a million ids, a question of as many, and the same id again and again.
  [diff(`[[{"bad0":[{"r":[{${Array.from({length: 30_000}, (_, n) => `"c${n % 50}":[${n}]`)}}]}]}],[{}],1]`)],
  [`S\n[null,6,{"bad0":{"r":{${Array.from({length: 100_000}, (_, n) => `"c${n}":${n}`)}}}}]`],
  [fragment(0, 0, 'x')], [fragment(5, 5, 'x')], [fragment(0, 1001, 'x')], [fragment(0, 1, '')], [fragment(0, 1, '["q",1,""]')], [fragment(0, 2, 'x'), fragment(0, 2, 'x')], [fragment(0, 2, 'x'), fragment(1, 3, 'x')], [fragment(0, 99999999999999999999, 'x')],
  [fragment(0, 1, fragment(0, 1, '["q",1,""]').slice(1))], Array.from({length: 101}, (_, n) => fragment(0, 2, 'x', String(n).padStart(16, '0'))), Array.from({length: 17}, (_, n) => fragment(n, 20, 'x'.repeat(MEBIBYTE))),
  [oneCell(`["${'x'.repeat(17 * MEBIBYTE)}"]`)],
];

const frames = [
  [frame('', {opcode: BINARY}), frame('\n[null,1,""]', {opcode: BINARY})],
  [frame(Buffer.alloc(2 * MEBIBYTE), {opcode: BINARY})],
  [frame(Buffer.from('0a5bff', 'hex'))],
  [frame('x', {opcode: 3})], [frame('x', {reserved: 4})], [frame('x', {isMasked: false})], [frame('x'.repeat(200), {opcode: PING})], [frame('x', {opcode: 0})],
  [frame('', {length: -1, wide: 64})], [frame('', {length: 33 * MEBIBYTE, wide: 64})], [frame('x', {opcode: CLOSE})], [frame(Buffer.of(3, 237), {opcode: CLOSE})],
  [frame('x'.repeat(33 * MEBIBYTE))],
  [frame('\n[', {isLast: false}), frame('x'.repeat(1000), {opcode: 0, isLast: false}), frame('', {opcode: CLOSE})],
];

const requests = (room) => [
  head('GET / HTTP/1.1', []), head('', []), head('GET', []), head(`GET /${room} HTTP/1.1`, [host, host]), head(`GET /${room} HTTP/1.1`, [host, 'Content-Length: 5', 'Transfer-Encoding: chunked']), head(`GET /${room} HTTP/1.0`, []), head(`GET /${room}`, []),
  head(`GET /${room} HTTP/1.1`, [host, 'X-Tinyroom-Ticket: 0', 'X-Tinyroom-Ticketed: 1']), head(`GET /${room} HTTP/1.1`, [host, ...Array(90).fill(`X-Much: ${'y'.repeat(400)}`)]), head(`GET /${room}?${'x'.repeat(30_000)} HTTP/1.1`, [host]),
  head('PRI * HTTP/2.0', []), Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'), Buffer.alloc(100_000, 'x'), Buffer.from('\r\n'.repeat(1000)),
  ...[`X-Tinyroom-Ticket: ${'0'.repeat(36)}`, 'Sec-WebSocket-Protocol: tinybase'].map((line) => upgrade(`/${room}`, [line])),
];

/** All of it, for one room. */
export const corpus = (room) => [
  ...texts.map((texts) => ({kind: 'corpus, messages', what: texts[0].slice(0, 60), ends: ASK, frames: texts.map((text) => frame(text))})),
  ...frames.map((frames, index) => ({kind: 'corpus, frames', what: `frames ${index}`, ends: END, frames})),
  {kind: 'corpus, frames', what: 'half a frame', ends: HOLD, frames: [frame('\n[null,3,', {length: 10_000, wide: 16})]},
  {kind: 'corpus, frames', what: 'the head of a large frame', ends: HOLD, frames: [frame('', {length: 31 * MEBIBYTE, wide: 64})]},
  // Clients of TinyBase would throw at it: from who may not write.
  {kind: 'corpus, messages', what: '__proto__', access: 'read', ends: ASK, frames: [frame(diff('[[{"__proto__":[{"__proto__":[{"__proto__":[1]}]}]}],[{}],1]'))]},
  {kind: 'corpus, crowd', what: 'more sockets than one may have', crowd: 30},
  ...requests(room).map((bytes) => ({kind: 'corpus, requests', what: bytes.subarray(0, 60).toString('latin1'), isStrange: true, bytes})),
  ...everyForgery(room).flatMap((text) =>
    Object.entries(places).flatMap(([place, put]) => {
      const {lines, query = ''} = put(text);
      return [
        {kind: 'corpus, tokens', what: `${text.slice(0, 60)}… in a ${place}`, isStrange: true, isSocket: true, bytes: upgrade(`/${room}${query}`, lines)},
        {kind: 'corpus, tokens', what: `${text.slice(0, 60)}… in a ${place}`, isStrange: true, bytes: head(`GET /${room}${query} HTTP/1.1`, [host, ...lines, 'Connection: close'])},
      ];
    }),
  ),
];
