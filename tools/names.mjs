// Cuts the names in a WebAssembly module down, in place: tools/names.mjs <module>. They are for the trace of a trap, where
// what serves is which of the project's own functions stand in it, and how it began. All that the linker leaves, with each
// type and crate hash spelled out, is a tenth of the Worker.
import {readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

const CRATE = 'tinyroom';
/** Beside its own: what JavaScript calls, and where panics and exhausted memory end. */
const entries = /^(room_\w+|fetch|core::panicking::\w+|std::panicking::\w+|alloc::alloc::handle_alloc_error|alloc::raw_vec::\w+)$/;

const HEADER_BYTES = 8;
const CUSTOM_SECTION = 0;
const FUNCTION_NAMES = 1;

/** Where the bracket closes that was opened before `at`. */
const closing = (name, at) => {
  for (let depth = 1; depth > 0 && at < name.length; at++) {
    if (name[at] === '<') depth++;
    // The arrow of a function's type is no bracket.
    if (name[at] === '>' && name[at - 1] !== '-') depth--;
  }
  return at;
};

/** `<a::B<c::D>>::e::<f::G>` without type arguments: `<a::B>::e`. */
const withoutArguments = (name) => {
  const start = name.search(/(?<=[\w}])(::)?</);
  if (start < 0) return name;
  return withoutArguments(name.slice(0, start) + name.slice(closing(name, name.indexOf('<', start) + 1)));
};

const isOwn = (path) => path.startsWith(`${CRATE}::`);

/** The path of a function in the source; nothing where it serves nobody. A path comes out as it is. */
export const pathOf = (name) => {
  const plain = withoutArguments(name.replace(/\[[0-9a-f]+\]/g, '').replace(/( \w+ shim)+$/, ''));
  const [, self, trait = '', rest] = plain.match(/^<(.*?)(?: as (.*?))?>(::[^<>]*)$/) ?? [, plain, '', ''];
  const [type, method] = [self, trait].map((side) => side.replace(/[<>&]/g, ''));
  // A method of a trait is told by whichever of the two is the project's.
  const path = (isOwn(method) && !isOwn(type) ? method : type) + rest;
  return isOwn(path) || entries.test(path) ? path : undefined;
};

/** What the format is made of: numbers of seven bits a byte, and byte strings with their length before them. */
class Reader {
  constructor(bytes) {
    this.rest = bytes;
  }
  bytes(length) {
    const bytes = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return bytes;
  }
  number() {
    const [byte] = this.bytes(1);
    return byte < 128 ? byte : byte - 128 + 128 * this.number();
  }
  string() {
    return this.bytes(this.number());
  }
  /** The sections that are left: of each its id and its contents. */
  *sections() {
    while (this.rest.length > 0) yield [this.number(), this.string()];
  }
}

const number = (value) => (value < 128 ? [value] : [128 + (value % 128), ...number(Math.floor(value / 128))]);
const string = (bytes) => Buffer.concat([Buffer.from(number(bytes.length)), bytes]);
const section = (id, contents) => Buffer.concat([Buffer.of(id), string(contents)]);

/** What a section is named, where it has a name: a custom one. */
const nameOf = (id, contents) => (id === CUSTOM_SECTION ? new Reader(contents).string().toString() : undefined);

/** Index and name of each function that has one in this module. */
export const functionNames = (module) => {
  const names = [];
  for (const [id, contents] of new Reader(module.subarray(HEADER_BYTES)).sections()) {
    if (nameOf(id, contents) !== 'name') continue;
    const reader = new Reader(contents);
    reader.string();
    for (const [kind, list] of reader.sections()) {
      const reader = new Reader(list);
      if (kind !== FUNCTION_NAMES) continue;
      for (let left = reader.number(); left > 0; left--) names.push([reader.number(), reader.string().toString()]);
    }
  }
  return names;
};

/** The module with the paths of functions that serve somebody in place of all names. */
export const withPaths = (module) => {
  const paths = functionNames(module)
    .map(([index, name]) => [index, pathOf(name)])
    .filter(([, path]) => path !== undefined)
    .map(([index, path]) => Buffer.concat([Buffer.from(number(index)), string(Buffer.from(path))]));
  const list = Buffer.concat([Buffer.from(number(paths.length)), ...paths]);
  const sections = [...new Reader(module.subarray(HEADER_BYTES)).sections()]
    .filter(([id, contents]) => nameOf(id, contents) !== 'name')
    .map(([id, contents]) => section(id, contents));
  const names = Buffer.concat([string(Buffer.from('name')), section(FUNCTION_NAMES, list)]);
  return Buffer.concat([module.subarray(0, HEADER_BYTES), ...sections, section(CUSTOM_SECTION, names)]);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2];
  writeFileSync(file, withPaths(readFileSync(file)));
}
