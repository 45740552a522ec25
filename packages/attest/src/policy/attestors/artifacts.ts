// What tools say of what was built: images, manifests, bills of materials, provenance, scans.

import type { DigestSet } from '../digest-set.ts';
import {
	any,
	bool,
	bytes,
	digests,
	float32,
	int32,
	int64,
	list,
	map,
	object,
	pointer,
	raw,
	struct,
	text,
	time,
} from '../go-shape.ts';
import type { Attestor, AttestorType, Subjects } from './attestor.ts';
import { digestOfText, digestsOf, listOf, textOf } from './attestor.ts';

const resourceDescriptor = struct({
	'name?': text,
	'uri?': text,
	'digest?': map(text),
	'content?': bytes,
	'download_location?': text,
	'media_type?': text,
	'annotations?': object,
});
const resources = list(pointer(resourceDescriptor));
const protoTime = pointer(struct({ 'seconds?': int64, 'nanos?': int32 }));

const link: AttestorType = {
	types: ['https://in-toto.io/attestation/link/v0.3'],
	shape: struct({
		'name?': text,
		'command?': list(text),
		'materials?': resources,
		'byproducts?': object,
		'environment?': object,
	}),
	unknown: [],
	subjects: null,
};

/** Provenance by encoding/json, not by protojson: its fields have their proto names. */
const slsa: AttestorType = {
	types: ['https://slsa.dev/provenance/v1.0'],
	shape: struct({
		'build_definition?': pointer(
			struct({
				'build_type?': text,
				'external_parameters?': object,
				'internal_parameters?': object,
				'resolved_dependencies?': resources,
			}),
		),
		'run_details?': pointer(
			struct({
				'builder?': pointer(struct({ 'id?': text, 'version?': map(text), 'builder_dependencies?': resources })),
				'metadata?': pointer(struct({ 'invocation_id?': text, 'started_on?': protoTime, 'finished_on?': protoTime })),
				'byproducts?': resources,
			}),
		),
	}),
	unknown: [],
	subjects: null,
};

const sbomType = 'https://witness.dev/attestations/sbom/v0.1';
const spdxType = 'https://spdx.dev/Document';
const cyclonedxType = 'https://cyclonedx.org/bom';

const sbom: AttestorType = {
	types: [sbomType, spdxType, cyclonedxType],
	shape: any,
	unknown: [],
	subjects: null,
	/** The real engine looks for the field in the first 500 bytes of the text; here it is looked for in the document. */
	ownType(attestor) {
		if (typeof attestor !== 'object' || attestor === null) return sbomType;
		const { spdxVersion, bomFormat } = attestor as Attestor;
		if (typeof spdxVersion === 'string' && spdxVersion.startsWith('SPDX-')) return spdxType;
		return bomFormat === 'CycloneDX' ? cyclonedxType : sbomType;
	},
};

const oci: AttestorType = {
	types: ['https://witness.dev/attestations/oci/v0.1'],
	shape: struct({
		tardigest: digests,
		manifest: list(struct({ Config: text, RepoTags: list(text), Layers: list(text) })),
		imagetags: list(text),
		diffids: list(digests),
		imageid: digests,
		manifestraw: bytes,
		manifestdigest: digests,
	}),
	unknown: [],
	subjects(attestor) {
		const subjects: Subjects = new Map();
		for (const field of ['manifestdigest', 'tardigest', 'imageid'])
			subjects.set(`${field}:${sha256Of(digestsOf(attestor, field))}`, digestsOf(attestor, field));
		for (const tag of listOf(attestor, 'imagetags')) subjects.set(`imagetag:${tag}`, digestOfText(String(tag)));
		for (const [i, layer] of listOf(attestor, 'diffids').entries()) {
			const set = layer as DigestSet;
			subjects.set(`layerdiffid${String(i).padStart(2, '0')}:${sha256Of(set)}`, set);
		}
		return subjects;
	},
	productPrefixes: ['manifestdigest:', 'tardigest:', 'imageid:'],
};

const docker: AttestorType = {
	types: ['https://witness.dev/attestations/docker/v0.1'],
	shape: struct({
		products: map(
			struct({
				materials: map(list(struct({ uri: text, architecture: text, digest: digests }))),
				imagereferences: list(text),
				imagedigest: digests,
			}),
		),
	}),
	unknown: [],
	subjects(attestor) {
		const subjects: Subjects = new Map();
		for (const product of Object.values((attestor['products'] ?? {}) as Record<string, Attestor>)) {
			const image = digestsOf(product, 'imagedigest');
			subjects.set(`imagedigest:${sha256Of(image)}`, image);
			for (const reference of listOf(product, 'imagereferences'))
				subjects.set(`imagereference:${reference}`, digestOfText(String(reference)));
			for (const materials of Object.values((product['materials'] ?? {}) as Record<string, Attestor[] | null>))
				for (const material of materials ?? []) {
					const digest = digestsOf(material, 'digest');
					subjects.set(`materialdigest:${sha256Of(digest)}`, digest);
					subjects.set(`materialuri:${textOf(material, 'uri')}`, digestOfText(textOf(material, 'uri')));
				}
		}
		return subjects;
	},
	productPrefixes: ['imagedigest:'],
};

const sha256Of = (set: DigestSet): string => set['sha256'] ?? '';

const sarif: AttestorType = {
	types: ['https://witness.dev/attestations/sarif/v0.1'],
	shape: struct({
		report: struct({ version: text, $schema: text, runs: list(raw) }),
		reportFileName: text,
		reportDigestSet: digests,
	}),
	unknown: ['report.runs.*'],
};

const vex: AttestorType = {
	types: ['https://openvex.dev/ns'],
	shape: struct({ vexDocument: raw, 'reportFileName?': text, 'reportDigestSet?': digests }),
	unknown: ['vexDocument'],
};

const k8smanifest: AttestorType = {
	types: ['https://witness.dev/attestations/k8smanifest/v0.2'],
	shape: struct({
		'serversidedryrun?': bool,
		'recordclusterinfo?': bool,
		'kubeconfig?': text,
		'kubecontext?': text,
		'ignorefields?': list(text),
		'ignoreannotations?': list(text),
		'recordeddocs?': list(
			struct({
				filepath: text,
				kind: text,
				name: text,
				data: raw,
				subjectkey: text,
				recordedimages: list(struct({ reference: text, digest: map(text) })),
			}),
		),
		clusterinfo: struct({ server: text, nodes: map(struct({ name: text, labels: map(text), nodeInfo: raw })) }),
	}),
	unknown: ['clusterinfo.nodes.*.nodeInfo'],
	subjects: null,
};

const secretscan: AttestorType = {
	types: ['https://witness.dev/attestations/secretscan/v0.1'],
	shape: struct({
		findings: list(
			struct({
				ruleId: text,
				description: text,
				location: text,
				startLine: int64,
				'secret?': digests,
				'match?': text,
				'entropy?': float32,
				'encodingPath?': list(text),
				'locationApproximate?': bool,
			}),
		),
	}),
	unknown: [],
	subjects: null,
};

const verificationSummary: AttestorType = {
	types: ['https://slsa.dev/verification_summary/v1'],
	shape: struct({
		verifier: struct({ id: text }),
		timeVerified: time,
		policy: struct({ uri: text, digest: digests }),
		inputAttestations: list(struct({ uri: text, digest: digests })),
		verificationResult: text,
	}),
	unknown: [],
	subjects: null,
};

export const artifactTypes: readonly AttestorType[] = [
	link,
	slsa,
	sbom,
	oci,
	docker,
	sarif,
	vex,
	k8smanifest,
	secretscan,
	verificationSummary,
];
