// What goes over a socket as it is: HTTP that no client would write, and WebSocket frames made by hand.
import {connect} from 'node:net';

/** Where nothing more comes, a connection is left. It is for what hangs, and no answer is judged by it. */
const SILENCE_MS = 1000;

const BYTES_OF_LENGTH = {126: 2, 127: 8};
export const [TEXT, BINARY, CLOSE, PING] = [1, 2, 8, 9];

/** Sends bytes, and answers all that comes back until the other side closes. */
export const exchange = (port, bytes, {ends = true} = {}) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const received = [];
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(received)));
    socket.write(bytes);
    if (ends) socket.end();
  });

/** The head of a request: a first line, and lines as they are, of which the last may lack what a header has. */
export const head = (first, lines = []) => Buffer.from(`${[first, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');

/** What asks for a WebSocket, with more lines. */
export const upgrade = (path, lines = []) =>
  head(`GET ${path} HTTP/1.1`, [
    'Host: room.example.com',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
  ]);

/**
 * A frame, good or bad. `length` is what its head says where that is not the truth, `wide` how many bits tell it: 7, 16, or
 * 64.
 */
export const frame = (payload, {opcode = TEXT, isLast = true, reserved = 0, isMasked = true, length, wide} = {}) => {
  const data = Buffer.from(payload);
  const said = length ?? data.length;
  const bits = wide ?? (said < 126 ? 7 : said < 65_536 ? 16 : 64);
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = isMasked ? 0x80 : 0;
  const start = Buffer.alloc({7: 2, 16: 4, 64: 10}[bits]);
  start[0] = first;
  start[1] = mask | (bits === 7 ? said : bits === 16 ? 126 : 127);
  if (bits === 16) start.writeUInt16BE(said & 0xffff, 2);
  if (bits === 64) start.writeBigUInt64BE(BigInt.asUintN(64, BigInt(said)), 2);
  // The key of the mask is four zeros, which is as good as any: nothing is changed by it.
  return Buffer.concat(isMasked ? [start, Buffer.alloc(4), data] : [start, data]);
};

/** The frames at the start of some bytes, none of them masked, and what is left. */
export const framesIn = (bytes) => {
  const frames = [];
  for (;;) {
    if (bytes.length < 2) return [frames, bytes];
    const short = bytes[1] & 0x7f;
    const start = 2 + (BYTES_OF_LENGTH[short] ?? 0);
    if (bytes.length < start) return [frames, bytes];
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return [frames, bytes];
    frames.push({opcode: bytes[0] & 0x0f, payload: bytes.subarray(start, start + length)});
    bytes = bytes.subarray(start + length);
  }
};

/**
 * A socket that asked for a WebSocket with these bytes. Whatever data it is sent goes to `hear`, as bytes. It tells the
 * `status` it was answered, and how it `closed`: with which code, or 1006 where the line broke.
 */
export const rawSocket = (port, request, hear) => {
  const socket = connect(port, '127.0.0.1');
  const self = {status: undefined, closed: undefined, head: ''};
  let rest = Buffer.alloc(0);
  let end;
  let opened;
  self.ended = new Promise((resolve) => (end = resolve));
  self.opened = new Promise((resolve) => (opened = resolve));
  const finish = (closed) => {
    self.closed ??= closed;
    opened();
    end(self.closed);
  };

  /** The other side need not take it for the end that nothing more is sent. */
  const leave = () => setTimeout(() => socket.destroy(), SILENCE_MS).unref();

  const takeHead = () => {
    const at = rest.indexOf('\r\n\r\n');
    if (at < 0) return false;
    self.head = rest.subarray(0, at).toString('latin1');
    self.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(self.head)?.[1]);
    rest = rest.subarray(at + 4);
    opened();
    return true;
  };
  const take = (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (self.status === undefined && !takeHead()) return;
    // The body of an answer that is no WebSocket is heard as it is.
    if (self.status !== 101) {
      socket.end();
      if (rest.length > 0) hear?.(rest);
      rest = Buffer.alloc(0);
      return;
    }
    const [frames, left] = framesIn(rest);
    rest = left;
    for (const {opcode, payload} of frames) {
      if (opcode === CLOSE) {
        const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
        self.closed = {code, reason: payload.subarray(2).toString()};
        socket.end(frame(payload.subarray(0, 2), {opcode: CLOSE}));
        leave();
        finish(self.closed);
      } else if (payload.length > 0) {
        hear?.(payload);
      }
    }
  };
  socket.on('data', take);
  socket.on('error', () => {});
  socket.on('close', () => finish({code: 1006, reason: ''}));
  socket.on('end', () => socket.end());
  socket.write(request);
  return Object.assign(self, {
    send: (bytes) => socket.writable && socket.write(bytes),
    /** Reads nothing any more. */
    pause: () => socket.pause(),
    /** Sends nothing any more. */
    end: () => {
      socket.end();
      leave();
    },
    /** Leaves it where nothing comes any more. */
    leaveWhenSilent: () => socket.setTimeout(SILENCE_MS, () => socket.destroy()),
    /** Ends it without a word, or with a reset. */
    destroy: () => socket.destroy(),
    reset: () => socket.resetAndDestroy(),
  });
};
