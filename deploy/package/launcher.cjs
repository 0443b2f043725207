#!/usr/bin/env node
'use strict';
// Old versions of Node must be able to read this file.
var part = process.versions.node.split('.').map(Number);
if (part[0] < 20 || (part[0] === 20 && part[1] < 19)) {
  console.error(
    'enjambre: Node 20.19 or newer is required, this is ' +
      process.versions.node +
      ' (' +
      process.execPath +
      '): install a newer one (https://nodejs.org/en/download), or put it first in PATH',
  );
  process.exit(1);
}
require('../lib/main.js');
