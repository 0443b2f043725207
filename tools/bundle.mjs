// Bundles the command with all services into one folder that needs nothing but Node: node tools/bundle.mjs [DIR]
// Prints the folder, which it makes in DIR (dist if absent). Run it on a build.
//
// esbuild splits the code into chunks: a command loads only what it uses, and each module exists once. This needs ES
// modules. A second pass turns the chunks into CommonJS, which Node starts faster.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { version, license, engines } = JSON.parse(readFileSync(join(ROOT, 'cli/package.json'), 'utf8'));
const FOLDER = resolve(process.argv[2] ?? join(ROOT, 'dist'), `enjambre-${version}`);
const LIB = join(FOLDER, 'lib');
const MINIFY = {
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  legalComments: 'none',
};

/** Folders of protos that packages read when they start. */
const PROTOS = ['grpc-health-check/proto', '@grpc/reflection/build/proto/grpc'];
const READS_PROTOS = /node_modules\/((?:grpc-health-check|@grpc\/reflection)\/build\/.*)\/[^/]+\.js$/;

/** Replaces text in modules of others; a text that is missing means that a new version has to be read. */
function replacing(path, ...pairs) {
  let contents = readFileSync(path, 'utf8');
  for (const [text, other] of pairs) {
    if (!contents.includes(text)) throw new Error(`${path}: there is no ${text}`);
    contents = contents.replaceAll(text, other);
  }
  return { contents };
}

const adapt = {
  name: 'adapt',
  setup({ onLoad }) {
    const load = (filter, read) => onLoad({ filter }, ({ path }) => read(path));
    load(/\/libs\/common\/dist\/version\.js$/, () => ({
      contents: `export const VERSION = ${JSON.stringify(version)};`,
    }));
    load(/\/libs\/proto\/dist\/descriptors\.js$/, (path) =>
      replacing(path, ['../descriptors.binpb', './descriptors.binpb']),
    );
    // esbuild splits a CommonJS module off with its default export only; Node finds the names in it.
    load(/\/dist\/.*\.js$/, (path) => {
      if (path.includes('/node_modules/')) return undefined;
      const text = readFileSync(path, 'utf8');
      return {
        contents: text.replaceAll(
          /\bimport\('(?!\.|@enjambre\/)[^']+'\)/g,
          '$&.then((m) => ({ ...m.default, ...m }))',
        ),
      };
    });
    load(READS_PROTOS, (path) => {
      if (!readFileSync(path, 'utf8').includes('__dirname')) return undefined;
      return replacing(path, ['__dirname', `(__dirname + '/protos/${READS_PROTOS.exec(path)[1]}')`]);
    });
    // Of channelz and ORCA, which we do not serve: they would pull protobufjs into every call.
    load(/\/@grpc\/grpc-js\/build\/src\/(channelz|orca)\.js$/, (path) =>
      replacing(path, ["require('@grpc/proto-loader')", '{}']),
    );
    // Runs subcommands that are programs of their own. We have none.
    load(/\/commander\/lib\/command\.js$/, (path) =>
      replacing(path, ["require('node:child_process')", '{}']),
    );
  },
};

async function bundle() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: {
      main: 'cli/dist/main.js',
      'disk.worker': 'services/peer-agent/dist/adapters/disk/disk.worker.js',
    },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outdir: LIB,
    write: false,
    metafile: true,
    logLevel: 'warning',
    plugins: [adapt],
    ...MINIFY,
  });
  for (const { path, text } of outputFiles) writeFileSync(path, await asCommonJs(text));
  return Object.keys(metafile.inputs);
}

async function asCommonJs(module) {
  const { code } = await transform(module, {
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__moduleUrl' },
    ...MINIFY,
  });
  const url = "const __moduleUrl=require('node:url').pathToFileURL(__filename).href;\n";
  return code.includes('__moduleUrl') ? url + code : code;
}

/** The licenses of all packages of which the bundle has code. */
function licensesOf(inputs) {
  const folders = inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const texts = [...new Set(folders)].map((folder) => {
    const {
      name,
      version: its,
      license: kind,
    } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(ROOT, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file ? readFileSync(join(ROOT, folder, file), 'utf8') : `License: ${kind}\n`;
    return { name, text: `${'='.repeat(80)}\n${name} ${its}\n${'='.repeat(80)}\n${text.trimEnd()}\n` };
  });
  return texts
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ text }) => text)
    .join('\n');
}

/** The launcher, with an id of this bundle. */
function launcher() {
  const hash = createHash('sha256');
  for (const name of readdirSync(LIB)
    .filter((each) => each.endsWith('.js'))
    .sort())
    hash.update(name).update(readFileSync(join(LIB, name)));
  const text = readFileSync(join(ROOT, 'deploy/package/launcher.cjs'), 'utf8');
  return text.replace('__BUNDLE__', hash.digest('hex').slice(0, 16));
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(LIB, { recursive: true });
const inputs = await bundle();
cpSync(join(ROOT, 'libs/proto/descriptors.binpb'), join(LIB, 'descriptors.binpb'));
for (const protos of PROTOS)
  cpSync(join(ROOT, 'node_modules', protos), join(LIB, 'protos', protos), { recursive: true });
cpSync(join(ROOT, 'LICENSE'), join(FOLDER, 'LICENSE'));
cpSync(join(ROOT, 'deploy/package/README.md'), join(FOLDER, 'README.md'));
cpSync(join(ROOT, 'deploy/systemd'), join(FOLDER, 'systemd'), { recursive: true });
writeFileSync(join(FOLDER, 'THIRD-PARTY-LICENSES'), licensesOf(inputs));
mkdirSync(join(FOLDER, 'bin'));
writeFileSync(join(FOLDER, 'bin/enjambre'), launcher(), { mode: 0o755 });
const manifest = {
  name: 'enjambre',
  version,
  description: 'Moves large files to many machines at once.',
  license,
  engines,
  bin: { enjambre: 'bin/enjambre' },
};
writeFileSync(join(FOLDER, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
console.log(FOLDER);
