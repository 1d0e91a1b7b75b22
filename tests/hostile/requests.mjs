// What strangers send: requests and upgrades, over HTTP as it comes out of a socket.
import {forge, places} from './tokens.mjs';
import {frame, head, upgrade} from './wire.mjs';
import {text} from './messages.mjs';

/** Without CONNECT, which the runtime takes for something that is no request. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'TRACE', 'PURGE', 'get', 'G ET', '', 'GETT', 'G\0T'];
const queries = ['', '?', '?journal', '?journal=0', '?journal=-1', '?journal=1e9', '?verify', '?access', '?token=', '?token', '?token=&token=x', '?%74oken=x', '?token=%00', '?token=%ff%fe', '?access&verify&journal', `?${'a=b&'.repeat(300)}`, '?#', '#x', '??token=a?b'];

const paths = (room) => [
  `/${room}`, `/${room}/`, `//${room}`, `/./${room}`, `/x/../${room}`, `/x/..%2f${room}`, `/${room}%00`, `/${room}%20`, `/${room};a=b`, `/${room.replace('/', '%2F')}`,
  `/${room.replace('s', '%73')}`, `/${room.toUpperCase()}`, `/${room}\\`, `\\${room}`, `/${room}\t`, `/parties/main/${room}`, '/', '*', '', '/favicon.ico', '/robots.txt',
  `/${'x'.repeat(1024)}`, `/${'x'.repeat(1025)}`, `/${'%41'.repeat(900)}`, '/%', '/%zz', '/%ed%a0%80', '/\xff\xfe', `http://room.example.com/${room}`, `https://evil.example.com/${room}`,
  'http://', 'http://[', '//[', `/${room}/../../../etc/passwd`, `/${room}.json`, '/__proto__', '/cdn-cgi/trace', '/.well-known/x',
];

const uuid = '01234567-89ab-4cde-8f01-23456789abcd';
/** Headers that somebody in between might have put there: none of them may count. */
const smuggled = [
  `X-Tinyroom-Ticket: ${uuid}`, 'X-Tinyroom-Ticket: ', 'X-Tinyroom-Ticket: 1', 'X-Tinyroom-Ticket: {"access":"admin"}', 'X-Tinyroom-Ticketed: 1', 'x-tinyroom-access: admin', 'x-tinyroom-sub: ann',
  'mf-cf-blob: {"access":"admin"}', 'CF-Connecting-IP: 127.0.0.1', 'CF-Ray: 1', 'CF-Worker: tinyroom', 'CF-Access-Jwt-Assertion: x', 'CF-Access-Authenticated-User-Email: ann@example.com', 'CDN-Loop: cloudflare; loops=99',
  'X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Host: localhost', 'X-Forwarded-Proto: https', 'X-Real-IP: 127.0.0.1', 'Forwarded: for=127.0.0.1', 'X-Original-URL: /public', 'X-Rewrite-URL: /public', 'X-HTTP-Method-Override: GET',
  'X-Authenticated-User: admin', 'Proxy-Authorization: Bearer x', 'Authorization: Basic YWRtaW46YWRtaW4=', 'Authorization: Bearer', 'Authorization:', 'Authorization: bearer bearer bearer', 'Authorization: Digest a="b"',
  'Origin: null', 'Origin: https://app.example.com', 'Origin: https://app.example.com.evil.com', 'Origin: https://evil.com/.example.com', 'Origin: https://a.example.com\0.evil.com', 'Referer: https://app.example.com/',
  'Cookie: session', 'Cookie: session=', 'Cookie: session="";session=x', `Cookie: ${'a=b; '.repeat(500)}`, 'Range: bytes=0-', 'Expect: 100-continue', 'Accept-Encoding: gzip, br, zstd', 'If-None-Match: *', 'Content-Type: application/json', 'Max-Forwards: 0',
  'Host: localhost', 'Host: evil.example.com:99999', 'Host:', 'Upgrade: h2c', 'Upgrade: websocket', 'Connection: Upgrade, HTTP2-Settings', 'Connection: x-tinyroom-ticket', 'TE: trailers', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA', 'Content-Length: 0',
];
const oddLines = ['no colon', ': no name', ' folded: line', '\tfolded', 'Bad Name: x', 'X\0: y', 'X: a\0b', 'X: \xff\xfe', 'X: a\rb', 'X: a\nY: b', `X: ${'y'.repeat(9000)}`, `X-${'z'.repeat(3000)}: 1`, 'Host : x', 'X:\x0b', 'Content-Length: -1', 'Content-Length: 1e3', 'Content-Length: 99999999999999999999', 'Transfer-Encoding: identity', 'Transfer-Encoding: chunked, chunked'];

const target = (random, room) => `${random.chance(0.5) ? `/${room}` : random.pick(paths(room))}${random.chance(0.5) ? random.pick(queries) : ''}`;
const host = 'Host: room.example.com';
const end = 'Connection: close';

