// A policy for people: `policy show`.
import { parsePublicKey } from '@affidavit/attest/keys.ts';
import { parseCertificate } from '@affidavit/attest/x509/parse.ts';
import { clipped, printable } from '../text/printable.ts';
import { table } from '../text/table.ts';
import { shortType } from '../verify/policy-tree.ts';
import type {
	CertConstraint,
	PolicyDocument,
	PolicyFunctionary,
	PolicyRoot,
	PolicyStep,
	RequiredAttestation,
} from './document.ts';

export interface Described {
	form: 'signed' | 'json' | 'source';
	/** Of the payload, hex. */
	sha256: string;
	/** Key ids that the signatures name. */
	signedBy: string[];
	/** null: nobody asked. */
	signatureHolds: boolean | null;
	document: PolicyDocument;
}

const textCharsMax = 200;
const show = (text: string): string => clipped(text, textCharsMax);

export function describePolicy({ form, sha256, signedBy, signatureHolds, document }: Described): string {
	const signature = form === 'signed' ? signatureText(signedBy, signatureHolds) : `none (${formText[form]})`;
	const head = table([
		['expires', show(document.expires) || 'nothing is said: Witness takes it for expired'],
		['signature', signature],
		['sha256', sha256],
	]);
	return [
		head,
		section(
			'keys',
			document.publickeys.map(({ keyid, key }) => [show(keyid), keyText(key)]),
		),
		section('roots', document.roots.map(rootRow)),
		section('timestamp authorities', document.timestampauthorities.map(rootRow)),
		...document.steps.map(stepText),
	]
		.filter((text) => text !== '')
		.join('\n');
}

const formText = { json: "Witness's JSON, unsigned", source: 'a source, unsigned', signed: 'signed' } as const;

function signatureText(signedBy: readonly string[], holds: boolean | null): string {
	const by = signedBy.map((id) => show(id) || 'a key without id').join(', ');
	if (holds === null) return `by ${by}; not checked: --policy-key checks it`;
	return holds ? `by ${by}; it holds` : `by ${by}; DOES NOT HOLD under the given keys`;
}

const section = (title: string, rows: string[][]): string =>
	rows.length === 0 ? '' : `${title}\n${table(rows, '  ')}`;

function keyText(key: Buffer): string {
	const parsed = parsePublicKey(key.toString('utf8'), 'key');
	if (parsed.kind === 'invalid') return printable(parsed.reason);
	const { asymmetricKeyType, asymmetricKeyDetails } = parsed.key;
	return asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType ?? 'unknown';
}

function rootRow({ id, certificate, intermediates }: PolicyRoot): string[] {
	const parsed = parseCertificate(certificate);
	const subject =
		parsed.kind === 'invalid'
			? printable(parsed.reason)
			: `${show(parsed.certificate.subject)}, until ${new Date(parsed.certificate.notAfterMs).toISOString().slice(0, 10)}`;
	return [show(id), subject, intermediates.length === 0 ? '' : `${intermediates.length} intermediates`];
}

function stepText(step: PolicyStep): string {
	const rows: string[][] = [];
	const add = (label: string, lines: readonly string[]): void => {
		for (const [i, line] of lines.entries()) rows.push([i === 0 ? label : '', line]);
	};
	add('signed by', step.functionaries.map(functionaryText));
	add('requires', step.attestations.map(requiredText));
	add('asks of traces', step.traces.map(requiredText));
	add('materials from', step.artifactsFrom.map(show));
	return `step ${show(step.name)}\n${table(rows, '  ')}`;
}

function requiredText({ type, regopolicies }: RequiredAttestation): string {
	const rules = regopolicies.map(
		({ name, required }) =>
			`${show(name)}${required === undefined ? '' : required ? ' (required)' : ' (not required)'}`,
	);
	return `${show(shortType(type))}${rules.length === 0 ? '' : `, unless denied by ${rules.join(', ')}`}`;
}

function functionaryText({ publickeyid, certConstraint }: PolicyFunctionary): string {
	if (certConstraint.roots.length === 0) return `key ${show(publickeyid)}`;
	return `a certificate below ${certConstraint.roots.map(show).join(', ')}: ${constraintText(certConstraint)}`;
}

function constraintText({ commonname, dnsnames, emails, organizations, uris, extensions }: CertConstraint): string {
	const lists: [string, readonly string[]][] = [
		['common name', [commonname]],
		['DNS names', dnsnames],
		['emails', emails],
		['organizations', organizations],
		['URIs', uris],
	];
	const said = lists
		.filter(([, list]) => !(list.length === 1 && list[0] === '*'))
		.map(
			([name, list]) =>
				`${name} ${
					list
						.filter((text) => text !== '')
						.map(show)
						.join(', ') || 'none'
				}`,
		);
	return [...said, ...extensions.map(([name, glob]) => `${show(name)} ${show(glob)}`)].join('; ') || 'any name';
}
