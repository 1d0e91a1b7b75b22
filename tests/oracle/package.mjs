// One TinyBase package, of a version chosen by name, behind the functions that its own synchronizer calls.

import {START, setClock} from './clock.mjs';
import {printWire, readWireByReviver, readWireByWalk} from './wire-text.mjs';

export {START, setClock};

export const VERSIONS = ['5.0', '5.3', '5.4', '6.7', '7.3', '8.5', '9.7', '10.0'];
export const NEWEST = '10.0';

export const packageName = (version) => (version == NEWEST ? 'tinybase' : `tinybase-${version}`);

export const loadPackage = async (version) => {
  const name = packageName(version);
  const {createMergeableStore} = await import(`${name}/mergeable-store`);
  const {createCustomSynchronizer} = await import(`${name}/synchronizers`);
  const {getHash} = await import(`${name}/common`);
  const readWire = Number(version) < 7 ? readWireByReviver : readWireByWalk;

  // From 8.0 a store keeps objects and arrays as U+FFFD strings, and its synchronizer takes them from it in that form
  // through the members of `__`. From 9.3 it also hands them in that way; before, what came from the wire went in by
  // the public function, which leaves such a string as it is.
  const persistence = (store) => {
    const hidden = store.__ ?? [];
    return {
      getContent: hidden[1] ?? store.getMergeableContent,
      getChanges: hidden[2] ?? store.getTransactionMergeableChanges,
      setContent: hidden[3] ?? store.setMergeableContent,
      applyChanges: hidden[4] ?? store.applyMergeableChanges,
    };
  };

  // What a ContentDiff does on its arrival. 9.3 and later drop the change whole, and say nothing, when any of its
  // stamps is not valid or more than five minutes in the future. Without the closing 1 it replaces the content.
  const merge = (store, change) => {
    const {applyChanges, setContent} = persistence(store);
    if (!Array.isArray(change?.[0])) {
      throw new Error('not a mergeable change');
    }
    (change[2] === 1 ? applyChanges : setContent)(change);
  };

  // The change that a synchronizer broadcasts for what `act` does to the store in one transaction, or undefined.
  const edit = (store, act) => {
    const {getChanges} = persistence(store);
    let broadcast;
    const listener = store.addDidFinishTransactionListener(() => {
      // 5.4 and later take whether to add the hashes; a synchronizer wants none.
      const changes = getChanges(false);
      const [[tables], [values]] = changes;
      if (Object.keys(tables).length || Object.keys(values).length) {
        broadcast = changes;
      }
    });
    try {
      store.transaction(act);
    } finally {
      store.delListener(listener);
    }
    return broadcast;
  };

  // 5.x exports no hash function, but hashes the stamp of an empty container as it is, whatever it says. (It has no
  // hash for the empty text there, since an empty stamp counts as none.)
  const hash =
    getHash ??
    ((text) => {
      if (text == '') {
        throw new Error('this version cannot hash an empty text');
      }
      const store = createMergeableStore('hash');
      store.applyMergeableChanges([[{}], [{}, text], 1]);
      return store.getMergeableContentHashes()[1];
    });

  return {
    name,
    version,
    createStore: (uniqueId) => createMergeableStore(uniqueId),
    createCustomSynchronizer,
    hash,
    readWire,
    printWire,
    merge,
    edit,
    getContent: (store) => persistence(store).getContent(),
  };
};
