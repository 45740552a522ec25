// The policy source that `policy init` writes: YAML with comments, Rego beside it, cases to try it with. Pure.
import { dirname, relative } from 'node:path';
import { publicKeyPem } from '@affidavit/attest/keys.ts';
import {
	commandRunType,
	gitType,
	materialType,
	productType,
	runtimeTracePredicateType,
} from '@affidavit/attest/type-uris.ts';
import { stringify } from 'yaml';
import { clipped, printable } from '../text/printable.ts';
import { egressOf, egressRego } from './init-egress.ts';
import { artifactsFrom } from './init-links.ts';
import { type IsMaker, type Programs, programsOf, programsRego } from './init-programs.ts';
import type { GoodBuild } from './init-session.ts';

export interface InitRequest {
	builds: readonly GoodBuild[];
	/** RFC 3339. */
	expires: string;
	/** Absolute folder that the files go to. */
	dir: string;
	isMaker: IsMaker;
}

export interface WrittenPolicy {
	/** By name below the folder, in the order in which they are to be read. */
	files: Map<string, string>;
	steps: string[];
	/** What the writer of the policy should look at. */
	notes: string[];
}

export function policySource({ builds, expires, dir, isMaker }: InitRequest): WrittenPolicy {
	const steps = byStep(builds);
	const files = new Map<string, string>();
	const notes: string[] = [];
	const stepTexts: string[] = [];
	const taken = new Set<string>();
	for (const [name, ofStep] of steps) {
		const base = fileBase(name, taken);
		const programs = programsOf(ofStep, isMaker);
		const egress = egressOf(ofStep);
		const rules: Rules = { programs: null, egress: null, artifactsFrom: artifactsFrom(name, steps) };
		if (typesOf(ofStep).includes(commandRunType)) {
			rules.programs = `${base}.programs.rego`;
			files.set(rules.programs, programsRego(programs));
		}
		if (ofStep.every(({ trace }) => trace !== null)) {
			rules.egress = { file: `${base}.egress.rego`, active: egress.length > 0 };
			files.set(rules.egress.file, egressRego(egress));
		}
		notes.push(...notesOf(name, programs, ofStep, rules));
		stepTexts.push(stepYaml(name, ofStep, rules));
	}
	const source = [head(builds), expiryYaml(expires), keysYaml(builds), `steps:\n${stepTexts.join('')}`].join('\n');
	return {
		files: new Map([['policy.yaml', source], ...files, ['policy.test.yaml', casesYaml(builds, dir)]]),
		steps: [...steps.keys()],
		notes,
	};
}

/** Sessions by step, both in order of time. */
function byStep(builds: readonly GoodBuild[]): Map<string, GoodBuild[]> {
	const steps = new Map<string, GoodBuild[]>();
	for (const build of inOrder(builds)) {
		const { name } = build.collection;
		steps.set(name, [...(steps.get(name) ?? []), build]);
	}
	return steps;
}

const inOrder = (builds: readonly GoodBuild[]): GoodBuild[] =>
	[...builds].sort(({ summary: a }, { summary: b }) =>
		a.startedAt < b.startedAt || (a.startedAt === b.startedAt && a.session < b.session) ? -1 : 1,
	);

/** A step may be called anything; its files may not. */
function fileBase(step: string, taken: Set<string>): string {
	const plain =
		step
			.replace(/[^A-Za-z0-9._-]+/g, '_')
			.replace(/^\.+/, '')
			.slice(0, 60) || 'step';
	let base = plain;
	for (let i = 2; taken.has(base); i++) base = `${plain}-${i}`;
	taken.add(base);
	return base;
}

/** Types that every build of the step has, in the order of the first. */
const typesOf = ([first, ...others]: readonly GoodBuild[]): string[] => [
	...new Set(
		(first?.collection.attestations ?? [])
			.map(({ type }) => type)
			.filter((type) => others.every(({ collection }) => collection.attestations.some((a) => a.type === type))),
	),
];

interface Rules {
	programs: string | null;
	/** Active where connections were seen: a build that called nobody is usually verified without its trace at hand. */
	egress: { file: string; active: boolean } | null;
	artifactsFrom: string[];
}

const counted = (programs: number): string => (programs === 1 ? 'one program' : `${programs} programs`);

function notesOf(step: string, programs: Programs, builds: readonly GoodBuild[], { egress }: Rules): string[] {
	const notes: string[] = [];
	const own = programs.own.length + programs.ownPatterns.length;
	if (programs.undigested.length > 0)
		notes.push(
			`step ${step}: ${counted(programs.undigested.length)} ran without a digest: let pass by path, look at "undigested"`,
		);
	if (own > 0) notes.push(`step ${step}: ${counted(own)} made by the build itself: let pass by path, look at "own"`);
	if (builds.some(({ collection }) => collection.affidavit.omitted.processes > 0))
		notes.push(
			`step ${step}: a session's collection does not hold all processes: programs that it left out are not on the list`,
		);
	if (builds.some((build) => build.trace === null))
		notes.push(
			`step ${step}: a session's runtime-trace statement is not there: programs that the build made itself are pinned by digest, connections unknown`,
		);
	if (egress?.active)
		notes.push(
			`step ${step}: ${egress.file} lists whom the build called; it is asked of the session's runtime-trace, which must be among the attestations`,
		);
	return notes;
}

