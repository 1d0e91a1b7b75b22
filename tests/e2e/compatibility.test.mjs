// Every line of docs/compatibility.md names tests that show it, and they exist.
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {test} from 'node:test';

test('each line of docs/compatibility.md names tests that there are', async () => {
  const text = await readFile('docs/compatibility.md', 'utf8');
  const isHead = (line) => /^\|[-|]+\|$/.test(line) || line.endsWith('| shown by |');
  const lines = text.split('\n').filter((line) => line.startsWith('|') && !isHead(line));
  assert.ok(lines.length > 20);
  for (const line of lines) {
    const named = [...line.matchAll(/`((?:tests|src)\/[^`]+)`: `([^`]+)`/g)];
    assert.ok(named.length > 0, line);
    for (const [, file, name] of named) {
      const source = await readFile(file, 'utf8');
      const titles = source.split('\n').filter((code) => /\btest\(|\bfn |^forEachPair\(|^ *title: /.test(code));
      assert.ok(titles.some((title) => title.includes(name)), `${file} has no test ${name}`);
    }
  }
});
