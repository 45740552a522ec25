import type { RegoEngine } from '@affidavit/attest/policy/rego-engine.ts';

/** Loads the one that is asked for. `path`: the PATH to look for `opa` on; throws CliError('usage') when there is none. */
export async function openRegoEngine(name: 'affidavit' | 'opa', path: string): Promise<RegoEngine> {
	if (name === 'affidavit') return (await import('@affidavit/rego/rego.ts')).createRegoEngine();
	return (await import('./opa/engine.ts')).openOpaEngine(path);
}
