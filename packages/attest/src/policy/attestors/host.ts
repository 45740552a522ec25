// What the build host had and did: packages, lock files, Maven projects, network, file trails.
import type { DigestSet } from '../digest-set.ts';
import {
	bool,
	bytes,
	digests,
	int64,
	ip,
	list,
	madeList,
	map,
	raw,
	struct,
	text,
	time,
	uint16,
	uint32,
	uint64,
} from '../go-shape.ts';
import type { Attestor, AttestorType, Subjects } from './attestor.ts';
import { digestOfText, digestsOf, listOf, textOf } from './attestor.ts';

const lockfiles: AttestorType = {
	types: ['https://witness.dev/attestations/lockfiles/v0.1'],
	shape: struct({ lockfiles: madeList(struct({ filename: text, content: text, digest: digests })) }),
	unknown: [],
	subjects(attestor) {
		const files = listOf(attestor, 'lockfiles') as readonly Attestor[];
		return new Map(
			files.map((file): [string, DigestSet] => [`file:${textOf(file, 'filename')}`, digestsOf(file, 'digest')]),
		);
	},
};

const systemPackages: AttestorType = {
	types: ['https://witness.dev/attestations/system-packages/v0.1'],
	shape: struct({
		os: text,
		distribution: text,
		version: text,
		packages: list(struct({ name: text, version: text })),
		digest: digests,
	}),
	unknown: [],
};

const maven: AttestorType = {
	types: ['https://witness.dev/attestations/maven/v0.1'],
	shape: struct({
		groupid: text,
		artifactid: text,
		version: text,
		projectname: text,
		dependencies: list(struct({ groupid: text, artifactid: text, version: text, scope: text })),
	}),
	unknown: [],
	subjects(attestor) {
		const subjects: Subjects = new Map();
		const add = (name: string) => subjects.set(name, digestOfText(name));
		add(`project:${coordinates(attestor)}`);
		for (const dependency of listOf(attestor, 'dependencies')) add(`dependency:${coordinates(dependency as Attestor)}`);
		return subjects;
	},
};

const coordinates = (of: Attestor): string =>
	`${textOf(of, 'groupid')}/${textOf(of, 'artifactid')}@${textOf(of, 'version')}`;

const payload = struct({ size: int64, 'data?': bytes, 'hash?': text, 'truncated?': bool });
const connection = struct({
	id: text,
	protocol: text,
	start_time: time,
	end_time: time,
	process: struct({ pid: uint32, comm: text, 'cgroup_id?': uint64 }),
	destination: struct({ ip, port: uint16, 'hostname?': text }),
	'tcp_payloads?': list(struct({ timestamp: time, direction: text, payload })),
	bytes_sent: uint64,
	bytes_received: uint64,
	'error?': text,
});

const networkTrace: AttestorType = {
	types: ['https://witness.dev/attestations/network-trace/v0.1'],
	shape: struct({
		network_trace: struct({
			start_time: time,
			end_time: time,
			connections: list(connection),
			summary: struct({
				total_connections: int64,
				protocol_counts: map(int64),
				unique_hosts: list(text),
				unique_ips: list(text),
				total_bytes_sent: uint64,
				total_bytes_received: uint64,
			}),
			config: struct({
				'observe_pids?': list(uint32),
				'observe_cgroups?': list(text),
				'observe_commands?': list(text),
				observe_child_tree: bool,
				proxy_port: uint16,
				proxy_bind_ipv4: text,
				payload: struct({ record_payload: bool, record_payload_hash: bool, max_payload_size: int64 }),
			}),
		}),
	}),
	unknown: [],
};

const omnitrail: AttestorType = {
	types: ['https://witness.dev/attestations/omnitrail/v0.1'],
	shape: struct({ Envelope: raw }),
	unknown: ['Envelope'],
};

export const hostTypes: readonly AttestorType[] = [lockfiles, systemPackages, maven, networkTrace, omnitrail];
