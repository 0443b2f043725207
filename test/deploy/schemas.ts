import { dirname } from 'node:path';
import ts from 'typescript';
import { named, ROOT, type Manifest } from './manifests.js';

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
};
/** Virtual path of the module with the manifests, which determines the packages that it can import. */
const VIRTUAL = `${ROOT}/test/deploy/manifests-as-source.mts`;

/** Cached: the types of Kubernetes and of the compiler do not change between checks. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/**
 * The problems of manifests, one sentence each: unknown and missing fields, wrong types and values, unknown kinds.
 * Kubernetes' schemas are available as types, generated from its OpenAPI document; the compiler rejects every field of
 * a literal that a type does not have, at any depth. A validator checks the rest, such as quantities.
 */
export async function problemsOf(manifests: readonly Manifest[]): Promise<string[]> {
  const found = typeProblems(manifests);
  for (const manifest of manifests) {
    const problem = await valueProblem(manifest);
    if (problem !== undefined) found.push(problem);
  }
  return found;
}

function typeProblems(manifests: readonly Manifest[]): string[] {
  const lines = manifests.map((manifest, index) => {
    const type = `import('${moduleOf(manifest)}').I${manifest.kind}`;
    return `export const m${String(index)}: ${type} = ${JSON.stringify(manifest)};`;
  });
  const program = ts.createProgram([VIRTUAL], OPTIONS, hostWith(lines.join('\n')));
  const source = program.getSourceFile(VIRTUAL);
  if (!source) throw new Error('the compiler did not find the manifests');
  const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  return diagnostics.map(({ start = 0, messageText }) => {
    const manifest = manifests[source.getLineAndCharacterOfPosition(start).line];
    return `${manifest ? named(manifest) : '?'}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

function hostWith(text: string): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS);
  return {
    ...host,
    fileExists: (path) => path === VIRTUAL || host.fileExists(path),
    getSourceFile: (path, version) => {
      if (path === VIRTUAL) return ts.createSourceFile(path, text, version);
      if (!parsed.has(path)) parsed.set(path, host.getSourceFile(path, version));
      return parsed.get(path);
    },
    getCurrentDirectory: () => dirname(VIRTUAL),
  };
}

async function valueProblem(manifest: Manifest): Promise<string | undefined> {
  try {
    const models = (await import(moduleOf(manifest))) as Record<string, ModelClass>;
    const Model = models[manifest.kind];
    if (!Model) return `${named(manifest)}: it is of no known kind`;
    new Model(manifest).validate();
    return undefined;
  } catch (error) {
    return `${named(manifest)}: ${String(error)}`;
  }
}

type ModelClass = new (manifest: Manifest) => { validate(): void };

function moduleOf({ apiVersion, kind }: Manifest): string {
  return `kubernetes-models/${apiVersion}/${kind}`;
}
