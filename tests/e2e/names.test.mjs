// What a trap tells in the log: the functions of the project through which it came.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {functionNames, pathOf, withPaths} from '../../tools/names.mjs';

const built = readFileSync('build/index_bg.wasm');

/** Calls an export of the built module, in a world that answers nothing. */
const call = (name, ...parameters) => {
  const module = new WebAssembly.Module(built);
  const imports = {};
  for (const {module: from, name, kind} of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === 'tag' ? WebAssembly.JSTag : () => 0;
  }
  new WebAssembly.Instance(module, imports).exports[name](...parameters);
};

test('a function is named by its path in the source, and only where that serves', () => {
  for (const [name, path] of [
    ['<tinyroom[98dde7f841143e6d]::room::Room>::apply', 'tinyroom::room::Room::apply'],
    ['tinyroom[98dde7f841143e6d]::store::merge::merge_cell', 'tinyroom::store::merge::merge_cell'],
    ['tinyroom[1]::a::b::<tinyroom[1]::C<u8>, fn(u8) -> core[2]::D<u8>>', 'tinyroom::a::b'],
    ['<tinyroom[1]::a::B<u8>>::c::<u8>::{closure#0}', 'tinyroom::a::B::c::{closure#0}'],
    ['<&tinyroom[1]::wire::WireError as core[2]::fmt::Display>::fmt', 'tinyroom::wire::WireError::fmt'],
    ['<alloc[2]::string::String as tinyroom[1]::settings::Setting>::set', 'tinyroom::settings::Setting::set'],
    ['<tinyroom[1]::a::b::{closure#0} as core[2]::FnOnce<(u8,)>>::call_once', 'tinyroom::a::b::{closure#0}::call_once'],
    ['room_fetch externref shim multivalue shim', 'room_fetch'],
    ['core[c5930c85a12de822]::panicking::panic_fmt', 'core::panicking::panic_fmt'],
    ['alloc[3]::alloc::handle_alloc_error', 'alloc::alloc::handle_alloc_error'],
    ['<alloc[3]::vec::Vec<tinyroom[1]::room::Output>>::grow', undefined],
    ['core[2]::slice::sort::quicksort::<tinyroom[1]::store::Place, <u8 as core[2]::cmp::PartialOrd>::lt>', undefined],
    ['__wbg_room_free', undefined],
  ]) {
    assert.equal(pathOf(name), path, name);
    if (path !== undefined) assert.equal(pathOf(path), path, path);
  }
});

test('what is built names the functions of the project and where panics begin, and no others', () => {
  const names = functionNames(built).map(([, name]) => name);
  for (const name of [
    'tinyroom::room::Room::handle',
    'tinyroom::store::merge::merge_cell',
    'tinyroom::worker::object::Shell::carry_out',
    'room_message',
    'core::panicking::panic_fmt',
  ]) {
    assert.ok(names.includes(name), `${name} is not among ${names.length} names`);
  }
  assert.deepEqual(names.filter((name) => pathOf(name) !== name), []);
  assert.ok(withPaths(built).equals(built), 'cutting down the names again changes the module');
});

test('a trap tells through which functions it came', () => {
  const nowhere = 1 << 20;
  for (const entry of ['room_message', 'room_fetch']) {
    assert.throws(
      () => call(entry, nowhere, null, null),
      ({stack}) => stack.includes(`at ${entry} (wasm`) && stack.includes('at tinyroom::worker::'),
      entry,
    );
  }
});
