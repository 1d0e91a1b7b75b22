// What an earlier server was told: a bit of everything that a store of its version can hold.

/** A lone surrogate, and what JSON escapes: ids and values that are easily lost on the way. */
export const awkward = '"\\\n\ud800';

const ids = ['', '0', '-1', 't', 'v', 'store', 'a b', '😀é', awkward];

/** Edits on a store, each for a transaction of its own. Some persisters can save no more than 128 nodes at once. */
export const edits = (version) => {
  const major = parseInt(version);
  const list = [
    // What is there by default has no HLC.
    (store) => store.setDefaultContent([{defaults: {row: {cell: 'by default'}}}, {'by default': true}]),
    (store) => store.setTable('pets', {fido: {kind: 'dog', age: 3}, felix: {kind: 'cat'}}).setRow('gone', 'row', {cell: 1}),
    (store) => store.setRow('kinds', 'row', {zero: 0, half: -0.5, huge: 1e21, tiny: 1e-7, no: false, empty: ''}),
    (store) => store.setRow('kinds', 'texts', {awkward, flag: '🇨🇭', separator: '\u2028', null: 'null'}),
    (store) => store.setPartialValues({open: true, late: 1, text: awkward, again: 1}),
    (store) => ids.forEach((id) => store.setCell(id, id, id, 1).setValue(id, 2)),
    // The same nodes once more.
    (store) => store.setCell('pets', 'fido', 'age', 4).setValue('again', 2),
    (store) => store.delCell('pets', 'fido', 'age', true).delTable('gone').delValue('late'),
  ];
  if (major >= 7) {
    list.push((store) => store.setRow('kinds', 'nulls', {nothing: null, something: 1}).setValue('nothing', null));
  }
  if (major >= 8) {
    list.push((store) => store.setRow('kinds', 'objects', {object: {a: [1, {b: '"]}'}], '': null}, array: [[], {}]}));
    list.push((store) => store.setValue('object', {deep: ['\\', '"']}));
  }
  if (major >= 10) {
    list.push((store) => ['__proto__', 'constructor'].forEach((id) => store.setCell(id, id, id, 1).setValue(id, 2)));
  }
  for (let start = 0; start < 300; start += 30) {
    list.push((store) => {
      for (let row = start; row < start + 30; row++) store.setRow('many', `row ${row}`, {number: row, text: `${row}`});
    });
  }
  return list;
};
