// A socket that offers compression as browsers do, and as they do compresses whatever it sends.
//
// Node's own streams hand each message to another thread, which would cost the machine more than the room does. So this
// one calls zlib where it stands, through a door that Node does not document; its version is pinned.
import {randomBytes} from 'node:crypto';
import {EventEmitter} from 'node:events';
import {connect} from 'node:net';
import {constants, createDeflateRaw, createInflateRaw} from 'node:zlib';

const OFFER = 'permessage-deflate; client_max_window_bits';

/** The end of each flush, which is not sent. */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

const [FIN, COMPRESSED, MASKED] = [0x80, 0x40, 0x80];
const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10];

const output = Buffer.allocUnsafe(1 << 18);

/** Runs bytes through a stream's window, there and then. */
const through = (stream, bytes) => {
  const parts = [];
  const left = stream._writeState;
  for (let at = 0; ; ) {
    stream._handle.writeSync(constants.Z_SYNC_FLUSH, bytes, at, bytes.length - at, output, 0, output.length);
    const [outputLeft, inputLeft] = left;
    parts.push(Buffer.from(output.subarray(0, output.length - outputLeft)));
    if (outputLeft > 0) return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    at = bytes.length - inputLeft;
  }
};

const header = (first, length) => {
  if (length < 126) return Buffer.from([first, MASKED | length]);
  if (length < 65536) return Buffer.from([first, MASKED | 126, length >> 8, length & 255]);
  const long = Buffer.alloc(10);
  long[0] = first;
  long[1] = MASKED | 127;
  long.writeBigUInt64BE(BigInt(length), 2);
  return long;
};

/** With the events and methods of a `WebSocket` of `ws` that a raw client needs. */
export class DeflatingSocket extends EventEmitter {
  #line;
  #deflate = createDeflateRaw();
  #inflate = createInflateRaw();
  #mask = randomBytes(4);
  /** What has come, and is no whole frame yet. */
  #pieces = [];
  #came = 0;
  #needed = 0;
  #isOpen = false;
  #isClosing = false;
  #said = [1006, ''];

  constructor(url) {
    super();
    const {hostname, port, pathname, host} = new URL(url);
    this.#line = connect({host: hostname, port: Number(port), noDelay: true});
    this.#line.on('connect', () => {
      const lines = [
        `GET ${pathname} HTTP/1.1`,
        `Host: ${host}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        `Sec-WebSocket-Extensions: ${OFFER}`,
      ];
      this.#line.write(`${lines.join('\r\n')}\r\n\r\n`);
    });
    this.#line.on('data', (bytes) => this.#take(bytes));
    // Once it is open, the close that follows says enough.
    this.#line.on('error', (error) => this.#isOpen || this.emit('error', error));
    this.#line.on('close', () => {
      this.#deflate.close();
      this.#inflate.close();
      this.emit('close', ...this.#said);
    });
  }

  /** What has come over the line so far, in bytes. */
  get bytesRead() {
    return this.#line.bytesRead;
  }

  get bufferedAmount() {
    return this.#line.writableLength;
  }

  send(text) {
    const bytes = through(this.#deflate, Buffer.from(text));
    this.#write(FIN | COMPRESSED | TEXT, bytes.subarray(0, -TAIL.length));
  }

  close() {
    if (!this.#isClosing) this.#write(FIN | CLOSE, Buffer.alloc(0));
    this.#isClosing = true;
  }

  terminate() {
    this.#line.destroy();
  }

  #write(first, bytes) {
    if (this.#line.destroyed) return;
    const masked = Buffer.allocUnsafe(bytes.length);
    for (let at = 0; at < bytes.length; at++) masked[at] = bytes[at] ^ this.#mask[at & 3];
    this.#line.write(Buffer.concat([header(first, bytes.length), this.#mask, masked]));
  }

  #take(bytes) {
    this.#pieces.push(bytes);
    this.#came += bytes.length;
    if (this.#came < this.#needed) return;
    let rest = this.#pieces.length === 1 ? bytes : Buffer.concat(this.#pieces);
    if (!this.#isOpen) rest = this.#open(rest);
    if (this.#isOpen) rest = this.#frames(rest);
    this.#pieces = [rest];
    this.#came = rest.length;
  }

  #open(bytes) {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return bytes;
    const head = bytes.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101') || !/\nSec-WebSocket-Extensions: *permessage-deflate/i.test(head)) {
      this.emit('error', new Error(`no compression: ${head.split('\r\n')[0]}`));
      this.terminate();
      return bytes;
    }
    this.#isOpen = true;
    this.emit('open');
    return bytes.subarray(end + 4);
  }

  /** Hands on each whole frame, and answers what is left. */
  #frames(bytes) {
    let at = 0;
    for (;;) {
      const here = bytes.length - at;
      if (here < 2) break;
      const short = bytes[at + 1] & 127;
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (here < start) break;
      const length =
        short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      this.#needed = start + length;
      if (here < this.#needed) return bytes.subarray(at);
      this.#frame(bytes[at], bytes.subarray(at + start, at + start + length));
      at += start + length;
    }
    this.#needed = 0;
    return bytes.subarray(at);
  }

  #frame(first, bytes) {
    const kind = first & 15;
    if ((first & FIN) === 0) {
      this.emit('error', new Error('a frame in parts'));
      this.terminate();
    } else if (kind === CLOSE) {
      this.#said = bytes.length < 2 ? [1005, ''] : [bytes.readUInt16BE(0), bytes.toString('utf8', 2)];
      this.close();
      this.#line.end();
    } else if (kind === PING) {
      this.#write(FIN | PONG, bytes);
    } else if (kind === TEXT) {
      const text = first & COMPRESSED ? through(this.#inflate, Buffer.concat([bytes, TAIL])) : bytes;
      this.emit('message', text);
    }
  }
}
