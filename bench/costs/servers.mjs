// Whose bills stand side by side.
export const servers = {
  tinyroom: {title: 'Tinyroom', contender: 'tinyroom', settings: {}},
  soon: {title: 'Tinyroom, `KEEP_WITHIN_MS` 100', contender: 'tinyroom', settings: {KEEP_WITHIN_MS: 100}},
  later: {title: 'Tinyroom, `KEEP_WITHIN_MS` 1000', contender: 'tinyroom', settings: {KEEP_WITHIN_MS: 1000}},
  json: {title: 'rival, SQL JSON', contender: 'json', settings: {}},
  fragmented: {title: 'rival, SQL fragmented', contender: 'fragmented', settings: {}},
};
