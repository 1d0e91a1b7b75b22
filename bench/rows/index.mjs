// What is measured, in the order of the table.
import {compression} from './compression.mjs';
import {crowd} from './crowd.mjs';
import {edits} from './edits.mjs';
import {flood} from './flood.mjs';
import {isolate} from './isolate.mjs';
import {join} from './join.mjs';
import {lone} from './lone.mjs';
import {rush} from './rush.mjs';
import {sync} from './sync.mjs';
import {token} from './token.mjs';
import {wake} from './wake.mjs';
import {written} from './written.mjs';

export const rows = {edits, crowd, lone, join, token, rush, wake, sync, written, isolate, flood, compression};
