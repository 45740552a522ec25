// One candidate for a step: its signatures, its attestations and their Rego. Top-down, each check with its node.
import { sha256Hex } from '@affidavit/model/digests.ts';
import { payloadSha256 } from '../dsse.ts';
import type { SignersRequest } from '../signers.ts';
import { checkSigners } from '../signers.ts';
import type { Artifacts } from './artifacts.ts';
import { artifactsOf, materialsOf } from './artifacts.ts';
import type { Collection, LoadedAttestation } from './collection.ts';
import type { SignerVerdict } from './functionaries.ts';
import { judgeSigners } from './functionaries.ts';
import type { Policy, PolicyStep } from './policy-model.ts';
import type { RegoContext, RegoGate } from './rego-gate.ts';
import { judgeAttestation } from './rego-gate.ts';
import type { AttestationNode, CollectionNode, TrapNode } from './result.ts';
import type { Candidate, OpenedCollection } from './search.ts';
import { openEnvelope } from './search.ts';
import { collectionTraps, makesProduct } from './strict-collection.ts';
import type { Verdict } from './superseded.ts';
import { saidByCollection, supersededBy } from './superseded.ts';

export interface StepContext extends RegoContext {
	policy: Policy;
	step: PolicyStep;
	/** One per required type, in the policy's order. */
	gates: readonly RegoGate[];
	signers: SignersRequest;
	/** What Affidavit says of its sessions that is not `passed`. */
	verdicts: readonly Verdict[];
	/** Digests that the search began with. */
	subjects: ReadonlySet<string>;
	/** Paths that all collections' materials and artifacts may have together; counts down. */
	paths: { left: number };
	/** The step's materials are compared with others' artifacts, and its artifacts with others' materials. */
	keepMaterials: boolean;
	keepArtifacts: boolean;
}

export interface JudgedCollection {
	node: CollectionNode;
	/** Signed by a functionary, all types there, no denial, and none of strict mode's traps. */
	passed: boolean;
	/** Signed by a functionary, so that its payload was looked at. */
	signed: boolean;
	/** Digests that the search goes on with; empty unless passed. */
	backReferences: string[];
	/** One of them refers to nothing, and strict mode does not follow it. */
	emptyReference: boolean;
	/** A subject of the artifact is something that the step made, by the word of a functionary. */
	makesProduct: boolean;
	materials: Artifacts;
	artifacts: Artifacts;
}

/** Of all collections that steps are linked by: they are held until all are found. */
export const artifactPathsMax = 500_000;

const none: Artifacts = new Map();

export async function judgeCollection(
	{ entry, subject, digest }: Candidate,
	round: number,
	context: StepContext,
): Promise<JudgedCollection> {
	const opened = entry.opened ?? openEnvelope(entry.envelope);
	// A collection is a candidate for one step alone, by its name: what was read of it is not needed again.
	entry.opened = null;
	const node: CollectionNode = {
		envelope: entry.envelope.name,
		payloadSha256: opened.kind === 'collection' ? payloadSha256(opened.envelope) : '',
		accepted: false,
		reason: '',
		matched: { subject, digest, round },
		functionaries: [],
		attestations: [],
		artifacts: [],
		traps: [],
	};
	const rejected: JudgedCollection = {
		node,
		passed: false,
		signed: false,
		backReferences: [],
		emptyReference: false,
		makesProduct: false,
		materials: none,
		artifacts: none,
	};
	if (opened.kind !== 'collection') return { ...rejected, node: { ...node, reason: opened.reason } };
	const { step, mode } = context;
	const signed = judgeEnvelope(opened, context);
	node.functionaries = signed.nodes;
	node.traps.push(...signed.traps);
	// Without a functionary's signature nothing of the payload is looked at.
	if (!signed.accepted) {
		node.reason = signed.reason;
		return rejected;
	}
	const { statement } = opened;
	if (mode === 'strict') node.traps.push(...strictTraps(opened, context));
	node.attestations = await judgeAttestations(statement.collection, context);
	node.reason = collectionReason(node.attestations, node.traps, step);
	const made = makesProduct(statement, context.subjects);
	if (node.reason !== '') return { ...rejected, signed: true, makesProduct: made };
	const materials = context.keepMaterials ? materialsOf(statement.collection) : none;
	const artifacts = context.keepArtifacts ? artifactsOf(statement.collection) : none;
	context.paths.left -= materials.size + artifacts.size;
	if (context.paths.left < 0) {
		node.reason = `more than ${artifactPathsMax} materials and products to compare between steps`;
		return { ...rejected, signed: true, makesProduct: made };
	}
	node.accepted = true;
	node.reason = signed.reason;
	const references = backReferencesOf(statement.collection);
	const backReferences = mode === 'strict' ? references.filter((digest) => !isEmpty(digest)) : references;
	const emptyReference = backReferences.length < references.length;
	return { node, passed: true, signed: true, backReferences, emptyReference, makesProduct: made, materials, artifacts };
}

