// The addresses that good builds connected to, and the Rego that allows them and no others; pure.
import { printable } from '../text/printable.ts';
import type { GoodBuild } from './init-session.ts';

export interface Egress {
	address: string;
	port: number;
	/** Programs that connected. */
	programs: string[];
}

const families: ReadonlySet<string> = new Set(['AF_INET', 'AF_INET6']);

/** By address and port, sorted; connections of the session's own processes, unix sockets left out. */
export function egressOf(builds: readonly GoodBuild[]): Egress[] {
	const found = new Map<string, { address: string; port: number; programs: Set<string> }>();
	for (const { trace } of builds) {
		const binaryOf = new Map(trace?.processes.map((process) => [process.execId, process]));
		for (const { op, family, address, port, execId } of trace?.connections ?? []) {
			const process = binaryOf.get(execId);
			if (op !== 'connect' || !families.has(family) || process?.foreign === true) continue;
			const key = `${address} ${port}`;
			const entry = found.get(key) ?? { address, port, programs: new Set() };
			found.set(key, entry);
			entry.programs.add(process?.binary ?? 'unknown');
		}
	}
	return [...found]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([, { address, port, programs }]) => ({ address, port, programs: [...programs].sort() }));
}

/** For Witness's network-trace attestation: the only one that carries connections. */
export function egressRego(egress: readonly Egress[]): string {
	const list = egress
		.map(
			({ address, port, programs }) =>
				`\t${JSON.stringify(`${address}:${port}`)}, # ${printable(programs.join(', '))}\n`,
		)
		.join('');
	return `# Whom a build may call: address and port. Witness asks this for each network-trace of a build.
# Affidavit keeps connections in its own runtime-trace statement, which no Witness policy reads: this file is for builds that
# are recorded with Witness's network-trace attestor too, and for you to read.
package affidavit.egress

allowed := ${list === '' ? 'set()' : `{\n${list}}`}

deny[msg] {
	connection := connections[_]
	to := sprintf("%s:%v", [address(connection), port(connection)])
	not allowed[to]
	msg := sprintf("connection that is not allowed: %s", [to])
}

connections = object.get(input, ["network_trace", "connections"], [])

address(connection) = object.get(connection, ["destination", "ip"], "unknown")

port(connection) = object.get(connection, ["destination", "port"], "unknown")
`;
}
