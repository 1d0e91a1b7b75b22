// What is counted: apps as they are used, each in parts that are played once and happen so many times a month.
import {board} from './board.mjs';
import {form} from './form.mjs';
import {list} from './list.mjs';
import {rooms} from './rooms.mjs';

export const apps = {list, board, form, rooms};