function judgeEnvelope({ envelope }: OpenedCollection, { signers, step, policy, mode }: StepContext): SignerVerdict {
	const checks = checkSigners(envelope, signers);
	const signed = judgeSigners(checks, envelope, step, policy, mode);
	const certificates = checks.filter((check) => check.kind === 'certificate');
	if (signed.accepted || mode === 'witness' || certificates.length === 0) return signed;
	// Would the real engine have taken the timestamp, or the certificate's key? Then strict mode says what it refuses.
	const lenient = checkSigners(envelope, { ...signers, lenient: true });
	if (!judgeSigners(lenient, envelope, step, policy, mode).accepted) return signed;
	const timed = certificates.some(({ atMs }) => !Number.isNaN(atMs));
	const trap: TrapNode = timed
		? { code: 'weak-key', message: "the certificate's key is too short: P-224, or RSA below 2048 bits" }
		: { code: 'odd-timestamp', message: signed.reason };
	return { ...signed, reason: trap.message, traps: [...signed.traps, trap] };
}

function strictTraps(
	{ envelope, statement, ambiguity }: OpenedCollection,
	{ verdicts, signers }: StepContext,
): TrapNode[] {
	const traps = collectionTraps(envelope.payloadType, statement, ambiguity);
	const said = saidByCollection(statement);
	const message = said?.verdict === 'passed' ? supersededBy(said, verdicts, signers) : '';
	if (message !== '') traps.push({ code: 'verdict-not-passed', message });
	return traps;
}

async function judgeAttestations(collection: Collection, context: StepContext): Promise<AttestationNode[]> {
	const nodes: AttestationNode[] = [];
	for (const gate of context.gates) {
		const { type } = gate.required;
		let found = false;
		// Every attestor of the type: a good one beside an evil one does not hide it.
		for (const [index, attestation] of collection.attestations.entries()) {
			if (attestation.type !== type) continue;
			found = true;
			nodes.push(await judgeAttestation(gate, attestation, index, context));
		}
		if (!found) {
			const reason = `missing attestation in collection for step ${context.step.name}: ${type}`;
			nodes.push({ type, index: -1, accepted: false, reason, rules: [] });
		}
	}
	return nodes;
}

/** '' when nothing is against it. */
function collectionReason(
	attestations: readonly AttestationNode[],
	traps: readonly TrapNode[],
	step: PolicyStep,
): string {
	const reasons: string[] = [];
	if (step.attestations.length === 0)
		reasons.push(`step ${step.name} declares no required attestations; an empty attestations list is not a valid gate`);
	for (const { accepted, reason } of attestations) if (!accepted) reasons.push(reason);
	for (const { message } of traps) reasons.push(message);
	return [...new Set(reasons)].slice(0, reasonsShownMax).join('; ');
}

const reasonsShownMax = 5;

const digestOfNothing = sha256Hex('');
const isEmpty = (digest: string): boolean => digest === '' || digest === digestOfNothing;

/** A later attestor of the same type and reference stands for an earlier one, as in the real engine. */
function backReferencesOf({ attestations }: Collection): string[] {
	const byName = new Map<string, string[]>();
	for (const { type, attestor, about } of attestations as readonly LoadedAttestation[])
		for (const [name, digests] of about.backReferences?.(attestor) ?? [])
			byName.set(`${type}/${name}`, Object.values(digests));
	return [...byName.values()].flat();
}