/** A YAML scalar: plain where it can be taken for nothing else. */
const scalar = (text: string): string =>
	/^[A-Za-z][\w.:/-]*\w$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text) ? text : JSON.stringify(text);

const head = (
	builds: readonly GoodBuild[],
): string => `# A Witness policy, made by \`affidavit policy init\` from builds that passed:
${inOrder(builds)
	.map(
		({ summary }) =>
			`#   ${summary.session.slice(0, 12)}  ${summary.startedAt.slice(0, 19)}Z  ${clipped(`${summary.root.binary} ${summary.root.arguments}`, 80)}\n`,
	)
	.join(
		'',
	)}# Change it, then: affidavit policy check, policy test, policy sign (docs/policy.md). Fields are Witness's; keys, certificates and
# Rego stand here as text or as the name of a file beside this one.
`;

const expiryYaml = (expires: string): string => `# After this time the policy accepts nothing.
expires: ${expires}
`;

function keysYaml(builds: readonly GoodBuild[]): string {
	const keys = new Map(builds.map(({ signer }) => [signer.keyId, publicKeyPem(signer.key)]));
	const entries = [...keys]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(
			([id, pem]) =>
				`  ${id}: |\n${pem
					.trimEnd()
					.split('\n')
					.map((line) => `    ${line}\n`)
					.join('')}`,
		);
	return `# Keys that steps may be signed with, by Witness's key id.\npublickeys:\n${entries.join('')}`;
}

const typeComments: ReadonlyMap<string, string> = new Map([
	[gitType, 'the commit; it also ties the steps of one build together'],
	[materialType, 'what was there before the step: sources by path and digest'],
	[commandRunType, 'what ran'],
	[productType, 'what came out: the artifact must be one of these'],
]);

function stepYaml(name: string, builds: readonly GoodBuild[], rules: Rules): string {
	const { programs, egress } = rules;
	const keyIds = [...new Set(builds.map(({ signer }) => signer.keyId))].sort();
	const types = typesOf(builds).map((type) => {
		const comment = typeComments.get(type);
		const rule =
			type === commandRunType && programs !== null
				? `        regopolicies:\n          - name: programs\n            file: ${programs}\n`
				: '';
		return `${comment === undefined ? '' : `      # ${comment}\n`}      - type: ${scalar(type)}\n${rule}`;
	});
	return `  # ${printable(name)}: ${builds.length === 1 ? 'one build' : `${builds.length} builds`} seen
  ${scalar(name)}:
    functionaries:
${keyIds.map((id) => `      - type: publickey\n        publickeyid: ${id}\n`).join('')}    attestations:
${types.join('')}${linksYaml(rules.artifactsFrom)}${tracesYaml(egress)}`;
}

const linksYaml = (steps: readonly string[]): string =>
	steps.length === 0
		? ''
		: `    # What this step read are these steps' products, unchanged.\n    artifactsFrom: [${steps.map(scalar).join(', ')}]\n`;

function tracesYaml(egress: Rules['egress']): string {
	if (egress === null) return '';
	const lines = [
		'traces:',
		`  - type: ${runtimeTracePredicateType}`,
		'    regopolicies:',
		'      - name: egress',
		`        file: ${egress.file}`,
	];
	const why = egress.active
		? '# Whom the build may call. Only `affidavit verify` asks this, of the runtime-trace statement of the same session.'
		: '# No build called anybody. To keep it so, take the # away: `affidavit verify` then wants the runtime-trace statement too.';
	return [why, ...lines.map((line) => (egress.active ? line : `# ${line}`))].map((line) => `    ${line}\n`).join('');
}

/** A product of each build, with the statements of all: the least that the policy must accept. */
function casesYaml(builds: readonly GoodBuild[], dir: string): string {
	// All of them: a policy of several steps wants a build of each.
	const attestations = [...new Set(inOrder(builds).map(({ envelope }) => relative(dir, dirname(envelope))))];
	const cases = inOrder(builds).flatMap(({ summary }) => {
		const product = summary.products.find(({ sha256 }) => sha256 !== null);
		if (!product?.sha256) return [];
		const name = `${printable(product.path)} of session ${summary.session.slice(0, 12)}`;
		return [{ name, artifact: `sha256:${product.sha256}`, attestations, expect: 'accepted' }];
	});
	const absent = [
		{
			name: 'an artifact that nobody built',
			artifact: `sha256:${'0'.repeat(64)}`,
			attestations,
			expect: 'rejected',
		},
	];
	return `# Cases of \`affidavit policy test policy.yaml\`: which artifact must pass with which attestations, and which must not.
# Add the builds that must never pass, each with its reason.
${stringify({ cases: [...cases, ...(cases.length > 0 ? absent : [])] }, { aliasDuplicateObjects: false })}`;
}
