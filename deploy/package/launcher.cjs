#!/usr/bin/env node
'use strict';
// Starts the bundle. Compiling the code takes half of the time of a small command, so the result is kept in the user's
// cache folder. (Node's own cache of compiled code begins with 22.1, and is for all users of a machine in /tmp.) Old versions of Node must be able to read this file.
const fs = require('fs');
const path = require('path');
const v8 = require('v8');
const vm = require('vm');

/** Differs between bundles: V8 compares code with a cached result only by its length. */
const BUNDLE = '__BUNDLE__';
const LIB = path.join(__dirname, '..', 'lib');
/** A service that runs longer than this leaves nothing in the cache. */
const SHORT_SECONDS = 30;

const nodeVersion = process.versions.node.split('.').map(Number);
if (nodeVersion[0] < 20 || (nodeVersion[0] === 20 && nodeVersion[1] < 19)) {
  console.error(
    `enjambre: Node 20.19 or newer is required, this is ${process.versions.node} (${process.execPath}): install a newer one (https://nodejs.org/en/download), or put it first in PATH`,
  );
  process.exit(1);
}

const modules = new Map();
/** Compiled code of the bundle by module: from the cache, and of this process. */
const cacheFile = fileOfCache();
const cached = readCache();
const compiled = new Map();

/** The cache of this user for this bundle and Node; empty if there can be none. */
function fileOfCache() {
  const own = process.env.XDG_CACHE_HOME || '';
  const base = own || process.env.HOME || '';
  try {
    // As root with the home folder of another user, nothing is left there that he could not remove.
    if (!path.isAbsolute(base) || fs.statSync(base).uid !== process.getuid()) return '';
  } catch {
    return '';
  }
  return path.join(base, own ? '' : '.cache', 'enjambre', `${BUNDLE}-${process.version}-${process.arch}`);
}

function readCache() {
  if (cacheFile === '') return new Map();
  try {
    const { uid, mode } = fs.lstatSync(cacheFile);
    // Code that others could have written is not trusted.
    if (uid !== process.getuid() || (mode & 0o022) !== 0) return new Map();
    const codes = v8.deserialize(fs.readFileSync(cacheFile));
    return codes instanceof Map ? codes : new Map();
  } catch {
    return new Map();
  }
}

function load(id) {
  if (!id.startsWith('./')) return require(id);
  const known = modules.get(id);
  if (known) return known.exports;
  const module = { exports: {} };
  modules.set(id, module);
  const filename = path.join(LIB, id);
  const code = `(function(exports,require,module,__filename,__dirname){${fs.readFileSync(filename, 'latin1')}\n})`;
  const cachedData = cached.get(id);
  const script = new vm.Script(code, { filename, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) compiled.set(id, script);
  script.runInThisContext()(module.exports, load, module, filename, LIB);
  return module.exports;
}

function saveCache() {
  if (cacheFile === '' || compiled.size === 0 || process.uptime() > SHORT_SECONDS) return;
  try {
    for (const [id, script] of compiled) cached.set(id, script.createCachedData());
    fs.mkdirSync(path.dirname(cacheFile), { recursive: true, mode: 0o700 });
    const part = `${cacheFile}.${process.pid}`;
    fs.writeFileSync(part, v8.serialize(cached), { mode: 0o600, flag: 'wx' });
    fs.renameSync(part, cacheFile);
  } catch {
    // A full or read-only disk: the command has done its work.
  }
}

process.on('exit', saveCache);
load('./main.js');
