// A Witness policy as the commands look at it: read leniently, so that what is wrong can be said with its place.
import { isObject, typeName } from '@affidavit/attest/statement.ts';
import { type Fields, fieldsOf } from './fields.ts';

export interface PolicyDocument {
	/** As written; '' when there is none. */
	expires: string;
	publickeys: PolicyKey[];
	roots: PolicyRoot[];
	timestampauthorities: PolicyRoot[];
	steps: PolicyStep[];
}

export interface PolicyKey {
	/** Name in the policy's map. */
	id: string;
	keyid: string;
	key: Buffer;
}

export interface PolicyRoot {
	id: string;
	certificate: Buffer;
	intermediates: Buffer[];
}

export interface PolicyStep {
	/** Name in the policy's map. */
	id: string;
	name: string;
	functionaries: PolicyFunctionary[];
	attestations: RequiredAttestation[];
	/** Ours; Witness ignores it: rules on Affidavit's own statements about the collection's session. */
	traces: RequiredAttestation[];
	artifactsFrom: string[];
}

export interface PolicyFunctionary {
	type: string;
	publickeyid: string;
	certConstraint: CertConstraint;
}

export interface CertConstraint {
	commonname: string;
	dnsnames: string[];
	emails: string[];
	organizations: string[];
	uris: string[];
	roots: string[];
	/** Fulcio's extensions: name and glob. */
	extensions: [string, string][];
}

export interface RequiredAttestation {
	type: string;
	regopolicies: RegoModule[];
}

export interface RegoModule {
	name: string;
	text: string;
	/** Ours; Witness ignores it. */
	required: boolean | undefined;
}

/** Something that is not as a policy has it. */
export interface ReadProblem {
	/** steps.build.attestations[0].type */
	place: string;
	message: string;
	/** A field that Witness ignores; else the value is of the wrong kind. */
	ignored: boolean;
}

export interface ReadDocument {
	document: PolicyDocument;
	problems: ReadProblem[];
}

/** Most entries of any list or map of a policy that are looked at. */
export const entriesMax = 10_000;

/** Reads the JSON value of a policy. Never refuses: what cannot be read is a problem, and absent in the document. */
export function readDocument(value: unknown): ReadDocument {
	const problems: ReadProblem[] = [];
	const policy = fieldsOf(value, '', problems);
	const document: PolicyDocument = {
		expires: policy.text('expires'),
		publickeys: policy.map('publickeys', (key, id) => ({ id, keyid: key.text('keyid'), key: key.bytes('key') })),
		roots: policy.map('roots', readRoot),
		timestampauthorities: policy.map('timestampauthorities', readRoot),
		steps: policy.map('steps', readStep),
	};
	policy.done();
	return { document, problems };
}

const readRoot = (root: Fields, id: string): PolicyRoot => ({
	id,
	certificate: root.bytes('certificate'),
	intermediates: root.bytesList('intermediates'),
});

const readStep = (step: Fields, id: string): PolicyStep => ({
	id,
	name: step.text('name'),
	functionaries: step.list('functionaries', readFunctionary),
	attestations: step.list('attestations', readAttestation),
	traces: step.list('traces', readAttestation),
	artifactsFrom: step.texts('artifactsFrom'),
});

const readAttestation = (attestation: Fields): RequiredAttestation => ({
	type: attestation.text('type'),
	regopolicies: attestation.list('regopolicies', (module) => ({
		name: module.text('name'),
		text: module.utf8('module'),
		required: module.flag('required'),
	})),
});

function readFunctionary(functionary: Fields): PolicyFunctionary {
	return {
		type: functionary.text('type'),
		publickeyid: functionary.text('publickeyid'),
		certConstraint: functionary.object('certConstraint', (constraint) => ({
			commonname: constraint.text('commonname'),
			dnsnames: constraint.texts('dnsnames'),
			emails: constraint.texts('emails'),
			organizations: constraint.texts('organizations'),
			uris: constraint.texts('uris'),
			roots: constraint.texts('roots'),
			extensions: constraint.textMap('extensions'),
		})),
	};
}

/** The JSON value of a policy's text, or why it is none. */
export function parsePolicyJson(text: string): { kind: 'value'; value: unknown } | { kind: 'invalid'; reason: string } {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		return { kind: 'invalid', reason: `expected JSON: ${(cause as Error).message}` };
	}
	if (!isObject(value)) return { kind: 'invalid', reason: `expected a JSON object, found ${typeName(value)}` };
	return { kind: 'value', value };
}