/** Two requests in one, by what the two ends of a line may take for its end. */
const smuggling = [
  (inner) => head('POST / HTTP/1.1', [host, `Content-Length: ${inner.length + 5}`, 'Transfer-Encoding: chunked']).toString('latin1') + `0\r\n\r\n${inner}`,
  (inner) => head('GET /robots.txt HTTP/1.1', [host, `Content-Length: ${inner.length}`]).toString('latin1') + inner,
  (inner) => head('GET /robots.txt HTTP/1.1', [host, 'Content-Length: 0', `Content-Length: ${inner.length}`]).toString('latin1') + inner,
  (inner) => head('POST / HTTP/1.1', [host, 'Transfer-Encoding: xchunked', `Content-Length: ${inner.length}`]).toString('latin1') + inner,
  (inner) => head('POST / HTTP/1.1', [host, 'Transfer-Encoding : chunked']).toString('latin1') + `0\r\n\r\n${inner}`,
  (inner) => head('POST / HTTP/1.1', [host, 'Transfer-Encoding: chunked']).toString('latin1') + `ffffffffffffffff1\r\n${inner}`,
  (inner) => head('POST / HTTP/1.1', [host, 'Transfer-Encoding: chunked']).toString('latin1') + `1;x=${'y'.repeat(200)}\r\nz\r\n0\r\nX-Tinyroom-Ticket: 1\r\n\r\n${inner}`,
  (inner) => `GET /robots.txt HTTP/1.1\n${host}\n\n${inner}`,
  (inner) => `GET /robots.txt HTTP/1.0\r\n\r\n${inner}`,
  (inner) => `${upgrade('/robots.txt').toString('latin1')}${inner}`,
];

const requestTo = (random, room, lines) =>
  head(`${random.chance(0.6) ? 'GET' : random.pick(methods)} ${target(random, room)} ${random.chance(0.95) ? 'HTTP/1.1' : random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', 'http/1.1', '', 'HTTP/1.1 x'])}`, lines);

const badToken = (random, room) => {
  const {text, what} = forge(random, room);
  const place = random.pick(Object.keys(places));
  return {what: `${what}, in a ${place}`, ...places[place](text)};
};

/** Each answers what is to be sent, and whether that asks for a WebSocket. */
export const strangerKinds = [
  [6, 'odd requests', (random, room) => ({what: 'a request', bytes: requestTo(random, room, [host, end])})],
  [6, 'header smuggling', (random, room) => {
    const lines = [host, ...random.times(1, 5, () => random.pick(random.chance(0.75) ? smuggled : oddLines)), end];
    return {what: 'headers that somebody in between would send', bytes: requestTo(random, room, lines)};
  }],
  [2, 'request smuggling', (random, room) => {
    const inner = head(`GET /${room} HTTP/1.1`, [host, random.pick(smuggled), end]).toString('latin1');
    return {what: 'a request in a request', bytes: Buffer.from(random.pick(smuggling)(inner), 'latin1')};
  }],
  [1, 'pipelined requests', (random, room) => {
    const requests = random.times(2, 12, () => head(`GET ${random.pick(paths(room)) || '/'} HTTP/1.1`, [host, random.pick(smuggled)]));
    return {what: 'requests one after the other', bytes: Buffer.concat([...requests, head(`GET /${room} HTTP/1.1`, [host, end])])};
  }],
  [1, 'bodies', (random, room) => {
    const body = 'x'.repeat(random.below(100_000));
    const bytes = Buffer.concat([head(`${random.pick(methods)} /${room} HTTP/1.1`, [host, `Content-Length: ${body.length}`, end]), Buffer.from(body)]);
    return {what: 'a request with a body', bytes};
  }],
  [6, 'forged tokens, HTTP', (random, room) => {
    const {what, lines, query = ''} = badToken(random, room);
    return {what, bytes: head(`${random.pick(['GET', 'HEAD'])} /${room}${query} HTTP/1.1`, [host, ...lines, end])};
  }],
  [12, 'forged tokens, sockets', (random, room) => {
    const {what, lines, query = ''} = badToken(random, room);
    return {what, isSocket: true, bytes: upgrade(`/${room}${query}`, lines)};
  }],
  [3, 'sockets without a token', (random, room) => {
    const lines = random.times(0, 4, () => random.pick([...smuggled, 'Sec-WebSocket-Protocol: tinybase', 'Sec-WebSocket-Protocol: tinyroom, tinyroom', 'Sec-WebSocket-Protocol: bearer.', 'Sec-WebSocket-Protocol: ,,,', 'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99']));
    return {what: 'no token', isSocket: true, bytes: upgrade(target(random, room).replace(/[ \t]/g, ''), lines)};
  }],
  [2, 'bad handshakes', (random, room) => {
    const whole = upgrade(`/${room}`).toString('latin1');
    const lines = whole.split('\r\n').slice(0, -2);
    const at = 1 + random.below(lines.length - 1);
    const what = random.pick(['GET', 'POST', 'HEAD', 'PUT']);
    lines[0] = lines[0].replace('GET', what);
    if (random.chance(0.5)) lines.splice(at, 1);
    else lines[at] = lines[at].replace(/: .*/, `: ${random.pick(['', '8', 'x', '13, 13', 'websocket, h2c', 'WEBSOCKET', 'keep-alive'])}`);
    return {what: 'a handshake that lacks something', isSocket: true, bytes: head(lines[0], lines.slice(1))};
  }],
  [2, 'talk before the handshake', (random, room) => {
    const {lines, query = ''} = random.chance(0.5) ? badToken(random, room) : {lines: []};
    const early = random.times(1, 8, () => frame(text(random)));
    return {what: 'frames behind a handshake that is refused', isSocket: true, bytes: Buffer.concat([upgrade(`/${room}${query}`, lines), ...early])};
  }],
  [1, 'half-open handshakes', (random, room) => {
    const whole = random.chance(0.5) ? upgrade(`/${room}`) : head(`POST /${room} HTTP/1.1`, [host, 'Content-Length: 1000']);
    return {what: 'half a request', holds: true, bytes: whole.subarray(0, random.below(whole.length))};
  }],
];
