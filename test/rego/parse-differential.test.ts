// Modules with a mistake put in at random are refused by our parser where OPA's refuses them, and accepted where it accepts them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem } from '@affidavit/rego/errors.ts';
import { parseModule } from '@affidavit/rego/syntax/parse.ts';
import { openOpa } from '../interop/opa.ts';
import { brokenModules } from './mistakes.ts';
import { runOpa } from './opa-run.ts';
import { loadPublishedCases, type PublishedCases, type Version } from './published-cases.ts';

const opa = openOpa();
const published = loadPublishedCases();
const skip = opa.kind === 'absent' ? opa.reason : published.kind === 'absent' ? published.reason : false;
const modulesPerVersion = Number(process.env['AFFIDAVIT_REGO_MODULES'] ?? 400);
const seed = Number(process.env['AFFIDAVIT_REGO_SEED'] ?? 1);
const moduleLengthMax = 1_500;

function sourcesOf(cases: PublishedCases, version: Version): string[] {
	if (cases.kind === 'absent') return [];
	const modules = cases.cases.filter((c) => c.version === version).flatMap((c) => c.modules);
	// What belongs to OPA's second version of the language is refused here whatever the mistake.
	return modules.filter((text) => text.length < moduleLengthMax && !/keywords\.(and|or|not)|rego\.v2/.test(text));
}

/** Names of the files that OPA does not parse. */
function refusedByOpa(folder: string, files: Record<string, string>, version: Version): Set<string> {
	const compatibility = version === 'v0' ? ['--v0-compatible'] : [];
	const { stdout, stderr } = runOpa(folder, files, ['check', '--format', 'json', ...compatibility, '.']);
	const printed = JSON.parse(stdout || stderr) as { errors?: { code?: string; location?: { file?: string } }[] };
	const parseErrors = (printed.errors ?? []).filter(({ code }) => code === 'rego_parse_error');
	return new Set(parseErrors.map(({ location }) => location?.file ?? ''));
}

/** OPA knows its built-ins when it parses, and takes (x) = 1 for a rule without a name; neither is worth copying. */
const tolerated = [/^expected a rule, found \($/];

for (const version of ['v0', 'v1'] as const) {
	test(`mistakes at random in ${version} modules: the same verdict as opa`, { skip }, () => {
		assert.ok(opa.kind === 'opa');
		const modules = brokenModules(sourcesOf(published, version), modulesPerVersion, seed);
		const files = Object.fromEntries(modules.map((text, i) => [`m${i}.rego`, text]));
		const refused = refusedByOpa(opa.folder, files, version);
		assert.ok(refused.size > 0 && refused.size < modules.length);
		const different: string[] = [];
		for (const [name, text] of Object.entries(files)) {
			const parsed = parseModule({ name, text }, { version });
			const problems = parsed.kind === 'invalid' ? parsed.problems : [];
			if (
				problems.some(({ code, message }) => code === 'unsupported' || tolerated.some((known) => known.test(message)))
			)
				continue;
			if (problems.length > 0 !== refused.has(name))
				different.push(`${problems.map(describeProblem).join('\n') || 'accepted'}\n${text}`);
		}
		// One in a hundred: built-ins' names as rules, and the like.
		assert.ok(different.length <= modules.length / 100, different.join('\n-----\n'));
	});
}
